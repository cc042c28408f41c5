"""Changes of a row with noise: the steps and bends that leave least of it, as many as chance does not explain. Pure.

A row is a level, plus a step or a bend (from there on a slope is added) at some of its nights. For each number of them
the set is sought that leaves the least: the best one and the best pair are found by trying all, larger sets by adding
one or two to smaller ones and by exchanging each two of them for the best pair. A row has
changes where in one of these sets each, beside all others, is more than noise gives in a share `CHANCE` of all rows:
Student's t, times the number of places (Bonferroni). Told is the largest set whose changes, given that, are not by
chance either, and that leaves less than the best of fewer. Noise is what is left, and at least what the differences
from night to night say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hil.nightly.student import two_sided

Floats = NDArray[np.float64]

CHANCE: Final = 1e-5
"""Probability that a row of nothing but noise is told to have a change."""

_CHANCE_OF_MORE: Final = 1e-3
"""The same for a further change in a row that has one for sure."""
_CHANCE_OF_FEWER: Final = 1e-2
"""Probability that a further change gains as much by noise alone, over the best set of fewer, whatever is in that."""

AT_LEVEL: Final = 3
"""Nights on either side of a step: fewer may be a spike."""
MOVING: Final = 5
"""Nights that a drift must have gone on for."""
_MOST: Final = 8
"""Steps and bends of a row, at most."""
_SWEEPS: Final = 3
"""How often all pairs of a set are tried for better ones."""
_NIGHTS_EACH: Final = 4
"""Nights that a row must have for each of them."""
_AROUND: Final = 2
"""Nights before and behind one that sticks out, which are looked at to see that."""
_STICKS_OUT: Final = 8.0
"""Standard deviations from its neighbours from which on a night counts as one that sticks out."""
_MOST_ALIKE: Final = 0.9
_FITTED: Final = 1.0
_FITTED_EACH: Final = 2.0
"""What is left of a fitted row resembles its neighbours less than the noise did, by about so much over its length, and
so much more for each change, which has a size and a place."""
_NOTHING_LEFT: Final = 20.0
"""Squares of the noise beside its own: in less than so much no further change can be seen."""
_MEDIAN_OF_NORMAL, _MEAN_OF_NORMAL = 0.6745, 0.7979
"""Median and mean of the absolute value of what is normal, in its standard deviation."""
_INDEPENDENT: Final = 1e-6
"""Share of a shape that others must leave of it, for its size to be known beside theirs."""


@dataclass(frozen=True)
class Found:
    """A change, as `hil.nightly.change.Change` has it."""

    kind: Literal["step", "drift"]
    began: int
    before: float
    after: float
    ended: int | None = None


def fitted_changes(row: Floats, *, rounding: float, chance: float = CHANCE) -> list[Found]:
    """The changes of a row, by place.

    Args:
        row: (N,) figures, of a size that can be squared.
        rounding: what is no difference.
        chance: as `CHANCE`.
    """
    search = _Search(calmed(row, rounding), rounding, chance)
    sets = search.sets()
    first = search.largest_sure(sets, alike=0.0)
    if not first:
        return []
    alike = search.alike(first)  # now that the changes are out of it
    return search.told(search.largest_sure(sets[: len(first) + 1], alike), alike)


@dataclass(frozen=True)
class _Shapes:
    """What a change of size 1 looks like at each of M places in a row of N nights.

    Attributes:
        plain: (M, N) itself.
        apart: (M, N) without their means.
        begins: (M,) first night that is another than before.
        steps: (M,) whether it is a step, not a bend.
        together: (M, M) whether two are far enough from each other.
    """

    plain: Floats
    apart: Floats
    begins: NDArray[np.int64]
    steps: NDArray[np.bool_]
    together: NDArray[np.bool_]


@cache
def _shapes(count: int) -> _Shapes:
    nights = np.arange(count)
    steps = np.arange(AT_LEVEL, count - AT_LEVEL + 1)
    bends = np.arange(0, count - MOVING)
    plain = np.vstack([(nights >= steps[:, None]).astype(np.float64), np.maximum(0.0, nights - bends[:, None])])
    begins = np.concatenate([steps, bends + 1])
    is_step = np.arange(len(begins)) < len(steps)
    apart = np.where(is_step[:, None] | is_step, AT_LEVEL, MOVING)
    together = np.abs(begins[:, None] - begins) >= apart
    return _Shapes(plain, plain - plain.mean(axis=1, keepdims=True), begins, is_step, together)


Set = tuple[int, ...]


class _Search:
    """How the changes of one row are looked for.

    Args:
        row: (N,) figures without spikes.
        rounding: what is no difference.
        chance: as `CHANCE`.
    """

    def __init__(self, row: Floats, rounding: float, chance: float) -> None:
        self._count = len(row)
        self._mean = float(row.mean())
        self._row = row - self._mean
        self._shapes = _shapes(len(row))
        self._noise = max(noise_of(row), rounding)
        self._chance = chance

    def sets(self) -> list[Set]:
        """For each number of changes from none on the set that leaves the least, until that is noise."""
        found: list[tuple[Set, float]] = [((), float(self._row @ self._row))]
        for size in range(1, min(_MOST, self._count // _NIGHTS_EACH) + 1):
            better = [self._add(found[-1][0], 1), *([self._add(found[-2][0], 2)] if size > 1 else [])]
            possible = [each for each in better if each is not None]
            if not possible:
                break
            found.append(self._exchange(*min(possible, key=lambda each: each[1])))
            if size > 1 and found[-1][1] < (self._count - size + _NOTHING_LEFT) * self._noise**2:
                break
        return [chosen for chosen, _ in found]

    def _exchange(self, chosen: Set, left: float) -> tuple[Set, float]:
        """Each two of a set for the best pair beside the others, for as long as that leaves less, and `_SWEEPS`."""
        places = range(len(chosen))
        for _ in range(_SWEEPS if len(chosen) > 2 else 0):  # noqa: PLR2004 # of two the best were taken
            before = left
            for pair in combinations(places, 2):
                other = self._add(tuple(chosen[place] for place in places if place not in pair), 2)
                if other is not None and other[1] < left * (1 - 1e-9):
                    chosen, left = other
            if left == before:
                break
        return chosen, left

    def _add(self, chosen: Set, number: Literal[1, 2]) -> tuple[Set, float] | None:
        """A set with the best one or two more, and the sum of squares that they leave; None where there is no room."""
        shapes = self._shapes
        base = np.linalg.qr(shapes.apart[list(chosen)].T)[0]
        left = self._row - base @ (base.T @ self._row)
        rows = shapes.apart - (shapes.apart @ base) @ base.T
        norms = (rows**2).sum(axis=1)
        free = shapes.together[list(chosen)].all(axis=0) & (norms > _INDEPENDENT * (shapes.apart**2).sum(axis=1))
        along = rows @ left
        if number == 1:
            gains = np.where(free, along**2 / np.where(free, norms, 1.0), -1.0)
        else:
            gram = rows @ rows.T
            products = norms[:, None] * norms
            area = products - gram**2
            fits = shapes.together & free & free[:, None] & (area > _INDEPENDENT * products)
            squares = along[:, None] ** 2 * norms - 2 * np.outer(along, along) * gram + along**2 * norms[:, None]
            gains = np.where(fits, squares / np.where(fits, area, 1.0), -1.0)
        best = np.unravel_index(int(gains.argmax()), gains.shape)
        if gains[best] < 0:
            return None
        return (*chosen, *map(int, best)), max(0.0, float(left @ left - gains[best]))

    def largest_sure(self, sets: list[Set], alike: float) -> Set:
        """The largest of some sets in which chance explains none; alike: how much of a night's noise is in the next."""
        sure = False
        largest: Set = ()
        for fewer, chosen in pairwise(sets):
            fit = self._fit(chosen, alike)
            likely = [fit.likely(fit.size(weights)) for weights in np.eye(len(chosen))]
            gained = math.sqrt(max(0.0, self._fit(fewer, alike).left - fit.left) / fit.variance)
            sure |= max(likely) <= self._chance
            if max(likely) <= max(self._chance, _CHANCE_OF_MORE) and fit.likely(gained) <= max(
                self._chance, _CHANCE_OF_FEWER
            ):
                largest = chosen
        return largest if sure else ()

    def alike(self, chosen: Set) -> float:
        """How much of one night's noise is in the next, by what a set leaves."""
        rest = self._fit(chosen, 0.0).rest
        power = float(rest @ rest)
        found = float(rest[1:] @ rest[:-1]) / power if power else 0.0
        return float(np.clip(found + (_FITTED + _FITTED_EACH * len(chosen)) / self._count, 0.0, _MOST_ALIKE))

    def told(self, chosen: Set, alike: float) -> list[Found]:
        """What a set says, by place."""
        if not chosen:
            return []
        chosen = tuple(sorted(chosen, key=lambda each: self._shapes.begins[each]))
        fit = self._fit(chosen, alike)
        bends = [number for number, each in enumerate(chosen) if not self._shapes.steps[each]]
        found = [self._step(fit, number) for number in range(len(chosen)) if number not in bends]
        for place, number in enumerate(bends):
            weights = np.isin(np.arange(len(chosen)), bends[: place + 1]).astype(np.float64)
            # Where it goes on at no speed that is sure, the drift before ends here, and nothing begins.
            if place == 0 or fit.likely(fit.size(weights)) <= self._chance:
                following = bends[place + 1] if place + 1 < len(bends) else None
                found.append(self._drift(fit, number, float(weights @ fit.sizes), following))
        return sorted(found, key=lambda each: each.began)

    def _step(self, fit: _Fit, number: int) -> Found:
        began = int(self._shapes.begins[fit.chosen[number]])
        after = self._mean + float(fit.curve[began])
        return Found("step", began, after - float(fit.sizes[number]), after)

    def _drift(self, fit: _Fit, number: int, slope: float, following: int | None) -> Found:
        bend = int(self._shapes.begins[fit.chosen[number]]) - 1
        ended = None if following is None else int(self._shapes.begins[fit.chosen[following]]) - 1
        before = self._mean + float(fit.curve[bend])
        length = (self._count - 1 if ended is None else ended) - bend
        return Found("drift", bend + 1, before, before + slope * length, ended)

    def _fit(self, chosen: Set, alike: float) -> _Fit:
        rows = self._shapes.apart[list(chosen)]
        spread: Floats = np.linalg.inv(rows @ rows.T).astype(np.float64)
        sizes = spread @ (rows @ self._row)
        curve = sizes @ rows
        rest = self._row - curve
        degrees = self._count - 1 - len(chosen)
        variance = max(float(rest @ rest) / degrees, self._noise**2) * (1 + alike) / (1 - alike)
        return _Fit(chosen, sizes, curve, rest, spread, variance, degrees, len(self._shapes.begins))


