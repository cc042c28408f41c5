"""Runs for simulated instruments to measure, of a few steps each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.power.instruments.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """Attributes:
    name: for a table.
    edges_s, pieces_A, windows_s: see `Recorded`.
    least_s: longest time in s that is no step where edges are found in the current, high or low.
    """

    name: str
    edges_s: Floats
    pieces_A: Floats
    windows_s: Floats
    least_s: float = 0.0

    @property
    def duration_s(self) -> float:
        return float(self.edges_s[-1])

    def times(self, factor: float) -> Run:
        """With so many times the current."""
        return replace(self, name=f"{self.name} x {factor:g}", pieces_A=self.pieces_A * factor)

    def source(self, channel: str = "D0", **simulated: Any) -> Recorded:
        return Recorded(self.edges_s, self.pieces_A, self.windows_s, channel or "D0", **simulated)


def run_of(name: str, pieces: Iterable[tuple[float, float, bool]], least_s: float = 0.0) -> Run:
    """From how long each piece lasts in s, its current in A, and whether the marker is high."""
    lengths, currents, marks = zip(*pieces, strict=True)
    edges_s = np.concatenate(([0.0], np.cumsum(lengths)))
    high = np.concatenate(([False], np.array(marks), [False])).astype(np.int8)
    rises, falls = (np.flatnonzero(np.diff(high) == change) for change in (1, -1))
    return Run(name, edges_s, np.array(currents), np.stack((edges_s[rises], edges_s[falls]), axis=1), least_s)


def steps_by_hand(count: int = 5) -> Run:
    """As of a firmware that is sent each step: it sleeps, takes the request, steps, and answers."""
    pieces: list[tuple[float, float, bool]] = []
    for number in range(count):
        pieces += [
            (0.00317 + 0.000213 * number, 1.000e-3, False),
            (0.000431, 1.216e-3, False),
            (0.0018137 + 0.0000731 * number, 1.216e-3, True),
            (0.000513, 1.216e-3, False),
        ]
    return run_of("by hand, asleep between steps", [*pieces, (0.0021, 1.000e-3, False)], least_s=0.0005)


def stops_by_hand(count: int = 3) -> Run:
    """As of a firmware that makes its steps by itself and stops in between: through ranges of every instrument."""
    pieces: list[tuple[float, float, bool]] = []
    for number in range(count):
        pieces += [
            (0.00517 + 0.000213 * number, 0.35e-6, False),
            (0.000131, 1.216e-3, False),
            (0.0028137 + 0.0000731 * number, 1.216e-3, True),
            (0.000113, 1.216e-3, False),
        ]
    return run_of("by hand, stopped between steps", [*pieces, (0.0021, 0.35e-6, False)], least_s=0.0005)
