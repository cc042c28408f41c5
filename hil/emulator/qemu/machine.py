"""The QEMU machine: an nRF51 board (QEMU's only Cortex-M0 machine), controlled through its gdb stub.

The core and what QEMU does with it is in `core`. Besides, QEMU forgets the flash at its end: the image is read before
every reset, resume after flashing, and power cut. Its stub drops writes to peripherals: see `injection`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hil.emulator.flash_image import FlashImage
from hil.emulator.gdb.breakpoints import Breakpoints
from hil.emulator.gdb.gdb_rsp import GdbReplyError
from hil.emulator.guards import require_power
from hil.emulator.machine import (
    Access,
    CoreState,
    HaltReason,
    MachineError,
    MachineSpec,
    MemoryFault,
    Status,
    is_device,
)
from hil.emulator.qemu.core import LockupError, QemuCore
from hil.emulator.qemu.injection import Injector
from hil.emulator.qemu.nrf51_flash import fill_flash, read_flash
from hil.emulator.uart import UartStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.activity_record import ActivityRecord
    from hil.emulator.spi_bus import SpiBus


class QemuMachine:
    """A `hil.emulator.machine.OwnedMachine` on QEMU. Used from one thread.

    Args:
        spec: the board's facts.
        on_flash: called with the whole flash when it was found changed.
    """

    def __init__(self, spec: MachineSpec, on_flash: Callable[[bytes], None]) -> None:
        self._spec = spec
        self._flash = FlashImage(spec, on_flash)
        self._stops = Breakpoints(spec)
        self._core = QemuCore(spec, self._stops)
        self.uart = UartStream()

    # Power

    def power_on(self) -> None:
        """See `Machine`."""
        if self._core.status.state is CoreState.OFF:
            self._start()
            self.resume()

    def power_off(self) -> None:
        """See `Machine`."""
        if not self._core.has_process:
            self._core.status = Status(CoreState.OFF)
            return
        try:
            with self._core.stopped():
                self._take_flash()
        finally:
            self._core.drop(Status(CoreState.OFF))

    def close(self) -> None:
        """Power off and give up the UART stream."""
        try:
            self.power_off()
        finally:
            self.uart.close()

    def wake_uart(self) -> None:
        """See `OwnedMachine`."""
        self._core.wake_uart()

    # Run control

    def status(self) -> Status:
        """See `Machine`."""
        self._core.poll()
        return self._core.status

    @property
    def spi(self) -> SpiBus | None:
        """See `OwnedMachine`: QEMU's nRF51 has no SPI slave."""
        return None

    @property
    def kept_bytes(self) -> int:
        """See `OwnedMachine`: the flash alone."""
        return self._spec.flash_bytes

    def restore(self, kept: bytes) -> None:
        """See `OwnedMachine`."""
        self.set_flash_image(kept)

    def event_fd(self) -> int | None:
        """See `OwnedMachine`."""
        return self._core.event_fd()

    def timeout_ms(self) -> int | None:
        """See `OwnedMachine`."""
        return None

    def poll(self) -> None:
        """See `OwnedMachine`."""
        self._core.poll()

    def halt(self) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is CoreState.RUNNING:
            with suppress(LockupError):
                self._core.interrupt()
        if self._core.status.state is CoreState.LOCKUP:
            if not self._core.has_process:
                self._revive()
            self._core.status = Status(CoreState.HALTED, HaltReason.REQUEST)

    def resume(self) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is not CoreState.HALTED:
            return
        with suppress(LockupError), self._core.watched() as gdb:
            if self._core.halts_at_bkpt(gdb) or self._core.stops_at_wake(gdb):
                return
            called = self._stops.arm(gdb, self.read_register("lr"))
            if called:
                self._flash.touched = True
            elif self._flash.touched:
                self._take_flash()
            self._core.let_go()

    def step(self, *, mask_interrupts: bool = True) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is not CoreState.HALTED:
            return
        with suppress(LockupError), self._core.watched() as gdb:
            if self._core.halts_at_bkpt(gdb):
                return
            self._core.step(mask_interrupts=mask_interrupts)

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        """See `Machine`. QEMU's nRF51 has no register that tells why it was reset."""
        del through_core
        self._core.poll()
        require_power(self._spec, self._core.status)
        if self._core.status.state is CoreState.RUNNING:
            with suppress(LockupError):
                self._core.interrupt()
        if not self._core.has_process:
            self._start()
        else:
            with self._core.watched() as gdb:
                self._take_flash()
                self.uart.forget_input()
                gdb.monitor("system_reset")
            self._core.forget_registers()
            self._core.status = Status(CoreState.HALTED, HaltReason.RESET)
        if not halt:
            self.resume()

    # Memory and registers

    def read_memory(self, address: int, size: int) -> bytes:
        """See `Machine`."""
        self._core.poll()
        if not self._core.has_process and self._spec.in_flash(address, size):
            return self._flash.read(address, size)
        with self._core.stopped() as gdb:
            try:
                return gdb.read_memory(address, size)
            except GdbReplyError as error:
                raise MemoryFault(address) from error

    def write_memory(self, address: int, data: bytes) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            if self._spec.in_ram(address, len(data)):
                gdb.write_memory(address, data)
                self._stops.note_write(gdb, address, data)
                return
            if not (is_device(address) or self._spec.in_flash(address, len(data))):
                raise MemoryFault(address)
            self._core.forget_registers()
            self._flash.touched = True
            Injector(self._core.stepper(), self._spec).store(address, data)

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        return self._core.read_register(name)

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        self._core.write_register(name, value)

    # Breakpoints

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

    # Flash

    def flash_image(self) -> bytes:
        """See `Machine`."""
        if self._core.has_process:
            with self._core.stopped():
                self._take_flash()
        return self._flash.image

    def record_activity(self, *, on: bool) -> None:
        """See `Machine`: QEMU knows no clocks, and does not say when its core sleeps."""
        del on
        raise MachineError(
            f"QEMU does not tell what the chip of board {self._spec.board} does (sleep, clocks, peripherals)",
            hint="take the twin, where the board's file has one: --backend twin",
        )

    def take_activity(self) -> ActivityRecord:
        """See `record_activity`."""
        self.record_activity(on=True)
        raise AssertionError

    def set_flash_image(self, image: bytes) -> None:
        """See `Machine`."""
        self._flash.replace(image)
        if self._core.has_process:
            with self._core.stopped():
                fill_flash(self._core.stepper(), self._spec, image)
                self._core.forget_registers()

    # The process behind it

    def _start(self) -> None:
        """Start QEMU, fill its flash and stop before the first instruction."""
        self._core.start(self.uart.target)
        with self._core.watched() as gdb:
            fill_flash(self._core.stepper(), self._spec, self._flash.image)
            self._flash.touched = False
            gdb.monitor("system_reset")
            self._stops.insert_all(gdb)
        self._core.forget_registers()
        self._core.status = Status(CoreState.HALTED, HaltReason.RESET)

    def _revive(self) -> None:
        """After a lockup that ended QEMU: a new one with the registers it had, its RAM lost."""
        self._start()
        self._core.restore_post_mortem()

    def _take_flash(self) -> None:
        """Read the flash of a stopped core."""
        with self._core.watched() as gdb:
            self._flash.replace(read_flash(gdb, self._spec))
