"""Time of a simulated instrument: it passes with the samples that are made, as fast as they are read."""

from __future__ import annotations

import threading


class SampledTime:
    """Seconds that the instrument has sampled. Called, it is a clock."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._changed = threading.Condition()

    def __call__(self) -> float:
        with self._changed:
            return self._now_s

    def pass_to(self, now_s: float) -> None:
        with self._changed:
            self._now_s = max(self._now_s, now_s)
            self._changed.notify_all()

    def reset(self) -> None:
        """Back to zero, between measurements of an instrument whose time begins with each."""
        with self._changed:
            self._now_s = 0.0

    def wait_for(self, now_s: float) -> None:
        """Until so much was sampled; bounded, as an instrument may have stopped."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._now_s >= now_s, timeout=20), f"stuck at {self._now_s} s"

    def wait_or_pass(self, now_s: float, patience_s: float) -> None:
        """Until so much was sampled; where sampling stands still for so long, the clock on the wall goes on alone."""
        with self._changed:
            while self._now_s < now_s:
                before_s = self._now_s
                if not self._changed.wait_for(lambda: self._now_s > before_s, timeout=patience_s):  # noqa: B023
                    self._now_s = now_s
