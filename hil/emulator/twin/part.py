"""What `TwinMachine` and its buses need of a chip, whichever part it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence
    from fractions import Fraction

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.core import Core, Stop
    from hil.emulator.twin.recorder import Recorder
    from hil.emulator.twin.registers import Peripheral
    from hil.emulator.twin.spi_master import Master


class Serial(Protocol):
    """The line of the board's serial port.

    Attributes:
        to_host: bytes that have arrived at the host's end.
    """

    to_host: bytearray

    def send(self, data: bytes) -> None:
        """The host sends."""


class Part(Protocol):
    """A chip; see `hil.emulator.twin.chip.Chip` for what is not said here.

    Attributes:
        core: executes.
        trouble: why the chip cannot go on.
        notes: what the firmware did that loses data on silicon too.
        recorder: of its activity, where that is recorded.
    """

    core: Core
    trouble: str
    notes: dict[str, str]
    recorder: Recorder | None

    @property
    def serial(self) -> Serial:
        """The board's serial port."""

    @property
    def spi_master(self) -> Master:
        """On the SPI pins that `connect_spi` named."""

    @property
    def flash_content(self) -> ctypes.Array[ctypes.c_uint8]:
        """The flash, shared with the core."""

    @property
    def ram_content(self) -> ctypes.Array[ctypes.c_uint8]:
        """RAM, shared with the core."""

    @property
    def kept_content(self) -> Sequence[ctypes.Array[ctypes.c_uint8]]:
        """Further memories that keep their content without power."""

    @property
    def in_hard_fault(self) -> bool:
        """Whether HardFault's handler runs, or was interrupted."""

    def now(self) -> int:
        """Cycles of the core's clock since power-up."""

    def seconds(self) -> Fraction:
        """Time since power-up."""

    def cycles(self, seconds: Fraction) -> int:
        """Cycles that a time takes."""

    def run(self, horizon: int) -> Stop:
        """Run up to a cycle."""

    def step(self, *, mask_interrupts: bool) -> Stop:
        """Execute one instruction."""

    def reset(self) -> None:
        """Reset everything but the clock and the memories' content."""

    def fault_words(self) -> str:
        """What raised the latest HardFault, in words."""

    def peripheral_at(self, address: int) -> Peripheral | None:
        """Whose registers lie at an address."""

    def store(self, address: int, size: int, value: int) -> bool:
        """A store to memory that takes no plain ones; False for a bus fault."""

    def reset_by_software(self) -> None:
        """The reset that comes next is one that the core was asked for (SYSRESETREQ)."""

    def connect_spi(self, wiring: SpiWiring) -> None:
        """Have the SPI bus end at these pins.

        Raises:
            ValueError: the chip has no such pins, or not for that.
        """

    def debugger_reads(self, address: int, *, running: bool) -> None:
        """A debugger is about to read there, and waits on the bus; a halted core's time stands still, others' not."""

    def record(self, marker: str = "") -> Recorder:
        """Record the activity from now on.

        Raises:
            ValueError: there is no pin of the marker's name.
        """

    def stop_recording(self) -> None:
        """Record no more."""

    def settle(self) -> None:
        """Let the time pass that the memories' operation under way takes."""

    def lose_power(self, seed: int) -> None:
        """The power goes: the seed decides about bits of an operation under way."""
