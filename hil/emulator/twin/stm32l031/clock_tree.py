"""Frequencies of the clock tree (RM0377, 7.2) by the registers of RCC; and how long its oscillators take to start.

MSI's ranges, HSI16 and LSI's 37 kHz: ST's stm32l0xx_hal_rcc.c. Multipliers, prescalers and selections: ST's
stm32l031xx.h. The start-up times are DS10668's typical ones (recalled; those of HSI16 and LSI are the STM32L151's too).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.registers import NotModelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HSI16_HZ: Final = 16_000_000
LSI_HZ: Final = 37_000
LSE_HZ: Final = 32_768
_MSI_HZ: Final = (65_536, 131_072, 262_144, 524_288, 1_048_576, 2_097_152, 4_194_304)
_PLL_MULTIPLIERS: Final = (3, 4, 6, 8, 12, 16, 24, 32, 48)
_AHB_PRESCALERS: Final = (*(1,) * 8, 2, 4, 8, 16, 64, 128, 256, 512)
_APB_PRESCALERS: Final = (*(1,) * 4, 2, 4, 8, 16)
MSI, HSI16, PLL = 0, 1, 3  # CFGR.SW and SWS

HSI_START: Final = Fraction(37, 10_000_000)
MSI_START: Final = Fraction(40, 10_000_000)
PLL_START: Final = Fraction(115, 1_000_000)
LSI_START: Final = Fraction(200, 1_000_000)
LSE_START: Final = Fraction(2)

PCLK, SYSCLK, KERNEL_HSI16, KERNEL_LSE = 0, 1, 2, 3
"""What CCIPR selects for the UARTs."""
LPTIM_PCLK, LPTIM_LSI, LPTIM_HSI16, LPTIM_LSE = 0, 1, 2, 3
"""What CCIPR selects for LPTIM1."""


class ClockTree:
    """Frequencies in Hz.

    Args:
        registers: of RCC, by name.
    """

    def __init__(self, registers: Callable[[], Mapping[str, int]]) -> None:
        self._registers = registers

    def _field(self, register: str, low: int, bits: int) -> int:
        return self._registers()[register] >> low & ((1 << bits) - 1)

    def msi_hz(self) -> int:
        """MSI in its range."""
        range_ = self._field("ICSCR", 13, 3)
        if range_ >= len(_MSI_HZ):
            raise NotModelledError("sets MSIRANGE of RCC_ICSCR to a reserved value")
        return _MSI_HZ[range_]

    def vco_hz(self) -> int:
        """The PLL before its divider."""
        multiplier = self._field("CFGR", 18, 4)
        if multiplier >= len(_PLL_MULTIPLIERS) or not self._field("CFGR", 22, 2):
            raise NotModelledError("turns the PLL on with a reserved PLLMUL or PLLDIV in RCC_CFGR")
        return HSI16_HZ * _PLL_MULTIPLIERS[multiplier]

    def sysclk_hz(self) -> int:
        """SYSCLK."""
        source = self._field("CFGR", 2, 2)
        if source == PLL:
            return self.vco_hz() // (self._field("CFGR", 22, 2) + 1)
        return HSI16_HZ if source == HSI16 else self.msi_hz()

    def hclk_hz(self) -> int:
        """The core and its buses."""
        return self.sysclk_hz() // _AHB_PRESCALERS[self._field("CFGR", 4, 4)]

    def apb_divider(self, bus: int) -> int:
        """Core cycles in one of peripheral bus 1 or 2."""
        return _APB_PRESCALERS[self._field("CFGR", 5 + 3 * bus, 3)]

    def timer_divider(self, bus: int) -> int:
        """Core cycles in one of the timers of a bus: half of a divided bus's (RM0377, 7.2, clock tree; recalled)."""
        return max(1, self.apb_divider(bus) // 2)

    def pclk_hz(self, bus: int) -> int:
        """Peripheral bus 1 or 2."""
        return self.hclk_hz() // self.apb_divider(bus)

    def uart_source(self, low: int) -> int:
        """Which kernel clock a UART has; `low` is its field's position in CCIPR."""
        return self._field("CCIPR", low, 2)

    def uart_hz(self, low: int) -> int:
        """Kernel clock of a UART."""
        source = self.uart_source(low)
        if source in {PCLK, SYSCLK}:
            return self.pclk_hz(1) if source == PCLK else self.sysclk_hz()
        return HSI16_HZ if source == KERNEL_HSI16 else LSE_HZ

    def lptim_source(self) -> int:
        """Which kernel clock LPTIM1 has."""
        return self._field("CCIPR", 18, 2)
