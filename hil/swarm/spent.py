"""Where a chip's time goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """Seconds that a core has spent: at work or waking up, asleep with its clock running, stopped."""

    awake_s: float
    asleep_s: float
    stopped_s: float

    @property
    def total_s(self) -> float:
        """All of them."""
        return self.awake_s + self.asleep_s + self.stopped_s

    def __add__(self, more: Spent) -> Spent:
        return Spent(self.awake_s + more.awake_s, self.asleep_s + more.asleep_s, self.stopped_s + more.stopped_s)

    def __sub__(self, before: Spent) -> Spent:
        return Spent(self.awake_s - before.awake_s, self.asleep_s - before.asleep_s, self.stopped_s - before.stopped_s)
