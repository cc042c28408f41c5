"""The same content into the same flash, by stock pyOCD and by our session: calls, the chip's time, and the wall's."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyocd.flash.file_programmer import FileProgrammer

from tests.twin.local_board import FLASH, LocalBoard, our_session, powered, stock_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE: Final = 128
PAGES: Final = FLASH.bytes // PAGE
ERASED: Final = bytes(FLASH.bytes)
_ENDLESS: Final = bytes.fromhex("00200020 09000008 fee7")  # stack, reset vector, b .


def image(seed: int, *, zeros: range = range(0), ones: range = range(0)) -> bytes:
    """All of the flash: a program that does nothing, random bytes, and pages of 0x00 and of 0xff."""
    chance = random.Random(seed)
    pages = [
        bytes(PAGE) if n in zeros else b"\xff" * PAGE if n in ones else chance.randbytes(PAGE) for n in range(PAGES)
    ]
    return _ENDLESS + b"".join(pages)[len(_ENDLESS) :]


FULL: Final = image(1)
MIXED: Final = image(2, zeros=range(100, 132), ones=range(40, 72))
OTHER: Final = image(3)
SCENARIOS: Final = {
    "32 KB of random bytes onto erased flash": (ERASED, FULL),
    "32 KB with 4 KB each of 0x00 and 0xff onto erased flash": (ERASED, MIXED),
    "32 KB of random bytes over other content": (OTHER, FULL),
    "32 KB with 4 KB each of 0x00 and 0xff over other content": (OTHER, MIXED),
    "an eighth of it changed": (FULL, FULL[:0x3000] + OTHER[0x3000:0x4000] + FULL[0x4000:]),
}


@dataclass(frozen=True)
class Cost:
    """What programming took.

    Attributes:
        calls: of the flash algorithm.
        chip_s: for how long its code ran, in s of the chip's time.
        wall_s: of it all, on this computer.
    """

    calls: int
    chip_s: float
    wall_s: float


@contextmanager
def _measured(board: LocalBoard, costs: list[Cost]) -> Iterator[None]:
    machine = board.machine
    calls, seconds, started = machine.calls, machine.seconds, time.perf_counter()
    yield
    costs.append(Cost(machine.calls - calls, float(machine.seconds - seconds), time.perf_counter() - started))


def by_stock_pyocd(before: bytes, firmware: Path) -> Cost:
    """As ``pyocd flash -t stm32l031x6 --base-address 0x08000000`` does, in this process."""
    costs: list[Cost] = []
    with powered(before) as board:
        with stock_session(board) as session, _measured(board, costs):
            programmer = FileProgrammer(session, progress=lambda _: None)
            programmer.add_file(str(firmware), base_address=FLASH.origin)
            programmer.commit()
        assert board.machine.flash_image() == firmware.read_bytes()
    return costs[0]


def by_our_session(before: bytes, firmware: Path) -> Cost:
    """As a test run does, reading back included."""
    costs: list[Cost] = []
    with powered(before) as board:
        with our_session(board) as session, _measured(board, costs):
            session.program(firmware)
        assert board.machine.flash_image() == firmware.read_bytes()
    return costs[0]
