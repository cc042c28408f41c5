"""Runs of the SPI link in memory, and what came of them."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from typing import TYPE_CHECKING

from hil.errors import HilError, LinkError, RigError
from tests.contract.memory_spi import MemorySpi
from tests.contract.spi_faults import BusyBoard, RandomFaults, RandomReady
from tests.contract.test_link_faults import work

if TYPE_CHECKING:
    from pathlib import Path

SOUND_S = 0.06  # of simulated time; it takes 0.046
SANITIZED, SOUND, FOUND, BROKEN = 1, 4, 5, 6
TIMEOUT_S = 60


def many_faults(library: Path, seeds: range) -> tuple[int, int, Counter[str]]:
    """Faults, repairs and errors of so many runs; fails on the first number that is wrong."""
    faults = repairs = 0
    errors: Counter[str] = Counter()
    for seed in seeds:
        bus, ready = RandomFaults(seed, 0.05), RandomReady(seed, 0.02)
        try:
            repairs += work(MemorySpi(library, bus, ready))
        except (LinkError, RigError) as error:
            errors[error.message] += 1
        faults += bus.faults + ready.faults
    return faults, repairs, errors


def holds(library: Path) -> bool:
    """Whether all is right, and in time, on a sound bus with a board that is sometimes not ready; no repair needed."""
    for seed in range(30):
        spi = MemorySpi(library, BusyBoard(seed, 0.3 if seed else 0.0))
        try:
            if work(spi) or (seed == 0 and spi.bridge.now > SOUND_S):
                return False
        except (AssertionError, HilError, ValueError):
            return False
    return True


def in_a_child(library: Path) -> int | None:
    """SOUND or FOUND, as `holds` says, or SANITIZED; BROKEN where the test itself fails, and less than 0 for no end."""

    def verdict() -> None:
        try:
            code = SOUND if holds(library) else FOUND
        except BaseException:  # noqa: BLE001 # whatever it is, it is no verdict
            code = BROKEN
        os._exit(code)

    child = multiprocessing.get_context("fork").Process(target=verdict)
    child.start()
    child.join(TIMEOUT_S)
    child.kill()
    child.join()
    return child.exitcode
