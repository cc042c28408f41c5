"""Steps and slow drifts in a row of figures, each with the place where it begins. Pure.

A row that is the same from night to night until something makes it another has no noise, and is read as it is
(`hil.nightly.levels`); any other is fitted, with a bound on chance (`hil.nightly.pieces`).
docs/adr/0015-nightly.md says why so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hil.nightly.levels import level_changes
from hil.nightly.pieces import CHANCE, fitted_changes

if TYPE_CHECKING:
    from hil.nightly.pieces import Found

Floats = NDArray[np.float64]

__all__ = ["CHANCE", "Change", "find_changes"]

_FEWEST: Final = 8
"""Nights that a row needs before anything is said."""
_ROUNDING: Final = 1e-9
"""Share of the largest figure that is no difference."""


@dataclass(frozen=True)
class Change:
    """A change in a row.

    Attributes:
        kind: ``step`` to another level, or ``drift``.
        began: place of the first figure that is another than before.
        before: level until then.
        after: level since; of a drift, where it alone, without the steps within it, has come to.
        ended: place of the last figure of a drift that goes on no more; None for one that does, and for a step.
    """

    kind: Literal["step", "drift"]
    began: int
    before: float
    after: float
    ended: int | None = None

    @property
    def by(self) -> float:
        """Change as a share of the level before; infinite where that was 0."""
        return (self.after - self.before) / abs(self.before) if self.before else math.copysign(math.inf, self.after)


def find_changes(
    values: Floats, *, smallest: float = 0.0, counted: bool = False, chance: float = CHANCE
) -> list[Change]:
    """The changes in a row of figures, by place.

    Args:
        values: (N,) one a night, in order, all finite.
        smallest: smallest change to tell, as a share of the level before.
        counted: the figures are counted, not measured, so that none is told but one that was there.
        chance: as `CHANCE`.
    """
    row = np.asarray(values, np.float64)
    scale = float(np.abs(row).max(initial=0.0))
    if len(row) < _FEWEST or np.ptp(row / scale if scale else row) <= _ROUNDING:
        return []
    found = level_changes(row, rounding=_ROUNDING * scale)
    if found is None:
        found = [_unscaled(each, scale) for each in fitted_changes(row / scale, rounding=_ROUNDING, chance=chance)]
        found = [_there(each, row) for each in found] if counted else found
    changes = [Change(each.kind, each.began, each.before, each.after, each.ended) for each in found]
    return [change for change in changes if abs(change.by) >= smallest]


def _unscaled(found: Found, scale: float) -> Found:
    return replace(found, before=scale * found.before, after=scale * found.after)


def _there(found: Found, row: Floats) -> Found:
    """With the figures of the row that are next to the fitted ones, on either side."""
    last = len(row) if found.ended is None else found.ended + 1
    before, after = row[: found.began], row[found.began : last]
    return replace(found, before=_nearest(before, found.before), after=_nearest(after, found.after))


def _nearest(values: Floats, to: float) -> float:
    return float(values[np.abs(values - to).argmin()])
