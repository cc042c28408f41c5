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
from hil.emulator.gdb.machine import GdbMachine
from hil.emulator.guards import require_power
from hil.emulator.machine import (
    CoreState,
    HaltReason,
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


class QemuMachine(GdbMachine):
    """A `hil.emulator.machine.OwnedMachine` on QEMU. Used from one thread.

    Args:
        spec: the board's facts.
        on_flash: called with the whole flash when it was found changed.
    """

    EMULATOR = "QEMU"
    _core: QemuCore

    def __init__(self, spec: MachineSpec, on_flash: Callable[[bytes], None]) -> None:
        stops = Breakpoints(spec)
        super().__init__(spec, QemuCore(spec, stops), stops)
        self._flash = FlashImage(spec, on_flash)
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

    # Flash

    def flash_image(self) -> bytes:
        """See `Machine`."""
        if self._core.has_process:
            with self._core.stopped():
                self._take_flash()
        return self._flash.image

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
