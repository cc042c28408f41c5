"""A nucleo-l031 in this process, for measurements that a supervisor has no way to make: time and calls."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from unittest import mock

from pyocd.core.session import Session

from hil.board import load_board
from hil.emulator.machine import CoreState, MachineSpec, Status
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.machine import TwinMachine
from hil.flash import FlashSession
from hil.probe.emulated import EmulatedProbe

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARD = load_board("nucleo-l031")
assert BOARD.links.spi is not None
FLASH = BOARD.memory.flash
SPEC = MachineSpec(
    board=BOARD.name,
    machine="",
    flash_origin=FLASH.origin,
    flash_bytes=FLASH.bytes,
    ram_origin=BOARD.memory.ram.origin,
    ram_bytes=BOARD.memory.ram.bytes,
    part=BOARD.part,
    erased=FLASH.erased_byte,
    baud=115200,
    spi=SpiWiring.of(BOARD.links.spi),
)


class LocalMachine(TwinMachine):
    """Runs while it is looked at, and keeps account of the code that a debugger starts in RAM.

    Attributes:
        calls: how often it was started.
        seconds: of the chip's time that it took.
    """

    def __init__(self) -> None:
        super().__init__(SPEC, lambda _: None)
        self.calls = 0
        self.seconds = Fraction(0)
        self._since: Fraction | None = None

    def status(self) -> Status:
        self.poll()
        status = super().status()
        if self._since is not None and status.state is CoreState.HALTED:
            self.seconds += self._now() - self._since
            self._since = None
        return status

    def resume(self) -> None:
        if self._status.state is CoreState.HALTED and SPEC.in_ram(self.read_register("pc")):
            self.calls += 1
            self._since = self._now()
        super().resume()

    def _now(self) -> Fraction:
        assert self._chip is not None
        return self._chip.seconds()


class LocalBoard:
    """What `EmulatedProbe.of` wants of a powered board."""

    def __init__(self, flash: bytes) -> None:
        self.board = BOARD
        self.name = BOARD.name
        self.machine = LocalMachine()
        self.machine.set_flash_image(flash)
        self.machine.power_on()

    def why_stopped(self, status: Status) -> str:
        return status.detail

    def close(self) -> None:
        self.machine.close()


@contextmanager
def powered(flash: bytes) -> Iterator[LocalBoard]:
    board = LocalBoard(flash)
    try:
        yield board
    finally:
        board.close()


@contextmanager
def stock_session(board: LocalBoard) -> Iterator[Any]:
    """The session that ``pyocd flash -t stm32l031x6`` opens."""
    session = Session(EmulatedProbe.of(board), options={"target_override": "stm32l031x6", "reset.post_delay": 0.0})  # type: ignore[arg-type]
    with session:
        yield session


@contextmanager
def our_session(board: LocalBoard) -> Iterator[FlashSession]:
    """A session of hil's own on a board of this process."""
    here = EmulatedProbe.of(board)  # type: ignore[arg-type]
    with (
        mock.patch("hil.probe.session.choose_probe", return_value=here),
        FlashSession(BOARD, f"emulated:{BOARD.name}") as session,
    ):
        yield session
