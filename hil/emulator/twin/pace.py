"""Holding the twin's time to the clock on the wall, for people at a terminal."""

from __future__ import annotations

import math
import time
from fractions import Fraction
from typing import Final

_AHEAD: Final = Fraction(1, 500)  # s that the twin may be ahead: the length of a slice
_BEHIND: Final = Fraction(1, 20)  # s that it may have to catch up; what is more has passed in sleep, or is lost


class Pace:
    """Says how far the chip may run now."""

    def __init__(self) -> None:
        self._wall = Fraction(time.monotonic_ns(), 10**9)
        self._chip = Fraction(0)
        self._due_ns = 0

    def allowance(self, chip_seconds: Fraction) -> Fraction:
        """Seconds that the chip may run on, at whose time ``chip_seconds`` it is; 0 or less: wait first."""
        passed = Fraction(time.monotonic_ns(), 10**9) - self._wall
        ahead = (chip_seconds - self._chip) - passed
        if ahead < -_BEHIND:
            self._wall += -ahead - _BEHIND
            ahead = -_BEHIND
        left = _AHEAD - ahead
        self._due_ns = time.monotonic_ns() + int(max(Fraction(0), ahead) * 10**9)
        return left if ahead <= 0 else Fraction(0)

    def timeout_ms(self) -> int:
        """Until the chip may run on."""
        return max(0, math.ceil((self._due_ns - time.monotonic_ns()) / 10**6))
