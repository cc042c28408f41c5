"""What a simulated instrument measures: a current and digital inputs over time."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Protocol


class Source(Protocol):
    """Piecewise constant; pure, and asked for increasing times."""

    def current_A(self, time_s: float) -> float:
        """The board's current, in A."""

    def mark(self, channel: str, time_s: float) -> bool:
        """The level of a digital input, by its name."""


@dataclass(frozen=True)
class Steps:
    """A current that steps at given times, over and over; one channel is high during some of the steps.

    Attributes:
        levels_A: in A, each with the time for which it stays in s, and whether the mark is high.
        channel: which input the mark is wired to.
        glitch_s: times at which the mark is high for one instant more, as on a bad wire.
    """

    levels_A: tuple[tuple[float, float, bool], ...]
    channel: str = "D0"
    glitch_s: tuple[float, ...] = ()
    _ends: list[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        total, ends = 0.0, []
        for _, length_s, _ in self.levels_A:
            total += length_s
            ends.append(total)
        object.__setattr__(self, "_ends", ends)

    @property
    def period_s(self) -> float:
        return self._ends[-1]

    def current_A(self, time_s: float) -> float:
        return self.levels_A[self._step(time_s)][0]

    def mark(self, channel: str, time_s: float) -> bool:
        return channel == self.channel and self.levels_A[self._step(time_s)][2]

    def average_A(self, begin_s: float, end_s: float, *, grid: int = 20_000) -> float:
        """Over a part, from the steps themselves."""
        width = (end_s - begin_s) / grid
        return sum(self.current_A(begin_s + (k + 0.5) * width) for k in range(grid)) / grid

    def _step(self, time_s: float) -> int:
        # A nudge, as sums of sample periods fall short of the steps' ends by rounding.
        return min(bisect_right(self._ends, (time_s + 1e-9) % self.period_s), len(self._ends) - 1)


def constant(current_A: float) -> Steps:
    return Steps(((current_A, 1.0, False),))


def pulses(rest_A: float, active_A: float, *, rest_s: float = 0.002, active_s: float = 0.003) -> Steps:
    """At rest, then active with the mark high, over and over."""
    return Steps(((rest_A, rest_s, False), (active_A, active_s, True)))
