"""Where a trace is cut: at the edges of a mark, or at edges found in the current itself. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import RigError
from hil.nearest import offer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.power.trace import Trace

_CONTRAST: Final = 8.0
"""Standard deviations between the two levels of a current from which on its edges are believed."""

_SPLITS: Final = 100
"""Rounds at most in which two levels are told apart; some ten are enough."""


@dataclass(frozen=True)
class Window:
    """A part of a trace.

    Attributes:
        begin_s: its first sample's time.
        end_s: the time of the first sample behind it.
        uncertainty_s: by how much either may be off, in s.
    """

    begin_s: float
    end_s: float
    uncertainty_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Its length, in s; off by twice `uncertainty_s` at most."""
        return self.end_s - self.begin_s


def whole(trace: Trace) -> Window:
    """All of a trace, from its first sample to the end of its last."""
    return Window(float(trace.time_s[0]) if len(trace.time_s) else 0.0, trace.end_s)


def windows_between_marks(trace: Trace, channel: str, *, count: int | None = None) -> tuple[Window, ...]:
    """The times in which a mark was high, from rising to falling edge.

    An edge lies between two samples, so begin and end are off by one sample at most. A window that has begun before
    the trace, or ends after it, is none.

    Args:
        trace: the recording.
        channel: the mark's name.
        count: how many windows there must be; None for any number.

    Raises:
        RigError: there is no such channel, or the windows are not so many.
    """
    if channel not in trace.marks:
        known = list(trace.marks)
        hint = offer(channel, known, "channels") if known else "use an instrument with digital inputs"
        raise RigError(f"{trace.instrument} has no digital channel '{channel}'", hint=hint)
    return _counted(trace, _runs(trace, trace.marks[channel]), count, f"channel {channel} was high")


def windows_in_current(trace: Trace, *, least_s: float = 0.0, count: int | None = None) -> tuple[Window, ...]:
    """The times in which the current was at the higher of its two levels, where there is no digital channel.

    The levels are found in the current itself. It has changed when it is past three quarters of the way, and the edge
    is where it crossed the middle then. Its uncertainty is one sample and the time that the longest edge takes from a
    quarter to three quarters.

    Args:
        trace: the recording: a board at rest, and batches long enough to stand out.
        least_s: what is shorter, high or low, is no level but a spike, in s.
        count: how many windows there must be; None for any number.

    Raises:
        RigError: there are no two levels that can be told apart, or the windows are not so many.
    """
    current = trace.current_A
    low_A, high_A = _levels(trace)
    quarter_A = (high_A - low_A) / 4
    lower, upper = current > low_A + quarter_A, current > high_A - quarter_A
    high = _without_spikes(
        _switched(current > low_A + 2 * quarter_A, lower, upper), round(least_s * trace.sample_rate_hz)
    )
    windows = _counted(trace, _runs(trace, high), count, f"the current was nearer to {high_A * 1e6:.3g} µA")
    _check_apart(trace, high, low_A, high_A)
    samples = max((_edge_samples(trace, window, lower, upper) for window in windows), default=0)
    uncertainty_s = (1 + samples) * trace.sample_s
    return tuple(Window(window.begin_s, window.end_s, uncertainty_s) for window in windows)


def repeats(step_s: float, *, uncertainty_s: float, tolerance: float) -> int:
    """How often a step must run in one window, so that where the window is cut matters less than a tolerance.

    Args:
        step_s: how long a step takes, in s, above 0.
        uncertainty_s: of each of the window's two edges, in s.
        tolerance: share of the result, above 0.
    """
    return max(1, math.ceil(2 * uncertainty_s / (tolerance * step_s) - 1e-9))


def _runs(trace: Trace, high: NDArray[np.bool_]) -> list[Window]:
    """From each rise to the fall behind it; what is cut off at either end of the trace is left out."""
    edges = np.flatnonzero(high[1:] != high[:-1]) + 1
    if len(high) and high[0]:
        edges = edges[1:]
    times = trace.time_s[edges]
    return [
        Window(float(begin), float(end), trace.sample_s) for begin, end in zip(times[0::2], times[1::2], strict=False)
    ]


def _counted(trace: Trace, windows: list[Window], count: int | None, what: str) -> tuple[Window, ...]:
    if count is not None and len(windows) != count:
        missing = f"; {len(trace.gaps)} gaps are in the recording" if trace.gaps else ""
        times = f"{len(windows)} times from begin to end"
        raise RigError(
            f"{what} {times} in the recording of {trace.instrument}, not {count}{missing}",
            hint="check that the board's marker pin is wired to this channel, with a common ground",
        )
    return tuple(windows)


