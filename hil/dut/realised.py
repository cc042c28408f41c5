"""A board that is really there: powered, flashed, with a link. One class a kind; no other module asks which."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hil.backends import is_supervised
from hil.dut.counting import Emulated, open_counter
from hil.emulator.native import NativeBoard
from hil.emulator.power import power
from hil.errors import BuildError, TargetFault
from hil.flash import FlashSession
from hil.link.refusal import line_hint
from hil.result import Flashed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.options import DutOptions
    from hil.dut.selection import Selection
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

    def restart(self) -> None:
        """Start the firmware anew."""

    def store_image(self, image: bytes) -> None:
        """Put a model image into the image slot and start the firmware anew.

        Raises:
            FlashError: it cannot be written, or must be and writing was forbidden.
        """

    def check(self) -> None:
        """Raise TargetFault if the firmware is known to have ended; its cause says more than a silent link.

        Raises:
            BoardGoneError: what ran the firmware has ended.
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

    def check(self) -> None:
        """Raise what a sanitizer has reported."""
        self._native.check()

    def confirm(self) -> None:
        """The process is this one's alone."""


class ProbedBoard:
    """A board behind a debug probe, on silicon or emulated: pyOCD flashes it, a port or a bridge reaches it.

    Args:
        board: the board.
        artefact: its firmware.
        session: an open pyOCD session.
        probe_uid: what pyOCD calls its probe.
        link_address: its serial port, or the bridge to it.
        flash: when to write model images.
        counter: what counts its cycles, or why nothing does.
    """

    def __init__(
        self,
        board: Board,
        artefact: Artefact,
        session: FlashSession,
        probe_uid: str,
        link_address: str,
        *,
        flash: FlashMode,
        counter: Emulated,
    ) -> None:
        self.counter = counter
        self.probe_uid = probe_uid
        self.pairing_hint = "name the port of that probe with --port, or its probe with --probe"
        self.link_address = link_address
        self._board = board
        self._artefact = artefact
        self._session = session
        self._flash = flash
        self._written = 0

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

    def check(self) -> None:
        """Look at the core: whether there still is one, sits in a fault or has locked up."""
        self._session.check_power()
        found = self._session.post_mortem()
        if found.detail or found.state == "lockup" or found.exception in _FAULTS:
            raise TargetFault(
                f"the firmware on board '{self._board.name}' has stopped: "
                + (found.detail or f"{found.state}, in {found.exception}"),
                cause=found.describe(),
                hint=line_hint(str(self._artefact.elf), found.registers["pc"]),
            )


@contextmanager
def realise(board: Board, artefact: Artefact, selection: Selection, options: DutOptions) -> Iterator[Realised]:
    """Power or find a board, and flash its firmware.

    Raises:
        RigError: it cannot be powered or found.
        FlashError: it cannot be flashed, or must be and ``options.flash`` is ``never``.
    """
    with ExitStack() as stack:
        if selection.emulated and not is_supervised(selection.backend):
            yield NativeProcess(artefact, stack)
            return
        emulated = open_counter(board, artefact.elf, selection, stack)
        if selection.probe is None or selection.port is None:
            powered = stack.enter_context(power(board, selection.backend, options.instance, counter=emulated.counter))
            probe, port = powered.probe_uid, powered.address_of(options.link)
        else:
            probe, port = selection.probe, selection.port
        session = stack.enter_context(FlashSession(board, probe))
        probed = ProbedBoard(board, artefact, session, probe, port, flash=options.flash, counter=emulated)
        probed.program()
        yield probed
