"""Cycles of every step of a run, by one source or several: pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable

Counts = NDArray[np.int64]

MODEL = "model: "
"""How the name of a source begins that counts an emulated core; behind the first comma it says by which timing."""


@dataclass(frozen=True)
class Spread:
    """Shortest, median and longest step, in cycles; the median is the lower one of two in the middle."""

    low: int
    median: int
    high: int

    @classmethod
    def of(cls, counts: Counts | Iterable[int]) -> Spread:
        """Of any number of counts, at least one."""
        ordered = sorted(int(count) for count in np.asarray(counts).ravel())
        return cls(ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1])

    def __str__(self) -> str:
        return f"{self.low}-{self.median}-{self.high}"


@dataclass(frozen=True)
class StepCycles:
    """What one source counted.

    Attributes:
        source: its name.
        per_step: (S, T) cycles from the entry of ``ltc_step`` to its return, interrupts apart.
        tolerance: share by which two runs of one program may differ; 0 where they are equal.
    """

    source: str
    per_step: Counts
    tolerance: float = 0.0

    @property
    def spread(self) -> Spread:
        """Shortest, median and longest step."""
        return Spread.of(self.per_step)


@dataclass(frozen=True)
class PathCycles:
    """What one path of calls took in all steps of a run.

    Attributes:
        path: names of functions from ``ltc_step`` down, each called by the one before.
        calls: how often it was taken.
        cycles: of the last function's own instructions.
    """

    path: tuple[str, ...]
    calls: int
    cycles: int


@dataclass(frozen=True)
class RunCycles:
    """Cycles of a run's steps.

    Attributes:
        core: the core's name, as board descriptions spell it.
        sources: what counted; the first is the one that promises are held against.
        missing: of each source that did not count, why, in words.
        empty_call: cycles of an empty call, which an on-chip count lacks.
        paths: the first source's cycles by path of calls, together those of all steps; empty where it cannot tell.
        no_paths: why there are none, in words.
        doubtful: a source counted, and its count was not to be trusted, as one of `missing` says.
    """

    core: str
    sources: tuple[StepCycles, ...] = ()
    missing: tuple[str, ...] = ()
    empty_call: int = 0
    paths: tuple[PathCycles, ...] = ()
    no_paths: str = ""
    doubtful: bool = False

    @property
    def measured(self) -> StepCycles | None:
        """The source that promises are held against, if any counted."""
        return self.sources[0] if self.sources else None

    @property
    def reason(self) -> str:
        """Why nothing was measured; of a run that was, what else did not count."""
        return "; ".join(self.missing)

    @property
    def difference(self) -> str:
        """How the sources differ, in a sentence; empty where there are not two."""
        if len(self.sources) < 2:  # noqa: PLR2004 - two sources
            return ""
        first, second = self.sources[:2]
        less = Spread.of(first.per_step - second.per_step)
        empty = f"{self.empty_call} are the empty call (movs r0, #0; bx lr) that the firmware subtracts"
        if less.low == less.high == self.empty_call:
            return f"{second.source} says {less.low} cycles a step less than {first.source}: {empty}"
        if less.low == less.high:
            return (
                f"{second.source} says {less.low} cycles a step less than {first.source}: {empty}, the other "
                f"{less.low - self.empty_call}, the same in every step, lie in how the firmware reads its counter"
            )
        return (
            f"{second.source} says {less.low} to {less.high} cycles a step less than {first.source} "
            f"(median {less.median}): {empty}; the rest "
            "differs from step to step, so the two do not count the same: another clock, or memory and interrupts "
            "that one of them knows nothing of"
        )
