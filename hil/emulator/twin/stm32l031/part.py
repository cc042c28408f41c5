"""An STM32L031K6, put together."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from hil.cycles.timing import TimingModel, exceptions
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031 import rcc as rcc_module
from hil.emulator.twin.stm32l031.flash import FLASH_BYTES, FLASH_ORIGIN, Flash
from hil.emulator.twin.stm32l031.gpio import Gpio
from hil.emulator.twin.stm32l031.iwdg import Iwdg
from hil.emulator.twin.stm32l031.pwr import Pwr
from hil.emulator.twin.stm32l031.rcc import Rcc
from hil.emulator.twin.stm32l031.usart import Usart
from hil.emulator.twin.system import SystemControl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

CORE: Final = "cortex-m0plus"
RAM_ORIGIN: Final = 0x20000000
RAM_BYTES: Final = 0x2000
CPUID: Final = 0x410CC601  # DDI 0484C, 4.1.1: Cortex-M0+ r0p1
_RESET_HZ: Final = 2_097_152
_USART2_IRQ: Final = 28
# Highest core clock in MHz by voltage range, at 0 and at 1 wait state (RM0377, table of NVM latency)
_LIMIT_HZ: Final = {1: (16_000_000, 32_000_000), 2: (8_000_000, 16_000_000), 3: (4_200_000, 4_200_000)}


class Dbgmcu(Peripheral):
    """DBGMCU (RM0377, 27.9): written by debuggers, without effect here: all clocks run on in sleep."""

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("IDCODE", 0x00, reset=0x10386425),  # RM0377 27.4.1: category 2 device 0x425; revision (recalled)
        Register("CR", 0x04, writable=7),
        Register("APB1_FZ", 0x08, writable=0xFFFFFFFF),
        Register("APB2_FZ", 0x0C, writable=0xFFFFFFFF),
    )


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
        self.pwr = Pwr(lambda: self.rcc.enabled("APB1ENR", 28), self._check_speed)
        self.rcc = Rcc(self, self._check_speed)
        self.flash = Flash(self, self.flash_content, self.core.forget_code, self._check_speed)
        self.usart2 = Usart(
            self,
            "USART2",
            0x40004400,
            interrupt=_USART2_IRQ,
            kernel_hz=lambda: self.rcc.usart2_hz(),
            clocked=lambda: self.rcc.enabled("APB1ENR", 17),
            baud=baud,
        )
        self.ports = {
            letter: Gpio(letter, self._port_clock(bit), self._no_output)
            for letter, bit in (("A", 0), ("B", 1), ("C", 2), ("H", 7))
        }
        self.rcc.resets("APB1RSTR", 17, self.usart2)
        self.attach(SystemControl(self, CPUID, 8, self._reset_by_software), size=SYSTEM_PAGE_BYTES)
        self.iwdg = Iwdg(self, self._reset_by_watchdog)
        dbgmcu = Dbgmcu("DBGMCU", 0x40015800)
        for peripheral in (self.rcc, self.pwr, self.flash, self.iwdg, self.usart2, *self.ports.values(), dbgmcu):
            self.attach(peripheral)
        self.core.shared.vector_table = 0
        self.on_reset = self._core_reset

    def _port_clock(self, bit: int):  # noqa: ANN202
        return lambda: self.rcc.enabled("IOPENR", bit)

    def _no_output(self, old: int, new: int) -> None:
        del old, new

    def _core_reset(self) -> None:
        self.core.shared.vector_table = 0
        self.usart2.wire.forget()

    def _reset_by_software(self) -> None:
        self.rcc.next_reset(rcc_module.RESET_BY_SOFTWARE | rcc_module.RESET_BY_PIN)
        self.request_reset()

    def _reset_by_watchdog(self) -> None:
        self.rcc.next_reset(rcc_module.RESET_BY_IWDG | rcc_module.RESET_BY_PIN)
        self.request_reset()

    def _check_speed(self) -> None:
        """The core's clock must fit the voltage range and the wait states: on silicon it would fetch garbage."""
        if not all(hasattr(self, part) for part in ("pwr", "rcc", "flash")):
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
