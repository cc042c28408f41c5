"""Changes of a row without noise: levels that it stays on, steps between them, and stretches in which it moves on.

Nothing is fitted: each figure that is told stood in the row. Pure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hil.nightly.pieces import AT_LEVEL, MOVING, Found

Floats = NDArray[np.float64]

_STRAYS: Final = 0.02
"""Probability up to which nights that are off every level may by chance stand in a row as long as a level."""


class _Run(NamedTuple):
    """Nights from one up to, and without, another on the same level."""

    start: int
    stop: int


def level_changes(row: Floats, *, rounding: float) -> list[Found] | None:
    """The changes of a row, or None where it is not one without noise.

    It is one where most nights are as the night before. A level is then what at least three nights in a row are at;
    more, where so many nights are off all levels that three of them may be next to each other by chance.

    Args:
        row: (N,) figures.
        rounding: what is no difference.
    """
    same = np.abs(np.diff(row)) <= rounding
    if 2 * int(same.sum()) < len(same):
        return None
    edges = [0, *(np.flatnonzero(~same) + 1).tolist(), len(row)]
    runs = [_Run(start, stop) for start, stop in pairwise(edges)]
    for shortest in range(AT_LEVEL, len(row)):
        levels = [run for run in runs if run.stop - run.start >= shortest]
        if not levels:
            return None
        found, explained = _between(row, levels, rounding)
        strays = sum(run.stop - run.start for run in runs[1:-1] if run not in levels and run.start not in explained)
        if len(row) * (strays / len(row)) ** shortest <= _STRAYS:
            return found
    return None


def _between(row: Floats, levels: list[_Run], rounding: float) -> tuple[list[Found], set[int]]:
    """The changes between levels, and the nights that are part of a drift."""
    found: list[Found] = []
    explained: set[int] = set()
    ends = [_Run(0, 0), *levels, _Run(len(row), len(row))]
    for before, after in pairwise(ends):
        first, last = max(before.stop - 1, 0), min(after.start, len(row) - 1)
        if _moves_on(row[first : last + 1], rounding):
            began = first + 1
            ended = None if after.start == len(row) else last
            found.append(Found("drift", began, float(row[first]), float(row[last]), ended))
            explained |= set(range(first, last + 1))
        elif before.stop and after.start < len(row) and abs(row[after.start] - row[first]) > rounding:
            found.append(Found("step", after.start, float(row[first]), float(row[after.start])))
    return found, explained


def _moves_on(stretch: Floats, rounding: float) -> bool:
    """Whether a stretch goes in one direction alone, on enough nights."""
    moves = np.diff(stretch)
    moves = moves[np.abs(moves) > rounding]
    return len(moves) >= MOVING and bool((moves > 0).all() or (moves < 0).all())
