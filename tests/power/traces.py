"""Traces made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.power.accuracy import Accuracy
from hil.power.trace import Gap, Trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXACT = Accuracy(0.0, 0.0)


def trace(
    current_A: Sequence[float],
    *,
    rate_hz: float = 1000.0,
    marks: str = "",
    accuracy: Mapping[int, Accuracy] | None = None,
    ranges: Sequence[int] | None = None,
    outside: Sequence[int] = (),
    settling: Sequence[int] = (),
    gap: tuple[int, int] | None = None,
) -> Trace:
    """A recording: marks as ``..##..``, samples by number; a gap of so many samples before a sample."""
    count = len(current_A)
    number = np.arange(count)
    gaps: tuple[Gap, ...] = ()
    if gap is not None:
        begin, missing = gap
        number[begin:] += missing
        gaps = (Gap(begin / rate_hz, (begin + missing) / rate_hz, f"{missing} samples were lost"),)
    return Trace(
        instrument="a meter",
        time_s=number / rate_hz,
        current_A=np.asarray(current_A, dtype=np.float64),
        sample_rate_hz=rate_hz,
        accuracy=accuracy or {0: EXACT},
        marks={"D0": np.array([each == "#" for each in marks], dtype=np.bool_)} if marks else {},
        ranges=None if ranges is None else np.array(ranges, dtype=np.int8),
        outside=np.isin(np.arange(count), outside),
        settling=np.isin(np.arange(count), settling),
        gaps=gaps,
    )
