"""Steps and slow drifts in a row of figures, with the place where each begins: least squares, and a bound on chance.

For every place, two models beside "it stays as it was": from there on another level (step), or from there on a slope
(drift). The one that leaves the least is taken, and is told where chance alone would give as much in fewer than
`CHANCE` of all rows: Student's t, times the number of models that were tried (Bonferroni). What is on either side of a
step is looked at again in the same way. Then all is done once more with fewer nights that count as independent, as far
as what is left resembles its neighbour.
docs/adr/0015-nightly.md says why so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hil.nightly.student import two_sided

Floats = NDArray[np.float64]

CHANCE: Final = 1e-5
"""Probability that a row of nothing but noise is told to have a change."""

_FEWEST: Final = 8
"""Nights that a row needs before anything is said."""
_AT_LEVEL: Final = 3
"""Nights on either side of a step: fewer may be a spike."""
_MOVING: Final = 5
"""Nights that a drift must have gone on for."""
_AROUND: Final = 2
"""Nights before and behind one that sticks out, which are looked at to see that."""
_STICKS_OUT: Final = 8.0
"""Standard deviations from its neighbours from which on a night counts as one that sticks out."""
_ROUNDING: Final = 1e-9
"""Share of the largest figure that is no difference."""
_MOST_ALIKE: Final = 0.9
_FITTED: Final = 3.0
"""What is left of a fitted row resembles its neighbours less than the noise did, by about so much over its length."""


@dataclass(frozen=True)
class Change:
    """A change in a row.

    Attributes:
        kind: ``step`` to another level, or ``drift``.
        began: place of the first figure that is another than before.
        before: level until then.
        after: level since; of a drift, where it has come to.
        chance: upper bound on the probability that noise alone gives as much.
    """

    kind: Literal["step", "drift"]
    began: int
    before: float
    after: float
    chance: float

    @property
    def by(self) -> float:
        """Change as a share of the level before; infinite where that was 0."""
        return (self.after - self.before) / abs(self.before) if self.before else math.copysign(math.inf, self.after)


def find_changes(values: Floats, *, smallest: float = 0.0, chance: float = CHANCE) -> list[Change]:
    """The changes in a row of figures, by place.

    Args:
        values: (N,) one a night, in order, all finite.
        smallest: smallest change to tell, as a share of the level before.
        chance: as `CHANCE`.
    """
    search = _Search(smallest, chance)
    calm = _calmed(np.asarray(values, np.float64))
    found, rest = search.split(calm, 0)
    if not found:
        return []
    alike = _alike(rest)  # now that the changes are out of it
    return sorted(replace(search, alike=alike).split(calm, 0)[0], key=lambda change: change.began)


@dataclass(frozen=True)
class _Search:
    """How changes are looked for.

    Attributes:
        smallest: as of `find_changes`.
        chance: likewise.
        alike: how much of one night's noise is in the next.
    """

    smallest: float
    chance: float
    alike: float = 0.0

    def split(self, values: Floats, offset: int) -> tuple[list[Change], Floats]:
        """The changes of a part of a row that begins at a place, and what they leave of it."""
        found = self._largest(values)
        if found is None or abs(found[0].by) < self.smallest:
            return [], values - values.mean() if len(values) else values
        change, rest = found
        place = change.began
        before, left = self.split(values[:place], offset)
        after, right = self.split(values[place:], offset + place) if change.kind == "step" else ([], rest[place:])
        return [*before, replace(change, began=offset + place), *after], np.concatenate([left, right])

    def _largest(self, values: Floats) -> tuple[Change, Floats] | None:
        """The change that explains most of a row, unless chance may do so, and what it leaves."""
        count = len(values)
        if count < _FEWEST:
            return None
        rounding = count * (_ROUNDING * float(np.abs(values).max())) ** 2
        centred = values - values.mean()
        if float(centred @ centred) <= rounding:
            return None
        shapes = _shapes(count)
        slopes = shapes.apart @ centred / shapes.norms
        best = int((slopes**2 * shapes.norms).argmax())
        slope = float(slopes[best])
        rest = centred - slope * shapes.apart[best]
        left = max(float(rest @ rest), rounding)
        independent = (count - 2) * (1 - self.alike) / (1 + self.alike)
        t = abs(slope) * math.sqrt(float(shapes.norms[best]) / left * independent)
        likely = min(1.0, len(shapes.begins) * two_sided(t, count - 2))
        if likely > self.chance:
            return None
        before = float(values.mean() - slope * shapes.means[best])
        after = before + slope * float(shapes.ends[best])
        kind: Literal["step", "drift"] = "step" if best < shapes.steps else "drift"
        return Change(kind, int(shapes.begins[best]), before, after, likely), rest


@dataclass(frozen=True)
class _Shapes:
    """What a change of size 1 looks like at each of M places in a row of N nights; first the steps.

    Attributes:
        apart: (M, N) without their means.
        means: (M,) those.
        norms: (M,) sums of the squares of ``apart``.
        ends: (M,) value on the last night.
        begins: (M,) first night that is another than before.
        steps: how many are steps.
    """

    apart: Floats
    means: Floats
    norms: Floats
    ends: Floats
    begins: NDArray[np.int64]
    steps: int


@cache
def _shapes(count: int) -> _Shapes:
    nights = np.arange(count)
    steps = np.arange(_AT_LEVEL, count - _AT_LEVEL + 1)
    drifts = np.arange(0, count - _MOVING)
    rows = np.vstack([(nights >= steps[:, None]).astype(np.float64), np.maximum(0.0, nights - drifts[:, None])])
    means = rows.mean(axis=1)
    apart = rows - means[:, None]
    begins = np.concatenate([steps, drifts + 1])
    return _Shapes(apart, means, (apart**2).sum(axis=1), rows[:, -1], begins, len(steps))


def _alike(rest: Floats) -> float:
    """How much of one night's noise is in the next, by what is left of a row."""
    power = float(rest @ rest)
    found = float(rest[1:] @ rest[:-1]) / power if power else 0.0
    return float(np.clip(found + _FITTED / len(rest), 0.0, _MOST_ALIKE))


def _calmed(values: Floats) -> Floats:
    """With one or two nights that stick out of their neighbours brought back to these: they are no change."""
    width = 2 * _AROUND + 1
    if len(values) < width:
        return values
    noise = float(np.median(np.abs(np.diff(values)))) / (0.6745 * math.sqrt(2))
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    middle: NDArray[Any] = np.pad(np.median(windows, axis=1), _AROUND, mode="edge")
    sticks_out = np.abs(values - middle) > max(_STICKS_OUT * noise, _ROUNDING * float(np.abs(values).max()))
    return np.where(sticks_out, middle, values)
