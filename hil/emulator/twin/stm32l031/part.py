"""An STM32L031K6, or another part of its family (`variant`), put together.

Addresses and interrupt numbers: ST's stm32l031xx.h. What the twin has not of the part is there by name, for firmware
that uses it to be told; where the part has nothing, an access is a bus error.
"""

from __future__ import annotations

import ctypes
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeVar

from hil.cycles.timing import TimingModel, exceptions
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.registers import NotModelledError, Refused
from hil.emulator.twin.stm32l031 import power_use
from hil.emulator.twin.stm32l031 import rcc as rcc_module
from hil.emulator.twin.stm32l031.dbgmcu import DBG_STOP, Dbgmcu
from hil.emulator.twin.stm32l031.dma import Dma
from hil.emulator.twin.stm32l031.exti import LPTIM1_WAKEUP, LPUART1_WAKEUP, RTC_WAKEUP, USART2_WAKEUP, Exti, Syscfg
from hil.emulator.twin.stm32l031.flash import EEPROM_ORIGIN, FLASH_ORIGIN, Flash
from hil.emulator.twin.stm32l031.gpio import Gpio
from hil.emulator.twin.stm32l031.guard import Guard
from hil.emulator.twin.stm32l031.iwdg import Iwdg
from hil.emulator.twin.stm32l031.lptim import Lptim
from hil.emulator.twin.stm32l031.option_bytes import OptionBytes
from hil.emulator.twin.stm32l031.pins import Pins
from hil.emulator.twin.stm32l031.pwr import DBP, FWU, PDDS, ULP, Pwr
from hil.emulator.twin.stm32l031.rcc import Rcc
from hil.emulator.twin.stm32l031.rtc import Rtc
from hil.emulator.twin.stm32l031.spi import Spi
from hil.emulator.twin.stm32l031.spi_master import SpiMaster
from hil.emulator.twin.stm32l031.stop import latency
from hil.emulator.twin.stm32l031.tim import TIM2_BASE, TIM21_BASE, TIM22_BASE, Tim, Tim2, Tim21, Tim22
from hil.emulator.twin.stm32l031.usart import LPUART1_BASE, USART2_BASE, Lpuart, Usart
from hil.emulator.twin.stm32l031.variant import SERIAL_TX, STM32L031, Variant
from hil.emulator.twin.system import SystemControl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.recorder import OutputPort
    from hil.emulator.twin.wire import Wire
    from hil.energy.activity import Activity, State

_Tim = TypeVar("_Tim", bound=Tim)
CORE: Final = "cortex-m0plus"
RAM_ORIGIN: Final = 0x20000000
PORTS_ORIGIN: Final = 0x50000000
PORTS_BYTES: Final = 0x2000
"""The ports hang on the core's single-cycle I/O port (RM0377 2.1, figure 1), as boards/nucleo-l031.yaml says too."""

CPUID: Final = 0x410CC601  # DDI 0484C, 4.1.1: Cortex-M0+ r0p1
_RESET_HZ: Final = 2_097_152
_LPUART_BAUD: Final = 9600
# The highest core clock in Hz by voltage range, at 0 and at 1 wait state: ST's stm32l0xx_hal_rcc.c, table of latencies
_LIMIT_HZ: Final = {1: (16_000_000, 32_000_000), 2: (8_000_000, 16_000_000), 3: (4_200_000, 4_200_000)}
_REFUSED: Final = {
    "WWDG": 0x40002C00,
    "I2C1": 0x40005400,
    "FIREWALL": 0x40011C00,
    "ADC1": 0x40012400,
    "CRC": 0x40023000,
}
_SYSTEM_MEMORY: Final = 0x1FF00000
_SYSTEM_MEMORY_BYTES: Final = 0x1000  # RM0377, table 3 (recalled)


