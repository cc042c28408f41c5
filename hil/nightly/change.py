"""Steps and slow drifts in a row of figures, with the place where each begins: least squares, and a bound on chance.

For every place, two models beside "it stays as it was": from there on another level (step), or from there on a slope
(drift). The one that leaves the least is taken, and is told where chance alone would give as much in fewer than
`CHANCE` of all rows: Student's t, times the number of models that were tried (Bonferroni), its square lowered for
neighbours that resemble each other. What is on either side of a step is looked at again in the same way.
docs/adr/0013-nightly.md says why so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    calm = _calmed(np.asarray(values, np.float64))
    return sorted(_changes(calm, 0, smallest, chance), key=lambda change: change.began)


def _changes(values: Floats, offset: int, smallest: float, chance: float) -> list[Change]:
    found = _largest(values, chance)
    if found is None or abs(found.by) < smallest:
        return []
    place = found.began
    moved = Change(found.kind, place + offset, found.before, found.after, found.chance)
    left = _changes(values[:place], offset, smallest, chance)
    right = _changes(values[place:], offset + place, smallest, chance) if found.kind == "step" else []
    return [*left, moved, *right]


def _largest(values: Floats, chance: float) -> Change | None:
    """The change that explains most of a row, unless chance may do so."""
    count = len(values)
    rounding = count * (_ROUNDING * float(np.abs(values).max(initial=0.0))) ** 2
    centred = values - values.mean() if count else values
    total = float(centred @ centred)
    if count < _FEWEST or total <= rounding:
        return None
    shapes, begins, steps = _shapes(count)
    apart = shapes - shapes.mean(axis=1, keepdims=True)
    explained = (apart @ centred) ** 2 / (apart**2).sum(axis=1)
    best = int(explained.argmax())
    slope = float(apart[best] @ centred / (apart[best] @ apart[best]))
    rest = centred - slope * apart[best]
    left = max(float(rest @ rest), rounding)
    alike = float(np.clip(rest[1:] @ rest[:-1] / left, 0.0, _MOST_ALIKE))
    t = math.sqrt(float(explained[best]) / left * (count - 2) * (1 - alike) / (1 + alike))
    likely = min(1.0, len(shapes) * two_sided(t, count - 2))
    if likely > chance:
        return None
    before = float(values.mean() - slope * shapes[best].mean())
    after = before + slope * float(shapes[best, -1])
    return Change("step" if best < steps else "drift", int(begins[best]), before, after, likely)


def _shapes(count: int) -> tuple[Floats, NDArray[np.int64], int]:
    """What a change at each place looks like: (M, N) rows, first the steps; the places (M,); how many are steps."""
    nights = np.arange(count)
    steps = np.arange(_AT_LEVEL, count - _AT_LEVEL + 1)
    drifts = np.arange(0, count - _MOVING)
    level = (nights >= steps[:, None]).astype(np.float64)
    slope = np.maximum(0.0, nights - drifts[:, None])
    return np.vstack([level, slope]), np.concatenate([steps, drifts + 1]), len(steps)


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