def _levels(trace: Trace) -> tuple[float, float]:
    """The two levels of a current, in A, by splitting at the middle of their means until that stays."""
    current = trace.current_A[~trace.flags(trace.settling)]
    if len(current) < 2:  # noqa: PLR2004 - one sample has no edge
        raise _no_edges(trace, f"it has {len(current)} samples")
    split = float(current.min() + current.max()) / 2
    low, high = current, current
    for _ in range(_SPLITS):
        above = current > split
        if above.all() or not above.any():
            raise _no_edges(trace, f"it is {float(current.mean()) * 1e6:.3g} µA throughout")
        low, high = current[~above], current[above]
        middle = float(low.mean() + high.mean()) / 2
        if middle == split:
            break
        split = middle
    # Medians, as the mean of a level is drawn away by spikes and slopes.
    levels = float(np.median(low)), float(np.median(high))
    noise_A = max(_spread(low), _spread(high))
    if levels[1] - levels[0] < _CONTRAST * noise_A:
        said = f"its levels are {levels[0] * 1e6:.3g} and {levels[1] * 1e6:.3g} µA"
        raise _no_edges(trace, f"{said}, and it varies by {noise_A * 1e6:.3g} µA")
    return levels


def _spread(level: NDArray[np.float64]) -> float:
    """Standard deviation by the median deviation, which slopes and spikes leave alone."""
    return 1.4826 * float(np.median(np.abs(level - np.median(level))))


def _switched(middle: NDArray[np.bool_], lower: NDArray[np.bool_], upper: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The level of each sample, from where it is above the middle, above a quarter, and above three quarters.

    Where it is between the quarters the level stays; then each change is moved back to where it crossed the middle.
    """
    sure = np.flatnonzero(upper | ~lower)
    place = np.searchsorted(sure, np.arange(len(middle)), side="right") - 1
    high = upper[sure[np.maximum(place, 0)]]
    for edge in np.flatnonzero(high[1:] != high[:-1]) + 1:
        begin = int(edge)
        while begin > 0 and middle[begin - 1] == high[edge]:
            begin -= 1
        high[begin:edge] = high[edge]
    return high


def _without_spikes(high: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Runs shorter than `least` samples take the level around them; short high ones first."""
    cleaned = high.copy()
    for level in (True, False):
        edges = np.flatnonzero(cleaned[1:] != cleaned[:-1]) + 1
        for begin, end in pairwise(edges):
            if cleaned[begin] == level and end - begin < least:
                cleaned[begin:end] = not level
    return cleaned


def _check_apart(trace: Trace, high: NDArray[np.bool_], low_A: float, high_A: float) -> None:
    """Refuse edges that do not part the two levels: then what is between them is not at the level of its side."""
    apart_A = high_A - low_A
    edges = np.flatnonzero(high[1:] != high[:-1]) + 1
    for begin, end in pairwise(edges):
        # Low, a board may have some work to do; high, it has nothing else.
        level_A, off_A = (high_A, apart_A / 4) if high[begin] else (low_A, apart_A / 2)
        mean_A = float(trace.current_A[begin:end].mean())
        if abs(mean_A - level_A) > off_A:
            when = f"from {trace.time_s[begin]:.6f} s to {trace.time_s[end]:.6f} s"
            levels = f"its levels are {low_A * 1e6:.3g} and {high_A * 1e6:.3g} µA"
            raise _no_edges(trace, f"{when} it is {mean_A * 1e6:.3g} µA on average, {levels}")


def _edge_samples(trace: Trace, window: Window, lower: NDArray[np.bool_], upper: NDArray[np.bool_]) -> int:
    """Most samples that one of the window's edges takes from a quarter to three quarters of the way, or back."""
    rise, fall = np.searchsorted(trace.time_s, (window.begin_s, window.end_s))
    longest = 0
    for edge, step in ((int(rise), 1), (int(fall) - 1, -1)):
        begin = edge
        while 0 < begin < len(lower) - 1 and lower[begin - step]:
            begin -= step
        end = edge
        while 0 <= end < len(upper) and not upper[end]:
            end += step
        longest = max(longest, abs(end - begin))
    return longest


def _no_edges(trace: Trace, why: str) -> RigError:
    return RigError(
        f"no edges can be found in the current that {trace.instrument} recorded: {why}",
        hint="wire the board's marker pin to a digital channel, or make the batch longer",
    )
