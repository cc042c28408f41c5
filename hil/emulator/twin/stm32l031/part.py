"""An STM32L031K6, put together.

Addresses and interrupt numbers: ST's stm32l031xx.h. What the twin has not of the part is there by name, for firmware
that uses it to be told; where the part has nothing, an access is a bus error.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from hil.cycles.timing import TimingModel, exceptions
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.registers import NotModelledError, Refused
from hil.emulator.twin.stm32l031 import rcc as rcc_module
from hil.emulator.twin.stm32l031.dbgmcu import Dbgmcu
from hil.emulator.twin.stm32l031.flash import FLASH_BYTES, FLASH_ORIGIN, Flash
from hil.emulator.twin.stm32l031.gpio import Gpio
from hil.emulator.twin.stm32l031.iwdg import Iwdg
from hil.emulator.twin.stm32l031.pins import Pins
from hil.emulator.twin.stm32l031.pwr import DBP, Pwr
from hil.emulator.twin.stm32l031.rcc import Rcc
from hil.emulator.twin.stm32l031.usart import LPUART1_BASE, USART2_BASE, Lpuart, Usart
from hil.emulator.twin.system import SystemControl

if TYPE_CHECKING:
    from collections.abc import Callable

CORE: Final = "cortex-m0plus"
RAM_ORIGIN: Final = 0x20000000
RAM_BYTES: Final = 0x2000
CPUID: Final = 0x410CC601  # DDI 0484C, 4.1.1: Cortex-M0+ r0p1
_RESET_HZ: Final = 2_097_152
_LPUART_BAUD: Final = 9600
# The highest core clock in Hz by voltage range, at 0 and at 1 wait state: ST's stm32l0xx_hal_rcc.c, table of latencies
_LIMIT_HZ: Final = {1: (16_000_000, 32_000_000), 2: (8_000_000, 16_000_000), 3: (4_200_000, 4_200_000)}
_REFUSED: Final = {
    "TIM2": 0x40000000,
    "RTC": 0x40002800,
    "WWDG": 0x40002C00,
    "I2C1": 0x40005400,
    "LPTIM1": 0x40007C00,
    "SYSCFG": 0x40010000,
    "EXTI": 0x40010400,
    "TIM21": 0x40010800,
    "TIM22": 0x40011400,
    "FIREWALL": 0x40011C00,
    "ADC1": 0x40012400,
    "SPI1": 0x40013000,
    "DMA1": 0x40020000,
    "CRC": 0x40023000,
}
SERIAL_TX, SERIAL_RX = "PA2", "PA15"
"""Pins of the board's serial port (boards/nucleo-l031)."""


class Stm32l031(Chip):
    """The chip.

    Args:
        baud: what the host's serial port is set to.
    """

    def __init__(self, baud: int) -> None:
        self.flash_content = (ctypes.c_uint8 * FLASH_BYTES)()
        self.ram_content = (ctypes.c_uint8 * RAM_BYTES)()
        cost = exceptions(CORE)
        model = TimingModel(CORE)
        core = Core(
            (
                CodeMemory(FLASH_ORIGIN, self.flash_content, aliases=(0,), writable=False),
                CodeMemory(RAM_ORIGIN, self.ram_content),
            ),
            # timing.toml's `leave` has the 2 cycles of the BX that starts it
            CoreTiming(model.core_index, 1, cost.entry or 0, (cost.leave or 2) - 2, cost.chain or 0),
        )
        super().__init__(core, _RESET_HZ)
        self._built = False
        self.rcc = Rcc(self, self._check_speed, lambda: self.pwr.has(DBP))
        self.pwr = Pwr(self, self._clock("APB1ENR", 28), self._check_speed)
        self.rcc.range = self.pwr.range
        self.flash = Flash(self, self.flash_content, self.core.forget_code, self._check_speed)
        self.iwdg = Iwdg(self, self.rcc.force_lsi, self._reset_by_watchdog)
        self.dbgmcu = Dbgmcu(self._clock("APB2ENR", 22))
        self.ports = {
            letter: Gpio(letter, self._clock("IOPENR", bit), self.now, self._no_level)
            for letter, bit in (("A", 0), ("B", 1), ("C", 2), ("H", 7))
        }
        self.pins = Pins(self.ports)
        self.usart2 = self._usart2(baud)
        self.lpuart1 = self._lpuart1()
        self._attach_all()
        self.core.shared.vector_table = 0
        self.on_reset = self._core_reset
        self._built = True

    def _clock(self, register: str, bit: int) -> Callable[[], bool]:
        return lambda: self.rcc.enabled(register, bit)

    def _usart2(self, baud: int) -> Usart:
        return Usart(
            self,
            self.rcc,
            "USART2",
            USART2_BASE,
            bit=17,
            select=2,
            interrupt=28,
            rx=lambda: self.pins.why_not("USART2_RX", SERIAL_RX),
            tx=lambda: self.pins.why_not("USART2_TX", SERIAL_TX),
            on_wake=self.wake,
            baud=baud,
        )

    def _lpuart1(self) -> Lpuart:
        return Lpuart(
            self,
            self.rcc,
            "LPUART1",
            LPUART1_BASE,
            bit=18,
            select=10,
            interrupt=29,
            rx=lambda: self.pins.why_not("LPUART1_RX", "PA3"),
            tx=lambda: self.pins.why_not("LPUART1_TX", "PA2"),
            on_wake=self.wake,
            baud=_LPUART_BAUD,
        )

    def _attach_all(self) -> None:
        self.attach(SystemControl(self, CPUID, 8, self._reset_by_software), size=SYSTEM_PAGE_BYTES)
        modelled = (self.rcc, self.pwr, self.flash, self.iwdg, self.usart2, self.lpuart1, self.dbgmcu)
        for peripheral in (*modelled, *self.ports.values()):
            self.attach(peripheral)
        for name, base in _REFUSED.items():
            self.attach(Refused(name, base))
        for bit, letter in ((0, "A"), (1, "B"), (2, "C"), (7, "H")):
            self.rcc.resets("IOPRSTR", bit, self.ports[letter])
        self.rcc.resets("APB1RSTR", 17, self.usart2)
        self.rcc.resets("APB1RSTR", 18, self.lpuart1)
        self.rcc.resets("APB1RSTR", 28, self.pwr)

    def _no_level(self, old: int, new: int) -> None:
        del old, new

    # Resets

    def _core_reset(self) -> None:
        self.core.shared.vector_table = 0
        self.usart2.wire.forget()
        self.lpuart1.wire.forget()

    def _reset_by_software(self) -> None:
        self.rcc.next_reset(rcc_module.RESET_BY_SOFTWARE | rcc_module.RESET_BY_PIN)
        self.request_reset()

    def _reset_by_watchdog(self) -> None:
        self.rcc.next_reset(rcc_module.RESET_BY_IWDG | rcc_module.RESET_BY_PIN)
        self.request_reset()

    def _check_speed(self) -> None:
        """The core's clock must fit the voltage range and the wait states: on silicon it would fetch garbage."""
        if not self._built:
            return
        limit = _LIMIT_HZ.get(self.pwr.range())
        if limit is None or self.clock_hz > limit[self.flash.latency()]:
            raise NotModelledError(
                f"runs the core at {self.clock_hz} Hz in voltage range {self.pwr.range()} with {self.flash.latency()} "
                "wait states of the flash, which is beyond what RM0377 allows"
            )

    def store(self, address: int, size: int, value: int) -> bool:
        """See `Chip`."""
        return self.flash.store_memory(address, size, value)
