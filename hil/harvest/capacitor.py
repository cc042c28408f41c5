"""A capacitor that a harvester charges with a constant power and a chip discharges with a constant current: pure.

C dV/dt = P / V - I, so that the time from V0 to V is the integral of C V / (P - I V) dV:

    C (-(V - V0) / I - P / I^2 ln((P - I V) / (P - I V0)))

No leakage, no losses of a converter: the power is what arrives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_SMALL: Final = 1e-2  # share of the power that the current takes, below which a series is exact, and the above is not
_TERMS: Final = 8
_HALVINGS: Final = 100


@dataclass(frozen=True)
class Capacitor:
    """What it is, and what charges it.

    Attributes:
        capacity_F: in F.
        power_W: that arrives, in W.
        most_V: the voltage that the harvester does not go beyond.
    """

    capacity_F: float
    power_W: float
    most_V: float

    def time_between(self, begin_V: float, end_V: float, current_A: float) -> float:
        """How long it takes from one voltage to another with a current drawn, in s; infinite where it never gets there.

        Args:
            begin_V: above 0.
            end_V: above 0.
            current_A: 0 or more.
        """
        if begin_V == end_V:
            return 0.0
        power, current = self.power_W, current_A
        first, last = power - current * begin_V, power - current * end_V
        if first * last <= 0 or (first > 0) != (end_V > begin_V):
            return math.inf  # it comes to rest between the two, or goes the other way
        if current * max(begin_V, end_V) < _SMALL * power:
            ratio = current / power
            powers = (ratio**n * (end_V ** (n + 2) - begin_V ** (n + 2)) / (n + 2) for n in range(_TERMS))
            return self.capacity_F / power * math.fsum(powers)
        logarithm = math.log(last / first)
        return max(0.0, self.capacity_F * (-(end_V - begin_V) / current - power / current**2 * logarithm))

    def after(self, begin_V: float, time_s: float, current_A: float) -> float:
        """The voltage after a time with a current drawn, in V; `most_V` at most."""
        if time_s <= 0 or self.power_W == current_A * begin_V:
            return begin_V
        rest_V = self.power_W / current_A if current_A > 0 else math.inf
        end_V = min(rest_V, self.most_V) if rest_V > begin_V else rest_V
        if end_V == begin_V or (rest_V > begin_V >= self.most_V):
            return begin_V
        if end_V != rest_V and self.time_between(begin_V, end_V, current_A) <= time_s:
            return end_V
        near, far = begin_V, end_V  # the voltage lies between, as time grows with the distance
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            if middle in {near, far}:
                break
            if self.time_between(begin_V, middle, current_A) <= time_s:
                near = middle
            else:
                far = middle
        return near