@dataclass(frozen=True)
class _Fit:
    """A set of K changes, fitted.

    Attributes:
        chosen: which shapes.
        sizes: (K,) how large each is.
        curve: (N,) what they make of the row, without its mean.
        rest: (N,) what they leave of it.
        spread: (K, K) covariance of the sizes for noise of variance 1.
        variance: of the noise, with what nights that are alike add to that of sizes.
        degrees: of freedom of the noise.
        places: how many shapes there were to choose from.
    """

    chosen: Set
    sizes: Floats
    curve: Floats
    rest: Floats
    spread: Floats
    variance: float
    degrees: int
    places: int

    @property
    def left(self) -> float:
        """Sum of the squares of what is left."""
        return float(self.rest @ self.rest)

    def size(self, weights: Floats) -> float:
        """A sum of sizes with (K,) weights, in standard deviations of it."""
        return abs(float(weights @ self.sizes)) / math.sqrt(self.variance * float(weights @ self.spread @ weights))

    def likely(self, t: float) -> float:
        """Upper bound on the probability that noise at any place gives so many standard deviations."""
        return min(1.0, self.places * two_sided(t, self.degrees))


def noise_of(row: Floats) -> float:
    """Standard deviation of the noise by the differences from night to night, which steps and drifts are few in."""
    moves = np.diff(row)
    away = np.abs(moves - np.median(moves))
    typical = float(np.median(away)) / _MEDIAN_OF_NORMAL
    return (typical or float(away.mean()) / _MEAN_OF_NORMAL) / math.sqrt(2)  # most nights may be equal, and some not


def calmed(row: Floats, rounding: float) -> Floats:
    """With one or two nights that stick out of their neighbours brought back to these: they are no change."""
    width = 2 * _AROUND + 1
    if len(row) < width:
        return row
    windows = np.lib.stride_tricks.sliding_window_view(row, width)
    middle: NDArray[Any] = np.pad(np.median(windows, axis=1), _AROUND, mode="edge")
    sticks_out = np.abs(row - middle) > max(_STICKS_OUT * noise_of(row), rounding)
    return np.where(sticks_out, middle, row)
