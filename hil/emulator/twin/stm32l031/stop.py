"""Stop mode (RM0377, 6.3.9): what keeps it from being entered, and how long waking up takes.

What stops, and which clock wakes: ST's stm32l0xx_hal_pwr.c. That pending EXTI lines and RTC flags keep it from being
entered is RM0377's note, as RM0351 has it for the STM32L4 (read there). The times are DS10668's typical ones, of the
table "low-power mode wakeup timings" (recalled; its first page, 5 us, was read).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from hil.emulator.twin.stm32l031.clock_tree import HSI16

_HSI16: Final = Fraction(49, 10_000_000)
_MSI: Final = {  # by its frequency in Hz
    4_194_304: Fraction(5, 1_000_000),
    2_097_152: Fraction(73, 10_000_000),
    1_048_576: Fraction(13, 1_000_000),
    524_288: Fraction(28, 1_000_000),
    262_144: Fraction(51, 1_000_000),
    131_072: Fraction(100, 1_000_000),
    65_536: Fraction(190, 1_000_000),
}
_VREFINT: Final = Fraction(
    2, 1000
)  # its start-up: waking up waits for it where ULP has switched it off and FWU is clear


def latency(source: int, msi_hz: int, *, waits_for_vrefint: bool) -> Fraction:
    """How long waking up takes, in s: until the first instruction can run."""
    start = _HSI16 if source == HSI16 else _MSI[msi_hz]
    return start + (_VREFINT if waits_for_vrefint else 0)
