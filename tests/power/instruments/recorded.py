"""A source that plays a recorded run, once or over and over: pieces of current, and windows with the marker high."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recorded:
    """Attributes:
    edges_s: (N + 1,) of the pieces, in s, from 0 on; the last is how long the run lasts.
    pieces_A: (N,) in A.
    windows_s: (M, 2) in s.
    channel: that the marker is wired to.
    over_s: each sample is the mean over so long from its time on, in s; at 0 it is the current at its time.
    once: behind the run the current stays at that of its last piece, and the marker low.
    noise: standard deviation of what each sample is off by, as a share of it.
    unseen: numbers of windows that a loose wire does not show, counted over all rounds.
    bounces: of each window, times that the wire opens for an instant behind its rise.
    bounce_s: how long such an instant is.
    """

    edges_s: Floats
    pieces_A: Floats
    windows_s: Floats
    channel: str = "D0"
    over_s: float = 0.0
    once: bool = False
    noise: float = 0.0
    unseen: frozenset[int] = frozenset()
    bounces: int = 0
    bounce_s: float = 20e-6
    _edges: list[float] = field(init=False, repr=False)
    _levels: list[float] = field(init=False, repr=False)
    _toggles: list[float] = field(init=False, repr=False)
    _charge_C: list[float] = field(init=False, repr=False)
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        assert self.edges_s[0] == 0
        assert (np.diff(self.edges_s) > 0).all()
        assert np.isfinite(self.pieces_A).all()
        charge = np.concatenate(([0.0], np.cumsum(np.diff(self.edges_s) * self.pieces_A)))
        for name, value in {
            "_edges": self.edges_s[1:].tolist(),
            "_levels": self.pieces_A.tolist(),
            "_toggles": self.windows_s.ravel().tolist(),
            "_charge_C": charge.tolist(),
            "_random": Random(7),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def period_s(self) -> float:
        return self._edges[-1]

    def current_A(self, time_s: float) -> float:
        if self.over_s:
            level = self.average_A(time_s, time_s + self.over_s)
        else:
            level = self._levels[self._piece(self._within(time_s)[1])]
        return level * (1 + self._random.gauss(0, self.noise)) if self.noise else level

    def mark(self, channel: str, time_s: float) -> bool:
        if channel != self.channel:
            return False
        rounds, within_s = self._within(time_s)
        toggles = bisect_right(self._toggles, within_s)
        if toggles % 2 == 0:
            return False
        if rounds * len(self.windows_s) + toggles // 2 in self.unseen:
            return False
        since = int((within_s - self._toggles[toggles - 1]) / self.bounce_s)
        return since % 2 == 0 or since // 2 >= self.bounces

    def average_A(self, begin_s: float, end_s: float) -> float:
        """Of a time, from the pieces themselves; without the noise."""
        return (self._charge_to(end_s) - self._charge_to(begin_s)) / (end_s - begin_s)

    def windows_within(self, begin_s: float, end_s: float) -> Floats:
        """(K, 2) begin and end of every window that is whole within a time, in s."""
        return self._repeated(self.windows_s, begin_s, end_s)

    def high_within(self, begin_s: float, end_s: float, least_s: float) -> Floats:
        """(K, 2) likewise of the times at the higher of two levels; what is shorter, high or low, is none."""
        middle_A = (self.pieces_A.min() + self.pieces_A.max()) / 2
        high = self.pieces_A > middle_A
        for level in (True, False):
            edges = np.flatnonzero(np.diff(high)) + 1
            for first, last in pairwise(edges):
                if high[first] == level and self.edges_s[last] - self.edges_s[first] < least_s:
                    high[first:last] = not level
        assert not high[0], "a run begins at rest"
        assert not high[-1], "a run ends at rest"
        return self._repeated(self.edges_s[np.flatnonzero(np.diff(high)) + 1].reshape(-1, 2), begin_s, end_s)

    def _repeated(self, windows_s: Floats, begin_s: float, end_s: float) -> Floats:
        rounds = np.arange(int(begin_s // self.period_s), 1 if self.once else int(end_s // self.period_s) + 1)
        windows = (windows_s + (rounds * self.period_s)[:, None, None]).reshape(-1, 2)
        return windows[(windows[:, 0] >= begin_s) & (windows[:, 1] <= end_s)]

    def _within(self, time_s: float) -> tuple[int, float]:
        """Which round a time is in, and how far, in s."""
        if self.once:
            return 0, time_s
        rounds, within_s = divmod(time_s, self.period_s)
        return int(rounds), within_s

    def _piece(self, within_s: float) -> int:
        return min(bisect_right(self._edges, within_s), len(self._levels) - 1)

    def _charge_to(self, time_s: float) -> float:
        rounds, within_s = self._within(time_s)
        piece = self._piece(within_s)
        begin_s = self._edges[piece - 1] if piece else 0.0
        return rounds * self._charge_C[-1] + self._charge_C[piece] + (within_s - begin_s) * self._levels[piece]
