"""An nRF51822-QFAA, put together: 256 KB of flash, 16 KB of RAM, a Cortex-M0.

Addresses and interrupt numbers: Nordic's nrf51.svd, as pyOCD ships it. What the twin has not of the part is there by
name, for firmware that uses it to be told; where the part has nothing, an access is a bus error.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, ClassVar, Final

from hil.cycles.timing import TimingModel, exceptions
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.nrf51.block import BLOCK_BYTES
from hil.emulator.twin.nrf51.gpio import Gpio, pin_number
from hil.emulator.twin.nrf51.nvmc import FLASH_BYTES, RAM_BLOCK_BYTES, RAM_BLOCKS, Ficr, Nvmc, Uicr
from hil.emulator.twin.nrf51.power import HFCLK_HZ, RESET_BY_SOFTWARE, PowerClock
from hil.emulator.twin.nrf51.spis import Spis
from hil.emulator.twin.nrf51.spis_master import SpisMaster
from hil.emulator.twin.nrf51.timer import Timer
from hil.emulator.twin.nrf51.uart import Uart
from hil.emulator.twin.nrf51.wdt import Wdt
from hil.emulator.twin.registers import BusError, Refused, Register
from hil.emulator.twin.system import SystemControl
from hil.energy.activity import Activity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.recorder import OutputPort
    from hil.emulator.twin.wire import Wire
    from hil.energy.activity import State

CORE: Final = "cortex-m0"
RAM_ORIGIN: Final = 0x20000000
RAM_BYTES: Final = RAM_BLOCKS * RAM_BLOCK_BYTES
CPUID: Final = 0x410CC200  # DDI 0432C, 4.3: Cortex-M0 r0p0
_NO_EXTERNAL_CLOCK: Final = 1
_REFUSED: Final = {
    "RADIO": 0x40001000,
    "SPI0": 0x40003000,
    "GPIOTE": 0x40006000,
    "ADC": 0x40007000,
    "TIMER1": 0x40009000,
    "TIMER2": 0x4000A000,
    "RTC0": 0x4000B000,
    "TEMP": 0x4000C000,
    "RNG": 0x4000D000,
    "ECB": 0x4000E000,
    "AAR": 0x4000F000,
    "RTC1": 0x40011000,
    "QDEC": 0x40012000,
    "LPCOMP": 0x40013000,
    "SWI": 0x40014000,
    "PPI": 0x4001F000,
}


class System(SystemControl):
    """What a Cortex-M0 without SysTick and without VTOR has (the nRF51 has no SysTick; recalled)."""

    REGISTERS: ClassVar[Sequence[Register]] = tuple(
        Register(each.name, each.offset, refused=True) if each.name.startswith(("SYST_", "VTOR")) else each
        for each in SystemControl.REGISTERS
    )


class Nrf51822(Chip):
    """The chip.

    Args:
        baud: what the host's serial port is set to.
        serial_pins: where that ends: TX and RX of the chip.

    Raises:
        ValueError: one of them is no pin of the chip.

    Attributes:
        serial: the serial port's line.
        kept_content: memories beside the flash that keep their content without power: none.
    """

    kept_content: Sequence[ctypes.Array[ctypes.c_uint8]] = ()

    def __init__(self, baud: int, serial_pins: tuple[str, str]) -> None:
        self.flash_content = (ctypes.c_uint8 * FLASH_BYTES)()
        self.ram_content = (ctypes.c_uint8 * RAM_BYTES)()
        cost = exceptions(CORE)
        core = Core(
            (CodeMemory(0, self.flash_content, writable=False), CodeMemory(RAM_ORIGIN, self.ram_content)),
            # timing.toml's `leave` has the 3 cycles of the BX that starts it
            CoreTiming(TimingModel(CORE).core_index, 1, cost.entry or 0, (cost.leave or 3) - 3, cost.chain or 0),
        )
        super().__init__(core, HFCLK_HZ)
        for pin in serial_pins:
            if pin_number(pin) is None:
                raise ValueError(f"UART0 is on pins from P0.0 to P0.31, not on {pin or 'no pin'}")
        self.power = PowerClock(self)
        self.gpio = Gpio(self.now)
        self.nvmc = Nvmc(self, self.flash_content)
        self.uart0 = Uart(self, self.power, baud=baud, pins=serial_pins)
        self.timer0 = Timer(self)
        self.spis1 = Spis(self, self.power)
        self.spi_master = SpisMaster(self, self.spis1, self.gpio)
        self.gpio.drive(pin_number(serial_pins[1]) or 0, level=True)  # an idle line is high
        self.attach(System(self, CPUID, _NO_EXTERNAL_CLOCK, self._request_reset), size=SYSTEM_PAGE_BYTES)
        for peripheral in (self.power, self.gpio, self.nvmc, self.uart0, self.timer0, self.spis1):
            self.attach(peripheral, size=BLOCK_BYTES)
        for other in (Uicr(self.nvmc), Ficr(), Wdt()):
            self.attach(other, size=BLOCK_BYTES)
        for name, base in _REFUSED.items():
            self.attach(Refused(name, base), size=BLOCK_BYTES)
        self.core.shared.vector_table = 0
        self.on_reset = self.serial.forget

    @property
    def serial(self) -> Wire:
        """See `Part`."""
        return self.uart0.wire

    def connect_spi(self, wiring: SpiWiring) -> None:
        """See `Part`."""
        self.spi_master.connect(wiring)

    # Activity

    def activity(self, state: State) -> Activity:
        """See `RecordedChip`: peripherals by their ENABLE registers, a timer while it counts."""
        enabled = {each.name for each in (self.uart0, self.spis1) if each.value["ENABLE"]}
        timers = {self.timer0.name} if self.timer0.running else set()
        oscillators = {"HFCLK Xtal"} if self.power.value["HFCLKRUN"] else set()
        if not self.power.crystal:
            oscillators.add("HFCLK RC")
        return Activity(state, self.clock_hz, 0, frozenset(enabled | timers), frozenset(oscillators))

    def output_pin(self, name: str) -> tuple[OutputPort, int]:
        """See `RecordedChip`."""
        number = pin_number(name)
        return (self.gpio, number) if number is not None else super().output_pin(name)

    # Resets

    def reset_by_software(self) -> None:
        """The reset that comes next is one that the core was asked for, by firmware or a debugger (SYSRESETREQ)."""
        self.power.next_reset(RESET_BY_SOFTWARE)

    def _request_reset(self) -> None:
        self.reset_by_software()
        self.request_reset()

    # Memory

    def store(self, address: int, size: int, value: int) -> bool:
        """See `Chip`: to flash, through the NVMC."""
        if address + size > FLASH_BYTES:
            return False
        try:
            self.nvmc.store_flash(address, size, value)
        except BusError as error:
            self._refused[self.core.read_register("pc") & ~1] = (address, str(error))
            return False
        return True

    def settle(self) -> None:
        """See `Part`: the NVMC never works where a debugger could see it, as core and bus stand still meanwhile."""

    def debugger_reads(self, address: int, *, running: bool) -> None:
        """See `settle`."""

    def lose_power(self, seed: int) -> None:
        """See `settle`: no operation is torn."""
