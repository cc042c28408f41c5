"""The Renode machine: an STM32L031 board, controlled through Renode's gdb server and its monitor.

Starting Renode takes seconds, so that one process stays for as long as the machine does: a power cut resets it, and
fills its RAM with noise. The flash is programmed by pyOCD's flash algorithm, through Renode's flash controller.

What Renode lets pass, unlike the chip: stores to flash that nobody has unlocked, accesses to where nothing is,
instructions of ARMv7-M. Firmware that needs any of these works here and not there. It has no cycles, and bytes take no
time on the wire.
"""

from __future__ import annotations

import random
import select
from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.breakpoints import Breakpoints
from hil.emulator.gdb.gdb_rsp import GdbReplyError
from hil.emulator.gdb.machine import GdbMachine
from hil.emulator.kept import KeptMemories
from hil.emulator.machine import (
    CoreState,
    HaltReason,
    MachineSpec,
    MemoryFault,
    Status,
    is_device,
)
from hil.emulator.renode.core import RenodeCore
from hil.emulator.renode.platform import EEPROM_BYTES, EEPROM_ORIGIN, PROGRAM_LOCK
from hil.emulator.renode.wire import Wire
from hil.emulator.uart import UartStream

if TYPE_CHECKING:
    from collections.abc import Callable


_NOISE_SEED: Final = 0x52454E4F  # what RAM holds at power-up: the same each time, and nothing to rely on
_LOCKED: Final = 3
_CPUID_AT: Final = 0xE000ED00
_CPUID: Final = (0x410CC601).to_bytes(
    4, "little"
)  # Cortex-M0+ r0p1 (ARM DDI 0484C, 4.1.1); Renode's core is a Cortex-M0


