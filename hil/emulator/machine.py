"""What an emulator backend offers: one Cortex-M0 board that can be powered, debugged and flashed.

Two protocols: `Machine` is what a debug probe needs, and what the client of a supervisor sees; `OwnedMachine` adds what
only the process that owns the emulator needs. A new backend has a class that fulfils it, see `hil.backends`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import BoardGoneError, RigError, TargetFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.emulator.activity_record import ActivityRecord
    from hil.emulator.spi_bus import SpiBus, SpiWiring
    from hil.emulator.uart import UartStream

REGISTERS = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "xpsr", "msp", "psp", "primask", "control")
"""Names of the core registers, in the order in which they are shown."""
ENDED_HINT: Final = "run again; where memory runs out, 'dmesg' names what was killed"
"""What to do about an emulator that has ended by itself."""
_PERIPHERALS: Final = range(0x40000000, 0x60000000)
_SYSTEM_CONTROL: Final = range(0xE000E000, 0xE000F000)


class CoreState(Enum):
    """What the core does now."""

    OFF = "off"
    RUNNING = "running"
    HALTED = "halted"
    LOCKUP = "lockup"


class HaltReason(Enum):
    """Why a halted core is halted."""

    REQUEST = "request"
    RESET = "reset"
    STEP = "step"
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    VECTOR_CATCH = "vector catch"
    EMULATOR = "emulator"
    """It cannot go on, `Status.detail` says why; a reset ends that, and nothing else."""


class Access(Enum):
    """Which data accesses a watchpoint catches."""

    READ = "read"
    WRITE = "write"
    ANY = "any"


@dataclass(frozen=True)
class Status:
    """State of the core.

    Attributes:
        reason: only when halted.
        detail: what led to a lockup or HardFault, or why the emulator cannot go on, in words.
        noticed: what the firmware has done since power-up that a chip bears, and that loses data or has no effect there
            too: a sentence each.
    """

    state: CoreState
    reason: HaltReason | None = None
    detail: str = ""
    noticed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MachineSpec:
    """The facts about a board that its emulator needs. Addresses and sizes in bytes.

    Attributes:
        part: name of its microcontroller, where the emulator has several.
        erased: what each byte of erased flash reads as.
        baud: what the host's serial port is set to, in bit/s.
        serial_pins: where that ends: TX and RX of the chip.
        paced: hold the board's time to the clock on the wall, where the emulator can.
        spi: pins of the chip that its SPI bus ends at; None without one.
        marker: name of the pin that the firmware raises around steps; empty without one.
        counter: descriptor of the file that cycles are counted in (`hil.cycles.counter_file`); -1 without.
        arguments: more for the emulator's command line.
        descriptors: what it must inherit for them.
    """

    board: str
    machine: str
    flash_origin: int
    flash_bytes: int
    ram_origin: int
    ram_bytes: int
    part: str = ""
    erased: int = 0xFF
    baud: int = 0
    serial_pins: Sequence[str] = ("", "")
    paced: bool = False
    spi: SpiWiring | None = None
    marker: str = ""
    counter: int = -1
    arguments: Sequence[str] = ()
    descriptors: Sequence[int] = ()

    def in_flash(self, address: int, size: int = 1) -> bool:
        """Whether all of ``size`` bytes at ``address`` are flash."""
        return self.flash_origin <= address and address + size <= self.flash_origin + self.flash_bytes

    def in_ram(self, address: int, size: int = 1) -> bool:
        """Whether all of ``size`` bytes at ``address`` are RAM."""
        return self.ram_origin <= address and address + size <= self.ram_origin + self.ram_bytes

    def is_handler(self, vector: int) -> bool:
        """Whether a vector can be jumped to: Thumb bit set, address in flash or RAM."""
        return bool(vector & 1) and (self.in_flash(vector - 1, 2) or self.in_ram(vector - 1, 2))


def is_device(address: int) -> bool:
    """Whether an address is one of the chip's peripherals, or of the core's own registers (ARMv6-M ARM, B3.1)."""
    return address in _PERIPHERALS or address in _SYSTEM_CONTROL


class MemoryFault(TargetFault):
    """A debug access to an address that answers with a bus fault."""

    def __init__(self, address: int) -> None:
        super().__init__(f"there is no memory at 0x{address:08x}")
        self.address = address


class MachineError(RigError):
    """The emulator cannot do this now, or has ended."""


class EmulatorEndedError(MachineError, BoardGoneError):
    """A board that had power has lost it, as its emulator has ended: whatever was going on has no verdict."""


class Machine(Protocol):
    """A board under debug. Memory and registers are readable while the core runs only where stated.

    All methods raise `MachineError` when the board has no power or its emulator has ended.
    """

    def power_on(self) -> None:
        """Power the board: the core starts from reset and runs. The flash is as it was."""

    def power_off(self) -> None:
        """Cut the power: RAM and registers are lost, the flash stays."""

    def status(self) -> Status:
        """What the core does; halts and lockups that happened since the last call are noticed here."""

    def halt(self) -> None:
        """Stop the core. A core in lockup becomes a halted one; one asleep in WFI wakes, `resume` goes on behind it."""

    def resume(self) -> None:
        """Let a halted core run. Into a vector table that cannot work it does not run: its state is then lockup."""

    def step(self, *, mask_interrupts: bool = True) -> None:
        """Execute one instruction of a halted core; WFI does not put it to sleep."""

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        """Reset the core and all peripherals.

        Args:
            halt: the core stops before its first instruction.
            through_core: a debugger has asked the core for it (AIRCR.SYSRESETREQ), as firmware can; otherwise it is the
                reset pin. A chip may tell its firmware which it was.
        """

    def read_memory(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes, also while the core runs (it is held for a moment).

        Raises:
            MemoryFault: there is nothing at that address.
        """

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes as a debugger does: flash takes no plain writes, peripherals see aligned accesses.

        Raises:
            MemoryFault: there is nothing at that address.
        """

    def read_register(self, name: str) -> int:
        """Value of one of `REGISTERS` of a halted core."""

    def write_register(self, name: str, value: int) -> None:
        """Set one of `REGISTERS` of a halted core."""

    def set_breakpoint(self, address: int) -> None:
        """Halt before the instruction at ``address`` (even) executes."""

    def remove_breakpoint(self, address: int) -> None:
        """Undo `set_breakpoint`; nothing happens where none is set."""

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        """Halt when data at ``address`` is accessed; ``size`` in bytes, a power of two."""

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        """Undo `set_watchpoint`; nothing happens where none is set."""

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        """Attach or detach a debugger: whether BKPT halts the core, and whether entering HardFault does."""

    def flash_image(self) -> bytes:
        """The whole flash, from its origin."""

    def set_flash_image(self, image: bytes) -> None:
        """Replace the whole flash. The core is not reset."""

    def record_activity(self, *, on: bool) -> None:
        """Record what the chip does (`hil.energy.activity`) from now on, anew; or no more. A power cut ends it.

        Raises:
            MachineError: the emulator cannot tell.
        """

    def take_activity(self) -> ActivityRecord:
        """What was recorded since it was taken last. The recording goes on.

        Raises:
            MachineError: nothing is recorded, or the emulator cannot tell.
        """


class OwnedMachine(Machine, Protocol):
    """What the supervisor needs besides: the UART, and to be told when the emulator wants attention."""

    @property
    def uart(self) -> UartStream:
        """The stream to the target's UART, the same one over power cycles."""

    @property
    def spi(self) -> SpiBus | None:
        """The SPI bus that the board is on, the same one over power cycles; None where the emulator has none."""

    @property
    def kept_bytes(self) -> int:
        """Size of all that the board keeps without power: its flash, and whatever else."""

    def restore(self, kept: bytes) -> None:
        """Take what was kept when the board had power last. It has none now."""

    def wake_uart(self) -> None:
        """Have the emulator take bytes that wait in `uart`, now that the UART may be ready for them."""

    def event_fd(self) -> int | None:
        """Descriptor that becomes readable when `poll` has something to do; None while there is none."""

    def timeout_ms(self) -> int | None:
        """When to call `poll` at the latest, in milliseconds; None where `event_fd` says so alone."""

    def poll(self) -> None:
        """Take note of what the emulator reported, without waiting and without raising."""

    def forget_debugger(self) -> None:
        """Remove every breakpoint and watchpoint, and detach: the debugger went without tidying up."""

    def close(self) -> None:
        """Power off for good and release everything."""
