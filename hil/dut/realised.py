"""A board that is really there: powered, flashed, with a link. One class a kind; no other module asks which."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hil.backends import is_supervised
from hil.dut.attached import port_again
from hil.dut.counting import Emulated, open_counter
from hil.emulator.native import NativeBoard
from hil.emulator.power import PROBE_PREFIX, power
from hil.errors import BuildError, RigError, TargetFault
from hil.flash import FlashSession
from hil.link.refusal import line_hint
from hil.probe.calls import Names
from hil.probe.lock import Patience
from hil.result import Flashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.options import DutOptions
    from hil.dut.selection import Selection
    from hil.emulator.activity_log import Recording
    from hil.flash_mode import FlashMode

_FAULTS = {"HardFault", "NMI"}


class Realised(Protocol):
    """What runs the firmware."""

    @property
    def probe_uid(self) -> str:
        """Uid of the debug probe; empty where there is none."""

    @property
    def link_address(self) -> str:
        """Device path or URL of the serial port, or the SPI bridge's; may change when the board restarts."""

    @property
    def flashed(self) -> Flashed:
        """What was written to its flash since it was opened, and what had to be tried again."""

    @property
    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware since power-up: a sentence each."""

    @property
    def counter(self) -> Emulated:
        """What counts the cycles of an emulated core, or why nothing does."""

    @property
    def machine(self) -> Recording | None:
        """What records what an emulated chip does; None where nobody can be asked."""

    def restart(self) -> None:
        """Start the firmware anew."""

    def store_image(self, image: bytes) -> None:
        """Put a model image into the image slot and start the firmware anew.

        Raises:
            FlashError: it cannot be written, or must be and writing was forbidden.
        """

    def check(self) -> tuple[str, ...]:
        """Raise TargetFault if the firmware is known to have ended; its cause says more than a silent link.

        Returns:
            What the core was doing, in lines; nothing where there is no core to look at.

        Raises:
            BoardGoneError: what ran the firmware has ended, or has been unplugged.
        """

    def confirm(self) -> None:
        """Before and after a run: raise BoardGoneError where another may have the board, or may have had it."""

    @property
    def pairing_hint(self) -> str:
        """What to do where probe and port belong to two boards."""


class NativeProcess:
    """The agent as a process on this computer; its image slot is a file.

    Args:
        artefact: the host board's firmware.
        stack: ends the process when it is closed.
    """

    probe_uid = ""
    flashed = Flashed()
    noticed: tuple[str, ...] = ()
    counter = Emulated(reason="model: a native process has no Cortex-M0")
    machine: Recording | None = None
    pairing_hint = ""

    def __init__(self, artefact: Artefact, stack: ExitStack) -> None:
        self._artefact = artefact
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-")))
        self._slot: Path | None = None
        self._running = stack.enter_context(ExitStack())
        self._native = self._running.enter_context(NativeBoard(artefact.elf))

    @property
    def link_address(self) -> str:
        """The process' pseudo-terminal."""
        return self._native.serial_path

    def restart(self) -> None:
        """End the process and start another."""
        self._running.close()
        self._native = self._running.enter_context(NativeBoard(self._artefact.elf, slot=self._slot))

    def store_image(self, image: bytes) -> None:
        """Start another process with this image in its slot."""
        self._slot = self._folder / "slot.bin"
        self._slot.write_bytes(image)
        self.restart()

    def check(self) -> tuple[str, ...]:
        """Raise what a sanitizer has reported."""
        self._native.check()
        return ()

    def confirm(self) -> None:
        """The process is this one's alone."""


