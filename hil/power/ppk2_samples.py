"""Samples of a PPK2 in A: a 14-bit code, the range that it was taken in, and eight digital inputs, in one word each.

In a range with the calibration R, O, GS, GI, S, I and UG, x = (4·code - O) · 1.8 V / 163840 / R, and the current is
UG · (x · (GS·x + GI) + S·V + I) in A, with V the supply in V (github.com/NordicSemiconductor/pc-nrfconnect-ppk,
src/device/serialDevice.ts, as ppk2lab has it in docs/calibration.md). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.power.accuracy import Accuracy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RATE_HZ: Final = 100_000.0
CHANNELS: Final = tuple(f"D{number}" for number in range(8))
ACCURACY: Final = {
    0: Accuracy(0.10, 0.2e-6),
    1: Accuracy(0.10, 0.5e-6),
    2: Accuracy(0.10, 5e-6),
    3: Accuracy(0.10, 50e-6),
    4: Accuracy(0.15, 1e-3),
}
"""By range; its resolution is what it may be off at no current."""
STATED: Final = "typical, not guaranteed: Nordic's table of ranges, as ppk2lab quotes it"

_CODE: Final = 0x3FFF
_RANGE_SHIFT: Final = 14
_RANGE: Final = 0x7
_LOGIC_SHIFT: Final = 24
_CODE_SCALE: Final = 4
_VOLT: Final = 1.8 / 163_840
_SETTLING: Final = 3
"""Samples from a switch of ranges on that are not the board's current: as many as Nordic's application smooths."""


@dataclass(frozen=True)
class Calibration:
    """Of one range, as the device tells it. `r` is its shunt in ohms."""

    r: float
    gs: float
    gi: float
    o: float
    s: float
    i: float
    ug: float


@dataclass(frozen=True, eq=False)
class Samples:
    """(N,) each; see `hil.power.trace.Trace`."""

    current_A: NDArray[np.float64]
    ranges: NDArray[np.int8]
    marks: dict[str, NDArray[np.bool_]]
    outside: NDArray[np.bool_]
    settling: NDArray[np.bool_]


def convert(words: NDArray[np.uint32], calibrations: Mapping[int, Calibration], voltage_V: float) -> Samples:
    """Samples from words; not a number where a range has no calibration.

    Args:
        words: as the device sends them.
        calibrations: by range.
        voltage_V: of the board's supply, in V.
    """
    code = (words & _CODE).astype(np.float64)
    ranges = ((words >> _RANGE_SHIFT) & _RANGE).astype(np.int8)
    current = np.full(len(words), np.nan)
    for number, each in calibrations.items():
        inside = ranges == number
        x = (code[inside] * _CODE_SCALE - each.o) * (_VOLT / each.r)
        current[inside] = each.ug * (x * (each.gs * x + each.gi) + each.s * voltage_V + each.i)
    settling = _settling(ranges)
    pinned = words & _CODE == _CODE
    switched = _before_a_switch(ranges, pinned)
    logic = words >> _LOGIC_SHIFT
    return Samples(
        current_A=current,
        ranges=ranges,
        marks={name: (logic >> bit & 1).astype(np.bool_) for bit, name in enumerate(CHANNELS)},
        # A code at its end says "at least"; where the range was switched at once it was on its way.
        outside=pinned & ~switched & ~settling,
        settling=settling | switched,
    )


def _settling(ranges: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The samples from each switch of ranges on that are not the board's current."""
    settling = np.zeros(len(ranges), np.bool_)
    changes = np.flatnonzero(ranges[1:] != ranges[:-1]) + 1
    for later in range(_SETTLING):
        settling[changes[changes + later < len(ranges)] + later] = True
    return settling


def _before_a_switch(ranges: NDArray[np.int8], pinned: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pinned samples, as many as settle at most, right before a switch to a higher range."""
    on_the_way = np.zeros(len(ranges), np.bool_)
    for change in np.flatnonzero(ranges[1:] > ranges[:-1]) + 1:
        first = change
        while first > 0 and change - first < _SETTLING and pinned[first - 1]:
            first -= 1
        on_the_way[first:change] = True
    return on_the_way
