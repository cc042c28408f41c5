"""Average current, charge and energy of a part of a trace, each with how far it may be off. Pure.

What may be off adds up, and is not rooted from squares: an instrument's error within a range is the same for all its
samples. It is made of the instrument's accuracy by range; of where the window is cut; of samples within a switch of
ranges, which take the value behind the switch and may be off by as much as the current changed over it; and of chance,
that is noise, and changes that fall between samples: four standard errors of the average, by how much neighbouring
samples differ, as a current that drifts or has levels is no noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import RigError
from hil.power.trace import HOLE
from hil.power.window import Window, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.power.trace import Trace

_STANDARD_ERRORS: Final = 4.0
_ROUNDING: Final = 1e-3  # of a sample period: times are sums of periods


@dataclass(frozen=True)
class Figure:
    """A result.

    Attributes:
        value: in the unit of what it is of.
        uncertainty: by how much it may be off, in the same unit.
        samples: that it was made of.
        by_accuracy: the part of the uncertainty that is the instrument's and the supply's accuracy, which two results
            by one unit in one range share.
    """

    value: float
    uncertainty: float
    samples: int
    by_accuracy: float = 0.0


def average_A(trace: Trace, window: Window | None = None) -> Figure:
    """The average current, in A.

    Args:
        trace: the recording.
        window: of which part; None for all of it.

    Raises:
        RigError: the window is not within the trace, or holds no sample, a gap, or a sample that the instrument does
            not stand for.
    """
    part = _Part.of(trace, window)
    average = float(part.current_A.mean())
    # A window that is cut elsewhere is longer, too: what counts is how far the current there is from the average.
    edges_A = part.edge_C(average) / part.window.duration_s
    return Figure(average, part.off_A + edges_A, len(part.current_A), part.accuracy_A)


def charge_C(trace: Trace, window: Window | None = None) -> Figure:
    """The charge, in C. Arguments and errors as of `average_A`."""
    part = _Part.of(trace, window)
    duration_s = part.window.duration_s
    value = float(part.current_A.mean()) * duration_s
    uncertainty = part.off_A * duration_s + part.edge_C(0.0)
    return Figure(value, uncertainty, len(part.current_A), part.accuracy_A * duration_s)


def energy_J(
    trace: Trace, voltage_V: float, window: Window | None = None, *, voltage_uncertainty_V: float = 0.0
) -> Figure:
    """The energy at a constant supply, in J.

    Args:
        trace: the recording.
        voltage_V: of the supply, in V.
        window: of which part; None for all of it.
        voltage_uncertainty_V: by how much the supply may be off, in V.

    Raises:
        RigError: as of `average_A`.
    """
    charge = charge_C(trace, window)
    by_supply = abs(charge.value) * voltage_uncertainty_V
    uncertainty = charge.uncertainty * voltage_V + by_supply
    by_accuracy = charge.by_accuracy * voltage_V + by_supply
    return Figure(charge.value * voltage_V, uncertainty, charge.samples, by_accuracy)


@dataclass(frozen=True)
class _Part:
    """The samples of a window, fit to be averaged.

    Attributes:
        trace: the recording.
        window: of it.
        current_A: its samples, those within a switch of ranges replaced.
        off_A: by how much their average may be off by accuracy, switches and chance.
        accuracy_A: the part of that by accuracy alone.
    """

    trace: Trace
    window: Window
    current_A: NDArray[np.float64]
    off_A: float
    accuracy_A: float

    @classmethod
    def of(cls, trace: Trace, window: Window | None) -> _Part:
        window = window or whole(trace)
        inside = _inside(trace, window)
        _check(trace, window, inside)
        steady, moved_A = _steadied(trace)
        accuracy_A = float(trace.bound_A()[inside].mean())
        off_A = accuracy_A + float(moved_A[inside].mean()) + _chance_A(steady[inside])
        return cls(trace, window, steady[inside], off_A, accuracy_A)

    def edge_C(self, level_A: float) -> float:
        """Charge, against a level, that may be on the other side of the window's edges."""
        slack_s = self.window.uncertainty_s
        if slack_s == 0:
            return 0.0
        time_s, reach_s = self.trace.time_s, slack_s + self.trace.sample_s * _ROUNDING
        total = 0.0
        for edge_s in (self.window.begin_s, self.window.end_s):
            first, last = np.searchsorted(time_s, (edge_s - reach_s, edge_s + reach_s))
            near = self.trace.current_A[first:last]
            total += slack_s * float(np.abs(near - level_A).max()) if len(near) else 0.0
        return total


