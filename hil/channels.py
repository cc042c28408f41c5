"""What sensory synapses read: 16-bit maps of an input, each as wide as the sigmoids behind it move, and no wider."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hil import encode
from hil.model_arrays import ELAPSED_MAX

if TYPE_CHECKING:
    import numpy.typing as npt

    from hil.model import LtcModel

LOG2E = 1 / math.log(2)
_REACH = (18.0, 64.0)  # units of log(2) to each side of a sigmoid's middle: its table's end, and where all vanishes
_TAIL_BITS = 12  # beyond its reach a sigmoid is this far below what its target has besides
_WIDEST = 256.0  # units that the steepest sigmoid of a channel may move over all of it
_MOST = 8  # channels of an input
_UNREAD = 30  # exponent of an input that nothing reads: an integer
_FRAC_MAX = 96
_FINEST = 2.0**-15  # of an input's full scale: half of the least that a channel may span
_COARSER = 1  # bits that the narrowest channel may lose, so that its input reaches as far as it must


@dataclass(frozen=True)
class Channel:
    """A range [low, high] of one input, in the input's own unit, and the targets whose synapses read it."""

    input: int
    low: float
    high: float
    targets: tuple[int, ...]

    @property
    def middle(self) -> float:
        """Reading of the input that is 0."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """What is 2^15 away from the middle."""
        return (self.high - self.low) / 2


def arguments(model: LtcModel, i: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(slope, constant) of input i's sigmoids over all targets, in units of log(2): slope * x + constant."""
    sigma = model.sensory_sigma[i] * LOG2E
    return sigma * model.input_w[i], sigma * (model.input_b[i] - model.sensory_mu[i])


@dataclass(frozen=True)
class Reading:
    """How an input is read.

    Attributes:
        exponent: its full scale is 2^exponent.
        limit: largest magnitude it may have; infinite where what is beyond the full scale changes nothing.
        channels: one, or more where its sigmoids differ so much that one would blur the steepest; none where nothing
            reads it.
    """

    exponent: int
    limit: float
    channels: tuple[Channel, ...]


def reading(model: LtcModel, i: int) -> Reading:
    """Choose full scale and channels of input i."""
    ends = _ends(model, i)
    groups = _groups(ends, np.flatnonzero(model.sensory_w[i] > 0))
    if not groups:
        return Reading(_UNREAD, math.inf, ())
    ranges = [_range(ends, group) for group in groups]
    needed = max(max(abs(low), abs(high)) for low, high in ranges)
    finest = min(high - low for low, high in ranges) / (2 * _FINEST)
    exponent = min(encode.exponent_above(needed), encode.exponent_above(finest) + _COARSER)
    exponent = min(max(exponent, _UNREAD - _FRAC_MAX), _UNREAD + _FRAC_MAX)
    scale = math.ldexp(1.0, exponent)
    cut = [_within(low, high, scale) for low, high in ranges]
    kept = tuple(Channel(i, *ends, tuple(sorted(group))) for ends, group in zip(cut, groups, strict=True))
    return Reading(exponent, math.inf if scale >= needed else scale, kept)


class _Ends(NamedTuple):
    """Where the sigmoids of one input begin and end to move, (N,) each, and their slopes."""

    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    slope: npt.NDArray[np.float64]


def _ends(model: LtcModel, i: int) -> _Ends:
    slope, constant = arguments(model, i)
    fewest = 1 if model.solver == "adaptive" else model.unfolds
    least = model.gleak + model.epsilon + model.cm * fewest / ELAPSED_MAX
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.clip(np.log2(model.sensory_w[i] / least) + _TAIL_BITS, *_REACH)
        sides = (-reach - constant) / slope, (reach - constant) / slope
    return _Ends(np.minimum(*sides), np.maximum(*sides), slope)


def _groups(ends: _Ends, targets: npt.NDArray[np.intp]) -> list[list[int]]:
    """Targets whose sigmoids one channel serves, steepest first."""
    groups: list[list[int]] = []
    slope = ends.slope
    for j in sorted((int(j) for j in targets if slope[j] != 0), key=lambda j: (-abs(slope[j]), j)):
        for group in groups:
            low, high = _range(ends, [*group, j])
            if (high - low) * abs(slope[group[0]]) <= _WIDEST or (len(groups) == _MOST and group is groups[-1]):
                group.append(j)
                break
        else:
            groups.append([j])
    still = [int(j) for j in targets if slope[j] == 0]
    if still and not groups:
        groups.append([])
    if still:
        groups[-1] += still
    return groups


def _range(ends: _Ends, group: list[int]) -> tuple[float, float]:
    """Where any of these sigmoids moves."""
    moving = [j for j in group if ends.slope[j] != 0]
    return (float(ends.low[moving].min()), float(ends.high[moving].max())) if moving else (-1.0, 1.0)


def _within(low: float, high: float, scale: float) -> tuple[float, float]:
    """The part of a range within +-scale, or what is next to it there, with the least width that a channel can have."""
    low, high = max(low, -scale), min(high, scale)
    half = max((high - low) / 2, _FINEST * scale)
    middle = max(half - scale, min(scale - half, (low + high) / 2))
    return middle - half, middle + half
