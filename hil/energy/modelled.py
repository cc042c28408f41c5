"""The current that a chip is modelled to draw over time: its spans of activity, and its board's current model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hil.energy.activity import State
from hil.energy.model import AS_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.energy.draw import Draw
    from hil.energy.model import CurrentModel
    from hil.energy.spans import Spans

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModelledCurrent:
    """Current over time, in steps: it stays the same within each of the N spans.

    Attributes:
        spans: what the chip did.
        model: what it then draws.
    """

    spans: Spans
    model: CurrentModel

    # Over time

    @cached_property
    def typical_A(self) -> Floats:
        """(N,) of each span, in A; NaN where it is not known."""
        return self._currents(lambda draw: draw.typical_A)

    @cached_property
    def maximum_A(self) -> Floats:
        """(N,) by the data sheet's maxima, in A; NaN where they are not known."""
        return self._currents(lambda draw: draw.maximum_A)

    def current_A(self, time_s: Floats) -> Floats:
        """Typical current at times, of any shape and in s since power-up: in A; NaN outside of the spans."""
        edges = self.spans.edges_s
        at = np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, len(self.spans) - 1)
        inside = (time_s >= edges[0]) & (time_s <= edges[-1])
        return np.where(inside, self.typical_A[at], np.nan)

    def _currents(self, pick: Callable[[Draw], float | None]) -> Floats:
        used = np.unique(self.spans.activity)
        flash, ram = (np.full(len(self.spans.activities), np.nan) for _ in range(2))
        for number in used:
            activity = self.spans.activities[number]
            for values, from_ram in ((flash, 0.0), (ram, 1.0)):
                picked = pick(self.model.draw(activity, from_ram))
                values[number] = np.nan if picked is None else picked
        share, of = self.spans.from_ram, self.spans.activity
        mixed = flash[of] + share * (ram[of] - flash[of])
        return np.where(share <= 0, flash[of], np.where(share >= 1, ram[of], mixed))

    # Windows of the marker

    @cached_property
    def windows(self) -> NDArray[np.intp]:
        """(W, 2) first span, and the one behind the last, of each stretch with the marker high."""
        levels = np.concatenate(([False], self.spans.marker, [False])).astype(np.int8)
        return np.stack([np.flatnonzero(np.diff(levels) > 0), np.flatnonzero(np.diff(levels) < 0)], axis=1)

    @property
    def windows_s(self) -> Floats:
        """(W, 2) begin and end of each, in s since power-up."""
        return self.spans.edges_s[self.windows]

    def charges_C(self, current_A: Floats) -> Floats:
        """(W,) of each window, in C, of a current by spans: `typical_A` or `maximum_A`."""
        if not len(self.windows):
            return np.zeros(0)
        padded = np.append(current_A * self.spans.durations_s, 0.0)  # a window may end with the last span
        return np.add.reduceat(padded, self.windows.ravel())[::2]

    # Over a stretch of spans

    def average_A(self, current_A: Floats, first: int, end: int) -> float:
        """Of a current by spans, from one span up to another, in A; NaN where part of it is not known."""
        durations = self.spans.durations_s[first:end]
        return float(np.sum(current_A[first:end] * durations) / np.sum(durations))

    def shares(self, first: int, end: int) -> dict[str, float]:
        """Of the time from one span up to another, by state; 1 in all."""
        by_state: dict[str, float] = {}
        total = 0.0
        for number, time_s in self._times(first, end).items():
            state = self.spans.activities[number].state.value
            by_state[state] = by_state.get(state, 0.0) + time_s
            total += time_s
        return {state: time_s / total for state, time_s in sorted(by_state.items(), key=lambda item: -item[1])}

    def without(self, first: int, end: int) -> dict[str, float]:
        """What was on and is not in the current, and for how long in s; names in order."""
        return self._gathered(first, end, lambda draw: draw.without)

    def unknown(self, first: int, end: int) -> dict[str, float]:
        """Why there is no current, in words, and for how long in s; empty where it is known throughout."""
        return self._gathered(first, end, lambda draw: (draw.unknown,) if draw.unknown else ())

    def sources(self, first: int, end: int) -> tuple[str, ...]:
        """Documents and pages that the current is made of, and what is assumed."""
        found = tuple(self._gathered(first, end, lambda draw: draw.sources))
        wakes = any(self.spans.activities[number].state is State.WAKE for number in self._times(first, end))
        return (*found, AS_RUN) if wakes else found

    def _times(self, first: int, end: int) -> Mapping[int, float]:
        """Seconds of each activity."""
        sums = np.bincount(self.spans.activity[first:end], self.spans.durations_s[first:end])
        return {int(number): float(sums[number]) for number in np.flatnonzero(sums)}

    def _gathered(self, first: int, end: int, pick: Callable[[Draw], tuple[str, ...]]) -> dict[str, float]:
        """Seconds by what the draws of a stretch say."""
        times: dict[str, float] = {}
        ram = self.spans.from_ram[first:end] > 0
        numbers, durations = self.spans.activity[first:end], self.spans.durations_s[first:end]
        for number in np.unique(numbers):
            draw_in = self.spans.activities[number]
            for from_ram in (False, True):
                there = (numbers == number) & (ram == from_ram)
                if np.any(there):
                    share = float(np.mean(self.spans.from_ram[first:end][there]))
                    for words in pick(self.model.draw(draw_in, share)):
                        times[words] = times.get(words, 0.0) + float(np.sum(durations[there]))
        return dict(sorted(times.items()))