def _chance_A(current_A: NDArray[np.float64]) -> float:
    """Four standard errors of an average, by the mean square of the differences between neighbours (von Neumann).

    Of few samples that is itself uncertain, as two thirds as many independent ones: more are taken, as Student's t has
    it in its first order.
    """
    changes, count = np.diff(current_A), len(current_A)
    if len(changes) == 0:
        return 0.0
    few = 1 + (_STANDARD_ERRORS**2 + 1) / (4 * count * 2 / 3)
    return _STANDARD_ERRORS * few * float(np.sqrt(np.mean(changes**2) / 2 / count))


def _inside(trace: Trace, window: Window) -> slice:
    slack_s = trace.sample_s * _ROUNDING
    first, last = np.searchsorted(trace.time_s, (window.begin_s - slack_s, window.end_s - slack_s))
    return slice(int(first), int(last))


def _check(trace: Trace, window: Window, inside: slice) -> None:
    """Refuse what no average can be made of."""
    where = f"the window from {window.begin_s:.6f} s to {window.end_s:.6f} s of the recording of {trace.instrument}"
    hint = "measure again; if it stays so, connect the instrument to another USB port, without a hub"
    slack_s = trace.sample_s * _ROUNDING
    reach_s = window.uncertainty_s - slack_s  # an edge that may be within a gap is not known
    for gap in trace.gaps:
        if gap.begin_s < window.end_s + reach_s and gap.end_s > window.begin_s - reach_s:
            raise RigError(
                f"{where} misses samples from {gap.begin_s:.6f} s on: {gap.reason}; there is no average of it",
                hint=hint,
            )
    time_s = trace.time_s[inside]
    if len(time_s) == 0:
        raise RigError(
            f"{where} holds no sample; the recording goes from "
            f"{trace.time_s[0] if len(trace.time_s) else 0:.6f} s to {trace.end_s:.6f} s"
        )
    lead_s, tail_s = float(time_s[0]) - window.begin_s, window.end_s - float(time_s[-1])
    if max(lead_s, tail_s) > HOLE * trace.sample_s:
        raise RigError(f"{where} is not within it: it goes from {trace.time_s[0]:.6f} s to {trace.end_s:.6f} s")
    outside = np.flatnonzero(trace.flags(trace.outside)[inside])
    if len(outside):
        raise RigError(
            f"{where} has {len(outside)} samples that the instrument does not stand for, the first at "
            f"{time_s[outside[0]]:.6f} s: the current was at the end of its range or beyond",
            hint="measure in another range or mode, or with another instrument",
        )


def _steadied(trace: Trace) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The current with samples within a switch of ranges replaced by what is behind it; by how much each may be off."""
    settling = trace.flags(trace.settling)
    moved = np.zeros(len(settling))
    steady = np.flatnonzero(~settling)
    if len(steady) == len(settling) or len(steady) == 0:
        return trace.current_A, moved
    current = trace.current_A.copy()
    unsteady = np.flatnonzero(settling)
    place = np.searchsorted(steady, unsteady)
    behind = steady[np.minimum(place, len(steady) - 1)]
    before = steady[np.maximum(place - 1, 0)]
    current[unsteady] = trace.current_A[behind]
    # At either end of the trace there is but one steady neighbour; what was read says how far off that may be.
    other = np.where(behind == before, trace.current_A[unsteady], trace.current_A[before])
    moved[unsteady] = np.abs(trace.current_A[behind] - other)
    return current, moved
