"""The same content into the same flash, by stock pyOCD and by our session: calls, the chip's time, and the wall's."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pyocd.flash.file_programmer import FileProgrammer

from hil.build import build
from tests.twin.local_board import BOARD, FLASH, LocalBoard, our_session, powered, stock_session

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
BEFORE: Final = {"erased": ERASED, "other content": OTHER}
PATTERNS: Final = {
    "all 0xff": b"\xff" * FLASH.bytes,
    "all 0x00": ERASED,
    "random": FULL,
    "random, 4 KB each of 0x00 and 0xff": MIXED,
}
_SPARSE: Final = b"".join((OTHER if n % 8 == 4 else FULL)[n * PAGE : (n + 1) * PAGE] for n in range(PAGES))
CHANGES: Final = {
    "an eighth changed, in a row": (FULL, FULL[:0x3000] + OTHER[0x3000:0x4000] + FULL[0x4000:]),
    "an eighth changed, a page of each KB": (FULL, _SPARSE),
}


def agent() -> bytes:
    """All of the flash with the board's own firmware in it."""
    artefact = build(BOARD)
    assert artefact.bin is not None
    return artefact.bin.read_bytes().ljust(FLASH.bytes, b"\0")


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

    def again(self, other: Cost) -> Cost:
        """Of two equal runs the one that this computer was quicker with."""
        assert (other.calls, other.chip_s) == (self.calls, self.chip_s)
        return replace(self, wall_s=min(self.wall_s, other.wall_s))


def alternately(before: bytes, firmware: Path, *, rounds: int, wall: float = 0.0) -> tuple[Cost, Cost]:
    """What it takes stock pyOCD and our session, in turns, as this computer may be busy: the least wall time of each.

    Args:
        before: what the flash holds.
        firmware: what it is to hold.
        rounds: at most.
        wall: the ratio of wall times at which no other round is needed.
    """
    stock, ours = by_stock_pyocd(before, firmware), by_our_session(before, firmware)
    for _ in range(rounds - 1):
        if ours.wall_s <= stock.wall_s * wall:
            break
        stock = stock.again(by_stock_pyocd(before, firmware))
        ours = ours.again(by_our_session(before, firmware))
    return stock, ours


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
