"""Pieces of a Joulescope's streams put together by the counter that numbers them all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.errors import RigError
from hil.power.trace import Gap, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from hil.power.accuracy import Accuracy

_UNKNOWN: Final = 2


@dataclass(frozen=True, eq=False)
class Piece:
    """Samples without a gap.

    Attributes:
        start: the counter at the first.
        step: of the counter from sample to sample.
        counter_hz: how fast the counter goes.
        data: the samples.
    """

    start: int
    step: int
    counter_hz: int
    data: NDArray[Any]

    @property
    def end(self) -> int:
        """The counter at the sample behind the last."""
        return self.start + self.step * len(self.data)

    @property
    def rate_hz(self) -> float:
        """Samples a second."""
        return self.counter_hz / self.step


def assemble(
    instrument: str,
    current: Sequence[Piece],
    levels: Mapping[str, Sequence[Piece]],
    accuracy: Mapping[int, Accuracy],
) -> Trace:
    """A recording; it begins and ends where current and all digital inputs are known.

    Args:
        instrument: for messages.
        current: pieces of current, in A.
        levels: pieces of each digital input, by its name.
        accuracy: of the current.

    Raises:
        RigError: the streams have nothing in common, or go at changing rates.
    """
    first = current[0]
    if any((piece.step, piece.counter_hz) != (first.step, first.counter_hz) for piece in current):
        raise RigError(f"{instrument} changed its rate while it measured", hint="measure again")
    counts = np.concatenate([piece.start + piece.step * np.arange(len(piece.data)) for piece in current])
    values = np.concatenate([piece.data for piece in current]).astype(np.float64)
    known = {name: _levels(pieces, first.start, int(counts[-1])) for name, pieces in levels.items()}
    at = counts - first.start
    good = np.isfinite(values) & _newest(counts)
    for array in known.values():
        good &= array[at] != _UNKNOWN
    if not good.any():
        raise RigError(f"{instrument} sent no current and levels of one time", hint="measure again")
    kept = counts[good]
    time_s = (kept - kept[0]) / first.counter_hz
    return Trace(
        instrument=instrument,
        time_s=time_s,
        current_A=values[good],
        sample_rate_hz=first.rate_hz,
        accuracy=accuracy,
        marks={name: array[at[good]] == 1 for name, array in known.items()},
        gaps=_gaps(kept, time_s, first),
    )


def _newest(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Samples that no later piece repeats."""
    return counts < np.append(np.minimum.accumulate(counts[::-1])[::-1][1:], np.iinfo(np.int64).max)


def _levels(pieces: Sequence[Piece], begin: int, end: int) -> NDArray[np.uint8]:
    """Levels by the counter, from `begin` to `end`; _UNKNOWN where they did not come.

    The last byte of a piece may hold fewer than eight: what comes later stands.
    """
    found = np.full(end - begin + 1, _UNKNOWN, np.uint8)
    for piece in pieces:
        repeated = np.repeat(piece.data.astype(np.uint8), piece.step)
        first, last = max(piece.start, begin), min(piece.end, end + 1)
        if first < last:
            found[first - begin : last - begin] = repeated[first - piece.start : last - piece.start]
    return found


def _gaps(kept: NDArray[np.int64], time_s: NDArray[np.float64], piece: Piece) -> tuple[Gap, ...]:
    holes = np.flatnonzero(np.diff(kept) > piece.step)
    period_s = piece.step / piece.counter_hz
    return tuple(
        Gap(
            float(time_s[hole]) + period_s,
            float(time_s[hole + 1]),
            f"{(kept[hole + 1] - kept[hole]) // piece.step - 1} samples or their levels were lost",
        )
        for hole in holes
    )
