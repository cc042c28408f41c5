"""A recording of a simulated instrument held against the source that it measured: averages and edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.power.figures import average_A
from hil.power.window import Window, windows_between_marks, windows_in_current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hil.power.figures import Figure
    from hil.power.trace import Trace
    from tests.power.instruments.desk import Instrument
    from tests.power.instruments.recorded import Recorded

_ROUNDING: Final = 1e-6
"""Of a sample: times are sums of periods."""


@dataclass(frozen=True)
class Held:
    """What a recording is off by.

    Attributes:
        samples: in it.
        switches: of ranges.
        true_A: average of the source over all of it.
        read_A: average by the instrument.
        whole: by how much these differ, as a share of the instrument's stated accuracy.
        whole_told: likewise, as a share of the uncertainty that is told with it.
        steps: windows that were cut, as many as the source has.
        worst_step: by how much the average of a step differs most, as a share of that step's stated accuracy.
        worst_told: likewise, as a share of the uncertainty that is told with it.
        worst_edge: by how many samples an edge is off most.
        worst_edge_told: likewise, as a share of the uncertainty that is told with its window.
    """

    samples: int
    switches: int
    true_A: float
    read_A: float
    whole: float
    whole_told: float
    steps: int
    worst_step: float
    worst_told: float
    worst_edge: float
    worst_edge_told: float

    @property
    def holds(self) -> bool:
        """Averages and edges are within what is told of them, those at marks by a sample."""
        return self.steps > 0 and max(self.whole_told, self.worst_told, self.worst_edge_told) <= 1 + _ROUNDING


def hold(made: Trace, instrument: Instrument, source: Recorded, *, least_s: float = 0.0) -> Held:
    """Hold a recording against its source; windows are cut at its marks or, without a channel, in the current.

    Args:
        made: the recording.
        instrument: that made it.
        source: what it measured.
        least_s: what is shorter in the current, high or low, is no window, in s.

    Raises:
        AssertionError: it has other windows than the source.
        RigError: no average can be made of it.
    """
    begin_s = instrument.begins_s + float(made.time_s[0])
    end_s = instrument.begins_s + made.end_s
    whole = average_A(made)
    true_A = source.average_A(begin_s, end_s)
    if instrument.channel:
        windows: Sequence[Window] = windows_between_marks(made, instrument.channel)
        true = source.windows_within(begin_s, end_s)
    else:
        windows = windows_in_current(made, least_s=least_s)
        true = source.high_within(begin_s, end_s, least_s)
    found = np.array([(window.begin_s, window.end_s) for window in windows]) + instrument.begins_s
    true = _same(found, true, made.sample_s)
    off_s = np.abs(found - true)
    told_s = np.array([window.uncertainty_s for window in windows])
    figures = [average_A(made, window) for window in windows]
    step_A = [source.average_A(*each) for each in true.tolist()]
    return Held(
        samples=len(made.time_s),
        switches=int(np.count_nonzero(np.diff(made.range_of()))),
        true_A=true_A,
        read_A=whole.value,
        whole=_off(whole, true_A) / float(made.bound_A().mean()),
        whole_told=_off(whole, true_A) / whole.uncertainty,
        steps=len(windows),
        worst_step=max(
            _off(figure, each) / _stated_A(made, window)
            for figure, each, window in zip(figures, step_A, windows, strict=True)
        ),
        worst_told=max(_off(figure, each) / figure.uncertainty for figure, each in zip(figures, step_A, strict=True)),
        worst_edge=float(off_s.max()) / made.sample_s,
        worst_edge_told=float((off_s / told_s[:, None]).max()),
    )


def _same(found: NDArray[np.float64], true: NDArray[np.float64], sample_s: float) -> NDArray[np.float64]:
    """The source's windows, but for one at either end that the recording may cut off in mid-sample."""
    assert len(found), "no window was found"
    if len(true) and abs(true[0, 0] - found[0, 0]) > abs(true[0, 1] - found[0, 0]):
        true = true[1:]
    if len(true) and len(true) > len(found) and true[-1, 1] > found[-1, 1] + 2 * sample_s:
        true = true[:-1]
    assert len(found) == len(true), f"{len(found)} windows were found, the source has {len(true)}"
    return true


def _off(figure: Figure, true_A: float) -> float:
    return abs(figure.value - true_A)


def _stated_A(made: Trace, window: Window) -> float:
    inside = (made.time_s >= window.begin_s - made.sample_s / 2) & (made.time_s < window.end_s - made.sample_s / 2)
    return float(made.bound_A()[inside].mean())
