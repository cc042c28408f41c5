"""What the machines behind a gdb server share: what a debugger sets, and what such an emulator has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from hil.emulator.machine import Access, CoreState, MachineError, Status

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from hil.emulator.activity_record import ActivityRecord
    from hil.emulator.gdb.breakpoints import Breakpoints
    from hil.emulator.gdb.gdb_rsp import GdbRemote
    from hil.emulator.machine import MachineSpec
    from hil.emulator.spi_bus import SpiBus


class GdbCore(Protocol):
    """A core over the lives of the processes that emulate it.

    Attributes:
        status: what it does.
    """

    status: Status

    @property
    def has_process(self) -> bool:
        """Whether there is an emulator to talk to."""

    def stopped(self) -> AbstractContextManager[GdbRemote]:
        """The server of a core that does not run for the time of the block, and runs on after it if it ran before."""

    def poll(self) -> None:
        """Take note of what the server reported, without waiting and without raising."""

    def read_register(self, name: str) -> int:
        """See `Machine`."""

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""


class GdbMachine:
    """The part of a `hil.emulator.machine.OwnedMachine` that is the same for every emulator with a gdb server.

    Args:
        spec: the board's facts.
        core: its core.
        stops: what halts it.

    Attributes:
        EMULATOR: the emulator's name, for messages.
    """

    EMULATOR: ClassVar[str]

    def __init__(self, spec: MachineSpec, core: GdbCore, stops: Breakpoints) -> None:
        self._spec = spec
        self._core = core
        self._stops = stops

    def status(self) -> Status:
        """See `Machine`."""
        self._core.poll()
        return self._core.status

    @property
    def spi(self) -> SpiBus | None:
        """See `OwnedMachine`: none of the chips has an SPI slave there."""
        return None

    @property
    def kept_bytes(self) -> int:
        """See `OwnedMachine`: the flash alone."""
        return self._spec.flash_bytes

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        return self._core.read_register(name)

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        self._core.write_register(name, value)

    def set_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            self._stops.set_breakpoint(gdb, address)

    def remove_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            self._stops.remove_breakpoint(gdb, address)

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            self._stops.set_watchpoint(gdb, (address, size, access))

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            self._stops.remove_watchpoint(gdb, (address, size, access))

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        """See `Machine`."""
        self._stops.debugger = enabled
        self._stops.catch_hard_fault = enabled and catch_hard_fault
        if self._core.status.state is CoreState.RUNNING:
            with self._core.stopped() as gdb:
                self._stops.arm_fault_stop(gdb)

    def forget_debugger(self) -> None:
        """See `OwnedMachine`."""
        if self._core.has_process:
            with self._core.stopped() as gdb:
                self._stops.clear(gdb)
                self._stops.arm_fault_stop(gdb)

    def record_activity(self, *, on: bool) -> None:
        """See `Machine`: such an emulator knows no clocks, and does not say when its core sleeps."""
        del on
        what = "(sleep, clocks, peripherals)"
        raise MachineError(
            f"{self.EMULATOR} does not tell what the chip of board {self._spec.board} does {what}",
            hint="take the twin, where the board's file has one: --backend twin",
        )

    def take_activity(self) -> ActivityRecord:
        """See `record_activity`."""
        self.record_activity(on=True)
        raise AssertionError
