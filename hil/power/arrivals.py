"""When samples came, held against the clock: what an instrument does not know to have lost is missing here. Pure."""

from __future__ import annotations

from typing import Final

from hil.errors import RigError

_PIECES: Final = 50
"""As many at the begin and at the end are held against the clock."""
_SLACK_S: Final = 0.1
_SLACK: Final = 0.01
"""By how much, and by what share of the time, samples may lag behind the clock."""
_TAIL_S: Final = 0.5
"""Longest wait at the end for samples that are on their way."""


class Arrivals:
    """The pieces of one measurement.

    Args:
        rate_hz: of samples.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._pieces: list[tuple[float, int]] = []
        self._prompt = float("-inf")  # of the piece that was least late: its samples ahead of the clock
        self._end_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long the samples last that came."""
        return self._pieces[-1][1] / self._rate_hz if self._pieces else 0.0

    def note(self, now_s: float, number: int) -> None:
        """A piece has come; `number` is that of the sample behind it."""
        self._pieces.append((now_s, number))
        self._prompt = max(self._prompt, number - now_s * self._rate_hz)

    def call_off(self, now_s: float) -> None:
        """What is sampled from now on is not wanted."""
        if self._end_at is None:
            self._end_at = now_s

    def is_over(self, now_s: float) -> bool:
        """Whether what was sampled until it was called off has come, or takes too long."""
        if self._end_at is None or not self._pieces:
            return False
        due = self._prompt + self._end_at * self._rate_hz
        return self._pieces[-1][1] >= due or now_s - self._end_at > _TAIL_S

    def check(self, address: str) -> None:
        """Hold the number of samples against the clock.

        Raises:
            RigError: too few came, or none any more before it was called off.
        """
        if not self._pieces:
            raise RigError(f"{address} has nothing to show: it sent no samples", hint="unplug it and plug it in again")
        # Pieces may be late, all of them at the end only if some are missing.
        late_s = [come_s - number / self._rate_hz for come_s, number in self._pieces]
        few = max(1, min(_PIECES, len(late_s) // 2))
        lost_s = min(late_s[-few:]) - min(late_s[:few])
        if lost_s > _SLACK_S + _SLACK * self.seconds:
            sampled, elapsed = f"{self.seconds:.3f} s", f"{self.seconds + lost_s:.3f} s"
            raise RigError(
                f"{address} sent samples for {sampled} in {elapsed}: some were lost unseen",
                hint="connect it to another USB port, without a hub, and measure again",
            )
        if self._end_at is not None:
            wanted_s = self._end_at + self._prompt / self._rate_hz
            if wanted_s - self.seconds > _SLACK_S + _SLACK * wanted_s:
                raise RigError(
                    f"{address} fell silent after {self.seconds:.3f} s, and was to measure for {wanted_s:.3f} s",
                    hint="check its USB cable, and measure again",
                )
