"""A board that is really there: powered, flashed, with a serial port. One class a kind; no other module asks which."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hil.emulator.native import NativeBoard
from hil.emulator.power import power
from hil.errors import BuildError, TargetFault
from hil.flash import FlashSession

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.options import DutOptions, FlashWhen
    from hil.dut.selection import Selection

_FAULTS = {"HardFault", "NMI"}


class Realised(Protocol):
    """What runs the firmware."""

    @property
    def probe_uid(self) -> str:
        """Uid of the debug probe; empty where there is none."""

    @property
    def serial_path(self) -> str:
        """Device path or URL of the serial port; may change when the board restarts."""

    def restart(self) -> None:
        """Start the firmware anew."""

    def store_image(self, image: bytes) -> None:
        """Put a model image into the image slot and start the firmware anew.

        Raises:
            FlashError: it cannot be written, or must be and writing was forbidden.
        """

    def check(self) -> None:
        """Raise TargetFault if the firmware is known to have ended; its cause says more than a silent link."""


class NativeProcess:
    """The agent as a process on this computer; its image slot is a file.

    Args:
        artefact: the host board's firmware.
        stack: ends the process when it is closed.
    """

    probe_uid = ""

    def __init__(self, artefact: Artefact, stack: ExitStack) -> None:
        self._artefact = artefact
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-")))
        self._slot: Path | None = None
        self._running = stack.enter_context(ExitStack())
        self._native = self._running.enter_context(NativeBoard(artefact.elf))

    @property
    def serial_path(self) -> str:
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


class ProbedBoard:
    """A board behind a debug probe, on silicon or emulated: pyOCD flashes it, pyserial talks to it.

    Args:
        board: the board.
        session: an open pyOCD session.
        probe_uid: what pyOCD calls its probe.
        serial_path: its serial port.
        flash: when to write model images.
    """

    def __init__(
        self, board: Board, session: FlashSession, probe_uid: str, serial_path: str, *, flash: FlashWhen
    ) -> None:
        self.probe_uid = probe_uid
        self.serial_path = serial_path
        self._board = board
        self._session = session
        self._flash = flash

    def restart(self) -> None:
        """Reset the core."""
        self._session.reset()

    def store_image(self, image: bytes) -> None:
        """Flash the image alone; the firmware beside it stays."""
        self._session.program_blob(image, self._board.image_slot.origin, mode=self._flash)
        self._session.reset()

    def check(self) -> None:
        """Look at the core: whether it sits in a fault or has locked up."""
        found = self._session.post_mortem()
        if found.state == "lockup" or found.exception in _FAULTS:
            raise TargetFault(
                f"the firmware on board '{self._board.name}' has stopped: {found.state}, in {found.exception}",
                cause=found.describe(),
                hint=f"'arm-none-eabi-addr2line -fe agent.elf 0x{found.registers['pc']:x}' names the line",
            )


@contextmanager
def realise(board: Board, artefact: Artefact, selection: Selection, options: DutOptions) -> Iterator[Realised]:
    """Power or find a board, and flash its firmware.

    Raises:
        RigError: it cannot be powered or found.
        FlashError: it cannot be flashed, or must be and ``options.flash`` is ``never``.
    """
    with ExitStack() as stack:
        if selection.backend == "native":
            yield NativeProcess(artefact, stack)
            return
        if selection.probe is None or selection.port is None:
            powered = stack.enter_context(power(board, selection.backend, options.instance))
            probe, port = powered.probe_uid, powered.serial_path
        else:
            probe, port = selection.probe, selection.port
        session = stack.enter_context(FlashSession(board, probe))
        if artefact.hex is None:
            raise BuildError(f"the build of board '{board.name}' gave no Intel HEX file to flash")
        session.program(artefact.hex, mode=options.flash)
        yield ProbedBoard(board, session, probe, port, flash=options.flash)