class RenodeMachine(GdbMachine):
    """A `hil.emulator.machine.OwnedMachine` on Renode. Used from one thread.

    Args:
        spec: the board's facts.
        on_kept: called with the whole flash and the data EEPROM behind it, when they were found changed.
    """

    EMULATOR = "Renode"
    _core: RenodeCore

    def __init__(self, spec: MachineSpec, on_kept: Callable[[bytes], None]) -> None:
        stops = Breakpoints(spec)
        super().__init__(spec, RenodeCore(spec, stops), stops)
        self._kept = KeptMemories(spec, (EEPROM_BYTES,), on_kept)
        self._touched = False  # its flash may have another content than was last read
        self._wire: Wire | None = None
        self._written = False  # by a debugger, to memory that may hold code
        self._ready = select.epoll()
        self.uart = UartStream()

    # Power

    def power_on(self) -> None:
        """See `Machine`."""
        if self._core.status.state is not CoreState.OFF:
            return
        if self._core.process is None:
            self._core.start(self._kept.flash, *self._kept.others)
            self._connect()
        self._core.status = Status(CoreState.HALTED, HaltReason.RESET)
        with self._core.watched() as gdb:
            noise = random.Random(_NOISE_SEED).randbytes(self._spec.ram_bytes)  # noqa: S311 # no secret
            gdb.write_memory(self._spec.ram_origin, noise)
        self._core.reset()
        self._touched = False
        self.resume()

    def power_off(self) -> None:
        """See `Machine`."""
        if self._core.process is not None and self._core.status.state is not CoreState.OFF:
            with self._core.stopped():
                self._take_kept()
                self._core.status = Status(CoreState.OFF)
        self._core.status = Status(CoreState.OFF)

    def close(self) -> None:
        """Power off, end Renode, and give up the UART stream."""
        try:
            self.power_off()
        finally:
            self._core.drop(Status(CoreState.OFF))
            self._ready.close()
            self.uart.close()

    def wake_uart(self) -> None:
        """See `OwnedMachine`; Renode notices by itself."""

    # Run control

    def restore(self, kept: bytes) -> None:
        """See `OwnedMachine`."""
        self._kept.restore(kept)

    def event_fd(self) -> int | None:
        """See `OwnedMachine`."""
        return self._ready.fileno() if self._core.process is not None else None

    def timeout_ms(self) -> int | None:
        """See `OwnedMachine`: bytes that found no room are tried again."""
        return 1 if self._wire is not None and self._wire.held else None

    def poll(self) -> None:
        """See `OwnedMachine`."""
        if self._wire is not None:
            self._wire.move()
        self._core.poll()

    def halt(self) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is CoreState.RUNNING:
            self._core.interrupt()
        elif self._core.status.state is CoreState.LOCKUP:
            self._core.status = Status(CoreState.HALTED, HaltReason.REQUEST)

    def resume(self) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is not CoreState.HALTED:
            return
        with self._core.watched() as gdb:
            if self._core.locks_up(gdb) or self._core.halts_at_bkpt(gdb) or self._core.stays_at_breakpoint(gdb):
                return
            self._look_at_code()
            called = self._stops.arm(gdb, gdb.read_register("lr"))
            if called:
                self._touched = True
            elif self._touched:
                self._take_kept()
            self._core.let_go()

    def step(self, *, mask_interrupts: bool = True) -> None:
        """See `Machine`."""
        self._core.poll()
        if self._core.status.state is not CoreState.HALTED:
            return
        with self._core.watched() as gdb:
            if not (self._core.locks_up(gdb) or self._core.halts_at_bkpt(gdb)):
                self._look_at_code()
                self._core.step(mask_interrupts=mask_interrupts)

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        """See `Machine`. Renode's RCC does not tell why it was reset."""
        del through_core
        with self._core.stopped():
            if self._touched:
                self._take_kept()
            if self._wire is not None:
                self._wire.forget()
            self.uart.forget_input()
            self._core.reset()
        if not halt:
            self.resume()

    # Memory and registers

    def read_memory(self, address: int, size: int) -> bytes:
        """See `Machine`."""
        if (address, size) == (_CPUID_AT, len(_CPUID)):
            return _CPUID
        with self._core.stopped() as gdb:
            try:
                return gdb.read_memory(address, size)
            except GdbReplyError as error:
                raise MemoryFault(address) from error

    def write_memory(self, address: int, data: bytes) -> None:
        """See `Machine`."""
        with self._core.stopped() as gdb:
            flash = self._spec.in_flash(address, len(data))
            if flash:
                locks = int.from_bytes(gdb.read_memory(PROGRAM_LOCK, 4), "little")
                self._touched = True
            if not (is_device(address) or self._spec.in_ram(address, len(data)) or (flash and not locks & _LOCKED)):
                raise MemoryFault(address)
            self._written |= not is_device(address)
            try:
                gdb.write_memory(address, data)
            except GdbReplyError as error:
                raise MemoryFault(address) from error
            if self._spec.in_ram(address, len(data)):
                self._stops.note_write(gdb, address, data)

    # What is kept

    @property
    def kept_bytes(self) -> int:
        """See `OwnedMachine`: flash and data EEPROM."""
        return self._kept.size

    def flash_image(self) -> bytes:
        """See `Machine`."""
        if self._core.status.state is not CoreState.OFF:
            with self._core.stopped():
                self._take_kept()
        return self._kept.flash

    def set_flash_image(self, image: bytes) -> None:
        """See `Machine`."""
        self._kept.replace_flash(image)
        self._touched = False
        if self._core.process is not None:
            if self._core.status.state is CoreState.OFF:
                self._core.fill(self._spec.flash_origin, image)
            else:
                with self._core.stopped():
                    self._core.fill(self._spec.flash_origin, image)

    def _connect(self) -> None:
        """Have the events of a Renode that was just started, and the bytes of its UART."""
        process = self._core.process
        if process is not None:
            self._ready.close()
            self._ready = select.epoll()
            self._wire = Wire(self.uart.target, process.uart)
            for fd in (process.fileno(), process.uart.fileno(), self.uart.target.fileno()):
                self._ready.register(fd, select.EPOLLIN)

    def _look_at_code(self) -> None:
        """Before a core goes on, after a debugger has written to its memory."""
        if self._written:
            self._core.forget_code()
            self._written = False

    def _take_kept(self) -> None:
        """Read what a stopped core keeps."""
        with self._core.watched() as gdb:
            flash = gdb.read_memory(self._spec.flash_origin, self._spec.flash_bytes)
            self._kept.replace(flash, [gdb.read_memory(EEPROM_ORIGIN, EEPROM_BYTES)])
        self._touched = False
