"""What an instrument recorded: current and marks over time, and what is missing of it.

Pure: numpy arrays, units in names. Sample k is at `time_s[k]` and stands for the time from there to the next sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hil.power.accuracy import Accuracy

HOLE: Final = 1.5
"""Sample periods between two samples from which on some are missing."""


@dataclass(frozen=True)
class Gap:
    """Time of which there are no samples.

    Attributes:
        begin_s: when the first missing sample was due.
        end_s: when samples go on; equal to `begin_s` where nobody knows how many are missing.
        reason: in words.
    """

    begin_s: float
    end_s: float
    reason: str


@dataclass(frozen=True, eq=False)
class Trace:
    """A recording.

    Attributes:
        instrument: name and address, for messages.
        time_s: (N,) from the start of the recording, in s, increasing.
        current_A: (N,) in A, finite.
        sample_rate_hz: samples a second.
        accuracy: by range, of each sample.
        marks: (N,) levels of each digital channel, by its name.
        ranges: (N,) the range that each sample was taken in; zeros where the instrument does not tell.
        outside: (N,) samples that the instrument does not stand for: at the end of its range, or outside it.
        settling: (N,) samples within a switch of ranges, whose values are not the board's current.
        gaps: what is missing, in the order of time.
    """

    instrument: str
    time_s: NDArray[np.float64]
    current_A: NDArray[np.float64]
    sample_rate_hz: float
    accuracy: Mapping[int, Accuracy]
    marks: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    ranges: NDArray[np.int8] | None = None
    outside: NDArray[np.bool_] | None = None
    settling: NDArray[np.bool_] | None = None
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no recording.

        Raises:
            RigError: arrays of other lengths, time that does not increase, currents that are no numbers, ranges
                without an accuracy, or samples that are missing without a gap that says so.
        """
        if not self.sample_rate_hz > 0 or not np.isfinite(self.sample_rate_hz):
            raise self.broken(f"has {self.sample_rate_hz} samples a second")
        count = len(self.time_s)
        others: dict[str, NDArray[np.generic] | None] = {
            "current": self.current_A,
            "ranges": self.ranges,
            "outside": self.outside,
            "settling": self.settling,
            **self.marks,
        }
        for name, array in others.items():
            if array is not None and array.shape != (count,):
                raise self.broken(f"has {count} times, but {name} has shape {array.shape}")
        if not np.isfinite(self.current_A).all():
            bad = int(np.argmin(np.isfinite(self.current_A)))
            raise self.broken(f"has no current at {self.time_s[bad]:.6f} s (sample {bad} of {count})")
        steps = np.diff(self.time_s)
        if not np.isfinite(self.time_s).all() or (steps <= 0).any():
            raise self.broken("has times that do not increase")
        if unknown := set(map(int, np.unique(self.range_of()))) - set(self.accuracy):
            raise self.broken(f"has samples in range {min(unknown)}, of which no accuracy is stated")
        for hole in np.flatnonzero(steps * self.sample_rate_hz > HOLE):
            self._check_hole(float(self.time_s[hole]), float(self.time_s[hole + 1]))

    @property
    def sample_s(self) -> float:
        """Time from sample to sample, in s."""
        return 1 / self.sample_rate_hz

    @property
    def end_s(self) -> float:
        """End of the last sample, in s; 0 where there is none."""
        return float(self.time_s[-1]) + self.sample_s if len(self.time_s) else 0.0

    def range_of(self) -> NDArray[np.int8]:
        """(N,) the range of each sample."""
        return np.zeros(len(self.time_s), np.int8) if self.ranges is None else self.ranges

    def flags(self, array: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """(N,) `outside` or `settling`; none where the instrument does not tell."""
        return np.zeros(len(self.time_s), np.bool_) if array is None else array

    def bound_A(self) -> NDArray[np.float64]:
        """(N,) how far each sample may be off by the accuracy of its range, in A."""
        bound = np.zeros(len(self.time_s))
        ranges = self.range_of()
        for number, accuracy in self.accuracy.items():
            inside = ranges == number
            bound[inside] = accuracy.bound_A(self.current_A[inside])
        return bound

    def broken(self, what: str) -> RigError:
        """The error for a recording that cannot be used."""
        return RigError(
            f"the recording of {self.instrument} {what}",
            hint="measure again; if it stays so, check the instrument's cable and its firmware",
        )

    def _check_hole(self, before_s: float, after_s: float) -> None:
        slack_s = self.sample_s
        if not any(gap.begin_s <= after_s + slack_s and gap.end_s >= before_s - slack_s for gap in self.gaps):
            raise self.broken(f"misses samples between {before_s:.6f} s and {after_s:.6f} s, and says nothing of it")
