"""Programming a board through its debug probe: one pyOCD session a run, the same for silicon and emulator.

What is on the target already is found by reading it back, never by file name or time stamp, and is not written again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from intelhex import IntelHex, IntelHexError  # type: ignore[import-untyped]  # has no annotations
from pyocd.flash.loader import MemoryLoader  # type: ignore[import-untyped]  # has annotations but no py.typed

from hil.errors import FlashError, HilError, InputError, RigError
from hil.probe import post_mortem
from hil.probe.flash_region import use_own_algorithm
from hil.probe.lock import IMPATIENT
from hil.probe.pyocd_errors import pyocd_errors
from hil.probe.session import ProbeSession

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.flash_mode import FlashMode
    from hil.probe.lock import Patience


_LATER: Final = ("second", "third", "fourth")


@dataclass(frozen=True)
class FlashResult:
    """What programming did.

    Attributes:
        bytes_total: size of the content.
        bytes_written: size of the erase pages that were written, after a retry by it alone; 0 when the target had the
            content already.
        seconds: time it took, verification included.
    """

    bytes_total: int
    bytes_written: int
    seconds: float

    @property
    def skipped(self) -> bool:
        """Whether nothing had to be written."""
        return self.bytes_written == 0


@dataclass(frozen=True)
class _Segment:
    address: int
    data: bytes


class FlashSession:
    """A board's debug probe, open for programming and run control. A context manager.

    What the rig may be to blame for (the connection was lost, or the core did not answer in time: a RigError) is tried
    once more, on a recovered connection, and told in `retries`. What the flash itself is to blame for is not: memory
    that does not erase, or reads back differently from what was written (a FlashError), is a defect, and a second
    attempt that happens to hold would hide it. Nothing here erases the whole flash: a model image in it stays.

    Args:
        board: the board that must be behind the probe.
        probe: uid of the probe, as ``pyocd list`` shows it, or a part that only its uid has; empty for the only one.
        patience: what to do while another run has the probe.
        may_erase: the whole flash may be erased where nothing else makes the board reachable.
    """

    def __init__(
        self, board: Board, probe: str = "", patience: Patience = IMPATIENT, *, may_erase: bool = False
    ) -> None:
        self._board = board
        self._probe = ProbeSession(board, probe, patience, may_erase=may_erase)

    def __enter__(self) -> Self:
        """Open the probe.

        Raises:
            RigError: there is no such probe, it is in use, its target does not answer or is another one.
        """
        self._probe.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._probe.close()

    @property
    def retries(self) -> tuple[str, ...]:
        """What had to be tried again since the probe was opened, and why: a sentence each."""
        return self._probe.retries

    def program(self, firmware: Path, *, mode: FlashMode = "auto") -> FlashResult:
        """Make the target's flash hold a firmware, and start it from reset.

        Args:
            firmware: Intel HEX (``.hex``), or a raw image from the start of flash (``.bin``).
            mode: ``auto`` writes what differs, ``always`` writes all, ``never`` only checks.

        Raises:
            InputError: the file cannot be read, or does not fit the board's flash.
            FlashError: it could not be written, reads back differently, or differs and must not be written.
        """
        result = self._put(self._segments(firmware), f"firmware {firmware.name}", mode)
        self.reset()
        return result

    def program_blob(self, data: bytes, address: int, *, mode: FlashMode = "auto") -> FlashResult:
        """Make the target's flash hold ``data`` at ``address``; what surrounds it stays.

        The core is left halted if anything was written: the flash algorithm has used its RAM, so `reset` must follow.

        Raises:
            InputError: it does not fit the board's flash.
            FlashError: see `program`.
        """
        return self._put([_Segment(address, data)], f"{len(data)} bytes at 0x{address:08x}", mode)

    def reset(self, *, halt: bool = False) -> None:
        """Reset the target; it runs, or with ``halt`` stops before its first instruction."""
        with pyocd_errors(f"board '{self._board.name}' cannot be reset"):
            if halt:
                self._probe.target.reset_and_halt()
            else:
                self._probe.target.reset()

    def halt(self) -> None:
        """Stop the core."""
        with pyocd_errors(f"board '{self._board.name}' cannot be halted"):
            self._probe.target.halt()

    def resume(self) -> None:
        """Let the core run."""
        with pyocd_errors(f"board '{self._board.name}' cannot be resumed"):
            self._probe.target.resume()

    def read_memory(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes of memory, also while the core runs."""
        with pyocd_errors(f"board '{self._board.name}' cannot be read at 0x{address:08x}"):
            return bytes(self._probe.target.read_memory_block8(address, size))

    def check_power(self) -> None:
        """Raise EmulatorEndedError where the board is emulated and its emulator has ended."""
        self._probe.check_power()

    def behind(self) -> str:
        """The uid of the probe itself: for one behind a network, what its server calls it."""
        return self._probe.behind()

    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware: a sentence each; nothing on silicon."""
        return self._probe.noticed()

    def post_mortem(self) -> post_mortem.PostMortem:
        """Halt the core and take down what it was doing."""
        with pyocd_errors(f"the core of board '{self._board.name}' cannot be examined"):
            return post_mortem.take(self._probe.target, self._board.memory, self.read_memory, self._probe.stopped_by())

    def _segments(self, firmware: Path) -> list[_Segment]:
        try:
            if firmware.suffix == ".bin":
                return [_Segment(self._board.memory.flash.origin, firmware.read_bytes())]
            if firmware.suffix == ".hex":
                image = IntelHex(str(firmware))
                return [_Segment(start, image.tobinstr(start, end - 1)) for start, end in image.segments()]
        except OSError as error:
            raise InputError(f"firmware file {firmware} cannot be read", cause=str(error)) from error
        except (IntelHexError, ValueError) as error:
            raise InputError(f"firmware file {firmware} is not Intel HEX", cause=str(error)) from error
        raise InputError(f"firmware file {firmware} is neither .hex nor .bin")

    def _put(self, segments: list[_Segment], what: str, mode: FlashMode) -> FlashResult:
        started = time.monotonic()
        flash = self._board.memory.flash
        for segment in segments:
            end = segment.address + len(segment.data)
            if segment.address < flash.origin or end > flash.origin + flash.bytes:
                raise InputError(
                    f"{what} has bytes from 0x{segment.address:08x} to 0x{end - 1:08x}, outside the flash of board "
                    f"'{self._board.name}' (0x{flash.origin:08x} to 0x{flash.origin + flash.bytes - 1:08x})"
                )
        pages = self._until_done(segments, what, mode)
        total = sum(len(segment.data) for segment in segments)
        return FlashResult(total, pages * flash.page_bytes, time.monotonic() - started)

    def _until_done(self, segments: list[_Segment], what: str, mode: FlashMode) -> int:
        """As `_attempt`, again and again while the board could be got hold of anew."""
        self._probe.begin()
        before = ""
        for which in ("first", *_LATER):
            try:
                return self._attempt(segments, what, mode)
            except HilError as error:
                try:
                    if not isinstance(error, RigError) or which == _LATER[-1]:
                        raise
                    self._probe.recover(error)
                except HilError as last:
                    if before:
                        told = f"it was the {which} attempt, after: {before}"
                        last.cause = f"{last.cause}; {told}" if last.cause else told
                    raise
                before = before or f"{error.message} ({error.cause})"
        raise AssertionError("the last attempt raises")

    def _attempt(self, segments: list[_Segment], what: str, mode: FlashMode) -> int:
        """Write what has to be written; returns the number of erase pages that were."""
        only_different = mode != "always"
        pages = self._pages(segments, only_different=only_different)
        if pages and mode == "never":
            raise FlashError(
                f"board '{self._board.name}' holds something else than {what}, and writing was forbidden",
                cause=self._difference(segments),
                hint="allow it with --flash auto",
            )
        if pages:
            # The algorithm runs on the target's core: not asleep, and with no interrupt or watchdog of the firmware's.
            self.reset(halt=True)
            self._write(segments, pages, what, only_different=only_different)
        return len(pages)

    def _pages(self, segments: list[_Segment], *, only_different: bool) -> set[int]:
        """Numbers of the erase pages that hold the segments, or only of those whose content differs."""
        size = self._board.memory.flash.page_bytes
        pages = set()
        for segment in segments:
            start, end = segment.address, segment.address + len(segment.data)
            now = self.read_memory(start, end - start) if only_different else b""
            for page in range(start // size, -(-end // size)):
                part = slice(max(page * size - start, 0), (page + 1) * size - start)
                if now[part] != segment.data[part]:
                    pages.add(page)
        return pages

    def _write(self, segments: list[_Segment], pages: set[int], what: str, *, only_different: bool) -> None:
        flash = self._board.memory.flash
        marked = {page * flash.page_bytes for page in pages}
        with pyocd_errors(f"{what} cannot be written to board '{self._board.name}'"):
            use_own_algorithm(self._probe.session, flash.origin, marked, always=not only_different)
            loader = MemoryLoader(
                self._probe.session,
                progress=_ignore,
                chip_erase="sector",  # whatever else is in flash stays
                smart_flash=only_different,
                trust_crc=False,
                keep_unwritten=True,
            )
            for segment in segments:
                loader.add_data(segment.address, list(segment.data))
            loader.commit()
        difference = self._difference(segments)
        if difference:
            raise FlashError(f"{what} reads back differently from board '{self._board.name}'", cause=difference)

    def _difference(self, segments: list[_Segment]) -> str | None:
        """The first difference between target and segments, in words."""
        for segment in segments:
            now = self.read_memory(segment.address, len(segment.data))
            if now != segment.data:
                at = next(at for at, (has, wants) in enumerate(zip(now, segment.data, strict=True)) if has != wants)
                count = sum(has != wants for has, wants in zip(now, segment.data, strict=True))
                return (
                    f"0x{segment.address + at:08x} holds 0x{now[at]:02x} instead of 0x{segment.data[at]:02x}, "
                    f"{count} bytes differ in all"
                )
        return None


def _ignore(_: float) -> None:
    """Where pyOCD would draw a bar on the terminal."""