class Stm32l031(Chip):
    """The chip.

    Args:
        baud: what the host's serial port is set to.
        variant: which part.
    """

    def __init__(self, baud: int, variant: Variant = STM32L031) -> None:
        self._variant = variant
        self.flash_content = (ctypes.c_uint8 * variant.flash_bytes)()
        self.eeprom_content = (ctypes.c_uint8 * variant.eeprom_bytes)()
        self.ram_content = (ctypes.c_uint8 * variant.ram_bytes)()
        cost = exceptions(CORE)
        model = TimingModel(CORE)
        core = Core(
            (
                CodeMemory(FLASH_ORIGIN, self.flash_content, aliases=(0,), writable=False),
                CodeMemory(EEPROM_ORIGIN, self.eeprom_content, writable=False),
                CodeMemory(RAM_ORIGIN, self.ram_content),
            ),
            # timing.toml's `leave` has the 2 cycles of the BX that starts it
            CoreTiming(
                model.core_index,
                1,
                cost.entry or 0,
                (cost.leave or 2) - 2,
                cost.chain or 0,
                port_origin=PORTS_ORIGIN,
                port_bytes=PORTS_BYTES,
            ),
        )
        super().__init__(core, _RESET_HZ)
        self._built = False
        self._waits = 0
        self.rcc = Rcc(self, self._speed_changed, lambda: self.pwr.has(DBP))
        self.pwr = Pwr(self, self._clock("APB1ENR", 28), self._speed_changed)
        self.rcc.range = self.pwr.range
        self.exti = Exti(self)
        self.syscfg = Syscfg(self._clock("APB2ENR", 0))
        self.flash = Flash(self, self.flash_content, self.eeprom_content, self._wait_states)
        self._guard = Guard(core, self.flash.nvm.areas, self._nvm_is_read)
        self.iwdg = Iwdg(self, self.rcc.force_lsi, self._reset_by_watchdog)
        self.dbgmcu = Dbgmcu(self._clock("APB2ENR", 22), variant.idcode)
        self.ports = {
            letter: Gpio(letter, self._clock("IOPENR", bit), self.now, self._on_level(letter))
            for letter, bit in (("A", 0), ("B", 1), ("C", 2), ("H", 7))
        }
        self.pins = Pins(self.ports)
        self.ports["A"].drive(int(variant.serial_rx[2:]), level=True)  # an idle line is high
        self.usart2 = self._usart2(baud)
        self.lpuart1 = self._lpuart1()
        self.tim2 = self._tim(Tim2, "TIM2", TIM2_BASE, 15, 1, 0)
        self.tim21 = self._tim(Tim21, "TIM21", TIM21_BASE, 20, 2, 2)
        self.tim22 = self._tim(Tim22, "TIM22", TIM22_BASE, 22, 2, 5)
        self.lptim1 = Lptim(self, self.rcc, lambda: self.exti.direct(LPTIM1_WAKEUP))
        self.rtc = Rtc(self, self.rcc, lambda: self.pwr.has(DBP), lambda: self.exti.edge(RTC_WAKEUP, rising=True))
        self.dma1 = Dma(self, self._clock("AHBENR", 0), self._dma_reads, core.bus_write)
        self.rcc.on_buses.append(self.dma1.serve)
        self.rcc.on_written = self.set_up_anew
        self.spi1 = Spi(self, self._clock("APB2ENR", 12), self._nss_low, self.dma1)
        self.spi_master = SpiMaster(self, self.spi1, self.pins, lambda: self.rcc.tree.pclk_hz(2))
        self._attach_all()
        self.core.shared.vector_table = 0
        self.on_reset = self._core_reset
        self._built = True

    @property
    def serial(self) -> Wire:
        """See `Part`."""
        return self.usart2.wire

    @property
    def kept_content(self) -> Sequence[ctypes.Array[ctypes.c_uint8]]:
        """See `Part`: the data EEPROM."""
        return (self.eeprom_content,)

    def connect_spi(self, wiring: SpiWiring) -> None:
        """See `Part`."""
        self.spi_master.connect(wiring)

    def _clock(self, register: str, bit: int) -> Callable[[], bool]:
        return lambda: self.rcc.enabled(register, bit)

    def _usart2(self, baud: int) -> Usart:
        pin = self._variant.serial_rx
        return Usart(
            self,
            self.rcc,
            "USART2",
            USART2_BASE,
            bit=17,
            select=2,
            interrupt=28,
            rx=self.pins.path("USART2_RX", pin),
            tx=self.pins.path("USART2_TX", SERIAL_TX),
            on_wake=lambda: self.exti.direct(USART2_WAKEUP),
            on_start=lambda: self._start_bit(int(pin[2:])),
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
            rx=self.pins.path("LPUART1_RX", "PA3"),
            tx=self.pins.path("LPUART1_TX", "PA2"),
            on_wake=lambda: self.exti.direct(LPUART1_WAKEUP),
            on_start=lambda: self._start_bit(3),
            baud=_LPUART_BAUD,
        )

    def _tim(self, kind: type[_Tim], name: str, base: int, interrupt: int, bus: int, bit: int) -> _Tim:  # noqa: PLR0917
        clocked = self._clock(f"APB{bus}ENR", bit)
        timer = kind(
            self, name, base, interrupt=interrupt, clocked=clocked, divider=lambda: self.rcc.tree.timer_divider(bus)
        )
        self.rcc.resets(f"APB{bus}RSTR", bit, timer)
        self.rcc.on_buses.append(timer.clock_changed)
        return timer

    def _attach_all(self) -> None:
        self.attach(SystemControl(self, CPUID, 8, self._request_reset), size=SYSTEM_PAGE_BYTES)
        always = (self.rcc, self.pwr, self.flash, self.exti, self.syscfg, self.iwdg, self.rtc, self.dbgmcu)
        others = (self.usart2, self.lpuart1, self.dma1, self.spi1, self.tim2, self.tim21, self.tim22, self.lptim1)
        for peripheral in (*always, *others, *self.ports.values(), OptionBytes(self.flash.store_option_bytes)):
            self.attach(peripheral)
        for name, base in {**_REFUSED, **self._variant.refused}.items():
            self.attach(Refused(name, base))
        loader = Refused("the system memory", _SYSTEM_MEMORY, "the system memory (ST's boot loader)")
        self.attach(loader, size=_SYSTEM_MEMORY_BYTES)
        for bit, letter in ((0, "A"), (1, "B"), (2, "C"), (7, "H")):
            self.rcc.resets("IOPRSTR", bit, self.ports[letter])
        self.rcc.resets("AHBRSTR", 0, self.dma1)
        self.rcc.resets("APB1RSTR", 17, self.usart2)
        self.rcc.resets("APB1RSTR", 18, self.lpuart1)
        self.rcc.resets("APB1RSTR", 28, self.pwr)
        self.rcc.resets("APB1RSTR", 31, self.lptim1)
        self.rcc.resets("APB2RSTR", 0, self.syscfg)
        self.rcc.resets("APB2RSTR", 12, self.spi1)

    def _on_level(self, letter: str) -> Callable[[int, int], None]:
        """Edges of a port's pins get to those EXTI lines that listen to it."""

        def changed(old: int, new: int) -> None:
            for pin in range(16):
                if (old ^ new) >> pin & 1 and self.syscfg.port(pin) == letter:
                    self.exti.edge(pin, rising=bool(new >> pin & 1))

        return changed

    def _start_bit(self, pin: int) -> None:
        """A line falls at a pin of port A."""
        if self.exti.value["FTSR"] >> pin & 1 and self.syscfg.port(pin) == "A":
            self.exti.edge(pin, rising=False)

    def _nss_low(self) -> bool:
        return self.spi_master.selected()

    # Activity

    def activity(self, state: State) -> Activity:
        """See `RecordedChip`."""
        return power_use.activity(self, state)

    def output_pin(self, name: str) -> tuple[OutputPort, int]:
        """See `RecordedChip`."""
        return self.pins.port(name)

    # Stop mode

    def stop_clock(self) -> bool:
        """See `Chip`: with a debugger's DBG_STOP the core runs on, from the oscillator that wakes the chip up."""
        if self.pwr.has(PDDS):
            raise NotModelledError("enters Standby mode (PDDS of PWR_CR is set), which the twin does not model")
        if self.exti.pending() or self.rtc.wakes():
            self.note("Stop", "Stop mode is not entered: a line of EXTI_PR is pending, or WUTF of RTC_ISR is set")
            self.core.shared.asleep = 0
            return False
        if not self.dbgmcu.has(DBG_STOP):
            self.usart2.enter_stop()
            self.lpuart1.enter_stop()
        self.rcc.stop()
        if self.dbgmcu.has(DBG_STOP):
            self.rcc.start(self.rcc.wake_source())
            return False
        return True

    def start_clock(self) -> None:
        """See `Chip`."""
        waits = self.pwr.has(ULP) and not self.pwr.has(FWU)
        source = self.rcc.wake_source()
        self.pass_time(self.seconds() + latency(source, self.rcc.tree.msi_hz(), waits_for_vrefint=waits))
        self.rcc.start(source)

    # Resets

    def _core_reset(self) -> None:
        self.core.shared.vector_table = 0
        self.usart2.wire.forget()
        self.lpuart1.wire.forget()

    def reset_by_software(self) -> None:
        """The reset that comes next is one that the core was asked for, by firmware or a debugger (SYSRESETREQ)."""
        self.rcc.next_reset(rcc_module.RESET_BY_SOFTWARE | rcc_module.RESET_BY_PIN)

    def _request_reset(self) -> None:
        self.reset_by_software()
        self.request_reset()

    def _reset_by_watchdog(self) -> None:
        self.rcc.next_reset(rcc_module.RESET_BY_IWDG | rcc_module.RESET_BY_PIN)
        self.request_reset()

    def _speed_changed(self) -> None:
        self._check_speed()
        self.set_up_anew()

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

    # Non-volatile memory

    def _wait_states(self) -> None:
        """For each word of code and each load, as if there were neither prefetch nor buffers."""
        if self._built and self.flash.latency() != self._waits:
            self._waits = self.flash.latency()
            for origin in (FLASH_ORIGIN, EEPROM_ORIGIN):
                self.core.wait_states(origin, self._waits)
        self._check_speed()

    def store(self, address: int, size: int, value: int) -> bool:
        """See `Chip`: one that comes while an operation is under way waits for its end (RM0377 3.6, recalled)."""
        self.wait_until(self.flash.nvm.busy_until())
        taken = self.flash.store_memory(address, size, value)
        if self.flash.active:
            self._come_back_by(0)  # and see where the next instruction comes from
        return taken

    def code_waits(self) -> int:
        """See `Chip`."""
        flash, guard = self.flash, self._guard
        if not (flash.active or guard.up):
            return 0
        if not flash.nvm.holds(self.core.read_register("pc") & ~1):
            if flash.active:
                guard.raise_()
            elif guard.in_the_way:
                guard.lower()
            return 0
        until = flash.accessed() if flash.active else 0
        if not until:
            guard.lower()
        return until

    def code_barred(self) -> bool:
        """See `Chip`."""
        return self._guard.up and self.flash.nvm.holds(self.core.read_register("pc") & ~1)

    def _nvm_is_read(self) -> None:
        if self.flash.active and (until := self.flash.accessed()):
            self.core.load_waits(until)
            self._run_due(until)

    def _dma_reads(self, address: int, size: int) -> bytes | None:
        if self.flash.active and self.flash.nvm.holds(address):
            raise NotModelledError(f"has the DMA read 0x{address:08x} while the flash or EEPROM is being written")
        return self.core.bus_read(address, size)

    def debugger_reads(self, address: int, *, running: bool) -> None:
        """See `Part`."""
        if self.flash.active and (self.flash.nvm.holds(address) or self.peripheral_at(address) is self.flash):
            if self.flash.nvm.holds(address):
                self.flash.accessed()
            if not running:
                self.flash.nvm.settle()

    def settle(self) -> None:
        """See `Part`."""
        self.flash.nvm.settle()

    def lose_power(self, seed: int) -> None:
        """See `Part`."""
        self.flash.nvm.cut(seed)

    def cut_power(self, cycle: int, seed: int) -> None:
        """Run up to a cycle and lose the power there: then `flash_content` and `eeprom_content` are what is left.

        Args:
            cycle: of the core's clock; the instruction that runs then is its last.
            seed: decides about the bits of an operation that was under way.
        """
        self.events.at(cycle, lambda _cycle: None)
        self.run(cycle)
        self.flash.nvm.cut(seed, self.seconds() - Fraction(self.now() - cycle, self.clock_hz))