class ProbedBoard:
    """A board behind a debug probe, on silicon or emulated: pyOCD flashes it, a port or a bridge reaches it.

    Args:
        board: the board.
        artefact: its firmware.
        session: an open pyOCD session.
        probe_uid: what pyOCD calls its probe.
        address: gives its serial port, or the bridge to it, as it is now.
        flash: when to write model images.
        counter: what counts its cycles, or why nothing does.
        machine: records what its chip does, where it is emulated here.
    """

    def __init__(
        self,
        board: Board,
        artefact: Artefact,
        session: FlashSession,
        probe_uid: str,
        address: Callable[[], str],
        *,
        flash: FlashMode,
        counter: Emulated,
        machine: Recording | None = None,
    ) -> None:
        self.counter = counter
        self.machine = machine
        self.probe_uid = probe_uid
        self.pairing_hint = "name the port of that probe with --port, or its probe with --probe"
        self._address = address
        self._board = board
        self._artefact = artefact
        self._session = session
        self._flash = flash
        self._written = 0

    @property
    def link_address(self) -> str:
        """See `Realised`; a port that nobody named is looked for by its probe each time."""
        return self._address()

    @property
    def flashed(self) -> Flashed:
        """See `Realised`."""
        return Flashed(self._written, self._session.retries)

    @property
    def noticed(self) -> tuple[str, ...]:
        """See `Realised`."""
        return self._session.noticed()

    def program(self) -> None:
        """Flash the firmware where it is not there yet, as the mode says, and start it."""
        if self._artefact.hex is None:
            raise BuildError(f"the build of board '{self._board.name}' gave no Intel HEX file to flash")
        self._written += self._session.program(self._artefact.hex, mode=self._flash).bytes_written

    def restart(self) -> None:
        """Reset the core."""
        self._session.reset()

    def store_image(self, image: bytes) -> None:
        """Flash the image alone; the firmware beside it stays."""
        done = self._session.program_blob(image, self._board.image_slot.origin, mode=self._flash)
        self._written += done.bytes_written
        self._session.reset()

    def confirm(self) -> None:
        """The board is this process' alone, as long as its probe and port are."""

    def check(self) -> tuple[str, ...]:
        """Look at the core: whether there still is one, sits in a fault or has locked up; it is halted then."""
        self._session.check_power()
        found = self._session.post_mortem()
        lines = found.lines(self._names)
        if found.detail or found.state == "lockup" or found.exception in _FAULTS:
            fault = TargetFault(
                f"the firmware on board '{self._board.name}' has stopped: "
                + (found.detail or f"{found.state}, in {found.exception}"),
                hint=line_hint(str(self._artefact.elf), found.registers["pc"]),
            )
            fault.post_mortem = lines
            raise fault
        return lines

    @cached_property
    def _names(self) -> Names:
        return Names.of(self._artefact.elf)


@contextmanager
def realise(
    board: Board,
    artefact: Artefact,
    selection: Selection,
    options: DutOptions,
    tell: Callable[[str], None],
) -> Iterator[Realised]:
    """Power or find a board, and flash its firmware.

    Args:
        board: the board.
        artefact: its firmware.
        selection: what realises it.
        options: how.
        tell: told in a sentence that another run is waited for.

    Raises:
        RigError: it cannot be powered or found.
        FlashError: it cannot be flashed, or must be and ``options.flash`` is ``never``.
    """
    with ExitStack() as stack:
        if selection.emulated and not is_supervised(selection.backend):
            yield NativeProcess(artefact, stack)
            return
        emulated = open_counter(board, artefact.elf, selection, stack)
        machine: Recording | None = None
        if selection.probe is None or selection.port is None:
            powered = stack.enter_context(power(board, selection.backend, options.instance, counter=emulated.counter))
            probe, port = powered.probe_uid, powered.address_of(options.link)
            machine = powered.machine
        else:
            probe, port = selection.probe, selection.port
        patience = Patience(options.probe_wait_s, tell)
        session = stack.enter_context(FlashSession(board, probe, patience, may_erase=options.may_erase))
        if not selection.emulated and (behind := session.behind()).startswith(PROBE_PREFIX):
            raise RigError(
                f"probe '{probe}' is '{behind}', an emulated board: what it gives is not told as hardware",
                hint="reach it with --farm, at a place whose tags say that it is emulated",
            )
        address = partial(port_again, board, probe) if selection.follows_probe else lambda: port
        probed = ProbedBoard(
            board, artefact, session, probe, address, flash=options.flash, counter=emulated, machine=machine
        )
        probed.program()
        yield probed
