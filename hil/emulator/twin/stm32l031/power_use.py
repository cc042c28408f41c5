"""What of an STM32L031 is on: its peripherals by their clocks, its oscillators, its voltage range.

Which bit of RCC is whose: ST's stm32l031xx.h. The interface of the flash (MIF) is not among them, as the core does not
run from flash without it; nor is the debug unit. In Stop mode the buses have no clock (RM0377, 6.3.9): what goes on
there counts LSI or LSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.twin.stm32l031.rcc import HSION, LSEON, LSION, MSION, PLLON, RTCEN
from hil.energy.activity import Activity, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.emulator.twin.stm32l031.part import Stm32l031

CLOCKS: Final = {
    "IOPENR": {0: "GPIOA", 1: "GPIOB", 2: "GPIOC", 7: "GPIOH"},
    "AHBENR": {0: "DMA1", 12: "CRC"},
    "APB2ENR": {0: "SYSCFG", 2: "TIM21", 5: "TIM22", 7: "FIREWALL", 9: "ADC1", 12: "SPI1"},
    "APB1ENR": {0: "TIM2", 11: "WWDG", 17: "USART2", 18: "LPUART1", 21: "I2C1", 28: "PWR", 31: "LPTIM1"},
}
"""Peripherals by enable register and bit."""

_FAST: Final = (("MSI", MSION), ("HSI16", HSION), ("PLL", PLLON))
_SLOW: Final = (("LSI", LSION), ("LSE", LSEON))
_DEEP: Final = {State.STOP, State.STANDBY}


def activity(chip: Stm32l031, state: State) -> Activity:
    """What the chip does now, with its core in a state."""
    deep = state in _DEEP
    rcc = chip.rcc
    slow = {name for name, bit in _SLOW if rcc.csr(bit)}
    fast = {name for name, bit in _FAST if rcc.value["CR"] & bit}  # in Stop mode those are off
    own = set(_with_own_clock(chip))
    clocked = {
        name for register, bits in CLOCKS.items() for bit, name in bits.items() if rcc.value[register] >> bit & 1
    }
    return Activity(
        state,
        0 if deep else chip.clock_hz,
        chip.pwr.range(),
        frozenset(own if deep else own | clocked),
        frozenset(slow | fast),
    )


def _with_own_clock(chip: Stm32l031) -> Iterator[str]:
    """What goes on without the core's clock."""
    if chip.rcc.csr(RTCEN):
        yield "RTC"
    if chip.iwdg.running:
        yield "IWDG"
    if chip.lptim1.own_clock:
        yield "LPTIM1"
