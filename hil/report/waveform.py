"""A current over time as people look at it: piecewise constant, and brought down to the columns of a picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Waveform:
    """A current of N pieces, each constant, and M windows: the steps, or batches of steps.

    Attributes:
        how: how it was obtained: ``measured``, ``modelled`` …
        source: by which instrument or model, in words.
        edges_s: (N + 1,) begin of each piece and end of the last, in s, increasing.
        current_A: (N,) in A; not a number where nobody knows it.
        windows_s: (M, 2) begin and end of each window, in s, in the order of time, none within another.
        maximum_A: (N,) by the data sheet's maxima, in A; None where there are none.
    """

    how: str
    source: str
    edges_s: Floats
    current_A: Floats
    windows_s: Floats
    maximum_A: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what is no waveform.

        Raises:
            InputError: arrays of other lengths, or times that do not increase.
        """
        count = len(self.current_A)
        lengths = [self.edges_s.shape == (count + 1,), self.windows_s.shape == (len(self.windows_s), 2)]
        lengths += [self.maximum_A is None or self.maximum_A.shape == (count,)]
        if not count or not all(lengths):
            raise InputError(f"a waveform of {count} pieces has {len(self.edges_s)} edges, or arrays of other lengths")
        if (np.diff(self.edges_s) <= 0).any() or (np.diff(self.windows_s.ravel()) < 0).any():
            raise InputError("a waveform has times that do not increase")

    @property
    def begin_s(self) -> float:
        """When it begins, in s."""
        return float(self.edges_s[0])

    @property
    def end_s(self) -> float:
        """When it ends, in s."""
        return float(self.edges_s[-1])


@dataclass(frozen=True, eq=False)
class Columns:
    """What is in each of C columns of a picture, of the same width in time.

    Attributes:
        edges_s: (C + 1,) in s.
        low_A: (C,) the least current within a column, in A; not a number where nothing is known in it.
        high_A: (C,) the most.
        mean_A: (C,) the average over what is known of it.
        marked: (C,) share of its time within windows.
        maximum_A: (C,) the most by the data sheet's maxima; None where there are none.
    """

    edges_s: Floats
    low_A: Floats
    high_A: Floats
    mean_A: Floats
    marked: Floats
    maximum_A: Floats | None


NEAR: Final = 4
"""Windows that are shown from near."""
FEW: Final = 12
"""Windows from which on that is so."""


def nearby(waveform: Waveform) -> tuple[float, float] | None:
    """Begin and end in s of a part with `NEAR` windows, in the middle; None where fewer than `FEW` are in all."""
    there = waveform.windows_s
    if len(there) < FEW:
        return None
    first = len(there) // 2
    begin, end = float(there[first, 0]), float(there[first + NEAR - 1, 1])
    margin = (end - begin) / 20
    return max(waveform.begin_s, begin - margin), min(waveform.end_s, end + margin)


def columns_of(waveform: Waveform, count: int, begin_s: float | None = None, end_s: float | None = None) -> Columns:
    """Bring a waveform down to columns: nothing that is narrower than one is lost, as each has its least and most.

    Args:
        waveform: the current.
        count: of columns, 1 or more.
        begin_s: of the first column, in s; by default the waveform's own.
        end_s: of the last column, likewise.
    """
    begin = waveform.begin_s if begin_s is None else begin_s
    end = waveform.end_s if end_s is None else end_s
    edges = np.linspace(begin, end, count + 1)
    # Every piece is cut where a column ends, so that each part lies in one column.
    cuts = np.union1d(waveform.edges_s, edges)
    cuts = cuts[(cuts >= begin) & (cuts <= end)]
    starts = cuts[:-1]
    piece = np.searchsorted(waveform.edges_s, starts, side="right") - 1
    inside = (piece >= 0) & (piece < len(waveform.current_A))
    first = np.searchsorted(starts, edges[:-1])
    seconds = np.diff(cuts)

    def over(values: Floats) -> Floats:
        return np.where(inside, values[np.clip(piece, 0, len(values) - 1)], np.nan)

    current = over(waveform.current_A)
    known = np.isfinite(current)
    known_s = np.add.reduceat(seconds * known, first)
    charge = np.add.reduceat(np.where(known, current, 0.0) * seconds, first)
    return Columns(
        edges_s=edges,
        low_A=np.fmin.reduceat(current, first),
        high_A=np.fmax.reduceat(current, first),
        mean_A=np.divide(charge, known_s, out=np.full(count, np.nan), where=known_s > 0),
        marked=_marked(waveform.windows_s, edges),
        maximum_A=None if waveform.maximum_A is None else np.fmax.reduceat(over(waveform.maximum_A), first),
    )


def _marked(windows_s: Floats, edges: Floats) -> Floats:
    """Share of each column's time within windows."""
    if not len(windows_s):
        return np.zeros(len(edges) - 1)
    lengths = windows_s[:, 1] - windows_s[:, 0]
    total = np.concatenate(([0.0], np.cumsum(lengths)))
    number = np.searchsorted(windows_s[:, 0], edges, side="right")
    last = np.maximum(number - 1, 0)
    beyond = np.maximum(windows_s[last, 1] - np.maximum(edges, windows_s[last, 0]), 0.0) * (number > 0)
    before = total[number] - beyond
    shares: Floats = np.clip(np.diff(before) / np.diff(edges), 0.0, 1.0)
    return shares
