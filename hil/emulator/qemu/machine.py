"""The QEMU machine: an nRF51 board (QEMU's only Cortex-M0 machine), controlled through its gdb stub.

What QEMU 7.2 does not do, and is done here:

* It ends itself when the core locks up. A breakpoint on a HardFault vector that leads nowhere catches the lockup of a
  blank or broken vector table: the core is held there and RAM stays readable. A fault *inside* a working HardFault
  handler still ends QEMU; its registers are then taken from what it printed, and the RAM is lost.
* It takes BKPT for a fault even under a debugger: breakpoints stand in for it, see `breakpoints`.
* It forgets the flash at its end: the image is read before every reset, resume after flashing, and power cut.
* Its stub drops writes to peripherals: see `injection`.
* It cannot step a core that sleeps in WFI: see `stepper`. What halts it for a moment only lets it sleep on.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import Access, CoreState, HaltReason, MachineError, MachineSpec, MemoryFault, Status
from hil.emulator.qemu.breakpoints import Breakpoints, is_watch_reply
from hil.emulator.qemu.gdb_rsp import GdbClosedError, GdbRemote, GdbReplyError, is_stop_reply
from hil.emulator.qemu.injection import SPECIAL, XPSR, Injector
from hil.emulator.qemu.nrf51_flash import FlashCopy
from hil.emulator.qemu.process import QemuProcess, dumped_registers, lockup_reason
from hil.emulator.uart import UartStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.emulator.qemu.stepper import Stepper

_NUMBERS: Final = {**{f"r{n}": n for n in range(13)}, "sp": 13, "lr": 14, "pc": 15, "xpsr": XPSR}
_PLACES: Final = {**_NUMBERS, "xpsr": 16}  # in the ``g`` packet
_INTERRUPT: Final = b"T02"
_PERIPHERALS: Final = range(0x40000000, 0x60000000)
_SYSTEM_CONTROL: Final = range(0xE000E000, 0xE000F000)


class _LockupError(MachineError):
    """The core locked up, and QEMU ended with it."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message, cause=detail, hint="reset the board")


class QemuMachine:
    """A `hil.emulator.machine.OwnedMachine` on QEMU. Used from one thread.

    Args:
        spec: the board's facts.
        on_flash: called with the whole flash when it was found changed.
    """

    def __init__(self, spec: MachineSpec, on_flash: Callable[[bytes], None]) -> None:
        self._spec = spec
        self._flash = FlashCopy(spec, on_flash)
        self._process: QemuProcess | None = None
        self._status = Status(CoreState.OFF)
        self._registers: tuple[int, ...] | None = None
        self._post_mortem: dict[str, int] = {}
        self._stops = Breakpoints(spec)
        self.uart = UartStream()

    # Power

    def power_on(self) -> None:
        """See `Machine`."""
        if self._status.state is CoreState.OFF:
            self._start()
            self.resume()

    def power_off(self) -> None:
        """See `Machine`."""
        if self._process is None:
            self._status = Status(CoreState.OFF)
            return
        try:
            with self._stopped():
                self._take_flash()
        finally:
            self._drop_process()
            self._status = Status(CoreState.OFF)

    def close(self) -> None:
        """Power off and give up the UART stream."""
        try:
            self.power_off()
        finally:
            self.uart.close()

    def wake_uart(self) -> None:
        """See `OwnedMachine`."""
        if self._process:
            self._process.wake()

    # Run control

    def status(self) -> Status:
        """See `Machine`."""
        self.poll()
        return self._status

    def event_fd(self) -> int | None:
        """See `OwnedMachine`."""
        return self._process.gdb.fileno() if self._process else None

    def poll(self) -> None:
        """See `OwnedMachine`."""
        if self._process and self._process.gdb.pending():
            # An end of QEMU is noted in the status, from where the next operation reports it.
            with suppress(MachineError), self._watched() as gdb:
                self._note_stop(gdb.receive())

    def halt(self) -> None:
        """See `Machine`."""
        self.poll()
        if self._status.state is CoreState.RUNNING:
            with suppress(_LockupError):
                self._interrupt()
        if self._status.state is CoreState.LOCKUP:
            if self._process is None:
                self._revive()
            self._status = Status(CoreState.HALTED, HaltReason.REQUEST)

    def resume(self) -> None:
        """See `Machine`."""
        self.poll()
        if self._status.state is not CoreState.HALTED:
            return
        with suppress(_LockupError), self._watched() as gdb:
            if self._halts_at_bkpt(gdb) or self._stops_at_wake(gdb):
                return
            called = self._stops.arm(gdb, self.read_register("lr"))
            if called:
                self._flash.touched = True
            elif self._flash.touched:
                self._take_flash()
            self._continue()

    def step(self, *, mask_interrupts: bool = True) -> None:
        """See `Machine`."""
        self.poll()
        if self._status.state is not CoreState.HALTED:
            return
        with suppress(_LockupError), self._watched() as gdb:
            if self._halts_at_bkpt(gdb):
                return
            self._step(mask_interrupts=mask_interrupts)
            self._status = Status(CoreState.HALTED, HaltReason.STEP)

    def reset(self, *, halt: bool) -> None:
        """See `Machine`."""
        self.poll()
        self._require_power()
        if self._status.state is CoreState.RUNNING:
            with suppress(_LockupError):
                self._interrupt()
        if self._process is None:
            self._start()
        else:
            with self._watched() as gdb:
                self._take_flash()
                self.uart.forget_input()
                gdb.monitor("system_reset")
            self._registers = None
            self._status = Status(CoreState.HALTED, HaltReason.RESET)
        if not halt:
            self.resume()

    # Memory and registers

    def read_memory(self, address: int, size: int) -> bytes:
        """See `Machine`."""
        self.poll()
        if self._process is None and self._spec.in_flash(address, size):
            at = address - self._spec.flash_origin
            return self._flash.image[at : at + size]
        with self._stopped() as gdb:
            try:
                return gdb.read_memory(address, size)
            except GdbReplyError as error:
                raise MemoryFault(address) from error

    def write_memory(self, address: int, data: bytes) -> None:
        """See `Machine`."""
        with self._stopped() as gdb:
            if self._spec.in_ram(address, len(data)):
                gdb.write_memory(address, data)
                self._stops.note_write(gdb, address, data)
                return
            if not (address in _PERIPHERALS or address in _SYSTEM_CONTROL or self._spec.in_flash(address, len(data))):
                raise MemoryFault(address)
            self._registers = None
            self._flash.touched = True
            self._injector().store(address, data)

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        with self._watched() as gdb:
            self._require_halted()
            if name in SPECIAL:
                return self._injector().read_special(name)
            if self._registers is None:
                self._registers = gdb.read_registers()
            return self._registers[_PLACES[name]]

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        with self._watched() as gdb:
            self._require_halted()
            self._registers = None
            if name in SPECIAL:
                self._injector().write_special(name, value)
            else:
                gdb.write_register(_NUMBERS[name], value)

    # Breakpoints

    def set_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        with self._stopped() as gdb:
            self._stops.set_breakpoint(gdb, address)

    def remove_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        with self._stopped() as gdb:
            self._stops.remove_breakpoint(gdb, address)

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        with self._stopped() as gdb:
            self._stops.set_watchpoint(gdb, (address, size, access))

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        with self._stopped() as gdb:
            self._stops.remove_watchpoint(gdb, (address, size, access))

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        """See `Machine`."""
        self._stops.debugger = enabled
        self._stops.catch_hard_fault = enabled and catch_hard_fault
        if self._status.state is CoreState.RUNNING:
            with self._stopped() as gdb:
                self._stops.arm_fault_stop(gdb)

    def forget_debugger(self) -> None:
        """See `OwnedMachine`."""
        if self._process is not None:
            with self._stopped() as gdb:
                self._stops.clear(gdb)
                self._stops.arm_fault_stop(gdb)

    # Flash

    def flash_image(self) -> bytes:
        """See `Machine`."""
        if self._process is not None:
            with self._stopped():
                self._take_flash()
        return self._flash.image

    def set_flash_image(self, image: bytes) -> None:
        """See `Machine`."""
        if len(image) != self._spec.flash_bytes:
            raise MachineError(
                f"a flash image of {self._spec.board} has {self._spec.flash_bytes} bytes, not {len(image)}"
            )
        self._flash.replace(image)
        if self._process is not None:
            with self._stopped():
                self._flash.fill(self._stepper())
                self._registers = None

    # The process behind it

    def _start(self) -> None:
        """Start QEMU, fill its flash and stop before the first instruction."""
        self._process = QemuProcess(self._spec, self.uart.target)
        with self._watched() as gdb:
            gdb.handshake()
            self._flash.fill(self._process.stepper)
            gdb.monitor("system_reset")
            self._stops.insert_all(gdb)
        self._registers = None
        self._status = Status(CoreState.HALTED, HaltReason.RESET)

    def _revive(self) -> None:
        """After a lockup that ended QEMU: a new one with the registers it had, its RAM lost."""
        self._start()
        for name, value in self._post_mortem.items():
            self.write_register(name, value)
        # The stub takes no exception number; shown to who asks what happened, it is kept until the core moves on.
        self.read_register("pc")
        self._registers = (*(self._registers or ())[:-1], self._post_mortem["xpsr"])

    def _drop_process(self) -> None:
        if self._process is not None:
            self._process.close()
        self._process = None
        self._registers = None

    def _require_power(self) -> None:
        if self._status.state is CoreState.OFF:
            detail = f": {self._status.detail}" if self._status.detail else ""
            raise MachineError(f"emulated board {self._spec.board} has no power{detail}")

    def _require_halted(self) -> None:
        if self._status.state is not CoreState.HALTED:
            raise MachineError(f"the core of {self._spec.board} must be halted, it is {self._status.state.value}")

    def _halts_at_bkpt(self, gdb: GdbRemote) -> bool:
        if self._stops.at_bkpt(gdb, self.read_register("pc")):
            self._status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        return False

    def _stepper(self) -> Stepper:
        if self._process is None:
            raise GdbClosedError("QEMU has ended")
        return self._process.stepper

    def _injector(self) -> Injector:
        return Injector(self._stepper(), self._spec)

    def _step(self, *, mask_interrupts: bool) -> bytes:
        """Execute one instruction of a stopped core, with the stop reply."""
        stepper, pc = self._stepper(), self.read_register("pc")
        self._registers = None
        return stepper.step(
            mask_interrupts=mask_interrupts, keep_awake=stepper.may_sleep(pc) or stepper.may_sleep(pc + 2)
        )

    def _stops_at_wake(self, gdb: GdbRemote) -> bool:
        """Have a core that was halted asleep in WFI go on behind it; true where it stops again within an instruction.

        A debugger that halts a sleeping core and lets it go wakes it, as on silicon: programs must expect a WFI that
        ends without an interrupt.
        """
        pc = self.read_register("pc")
        if not self._stepper().may_sleep(pc):
            return False
        if self._stops.at_breakpoint(pc):
            self._status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        reply = self._step(mask_interrupts=False)
        if is_watch_reply(reply):
            self._note_stop(reply)
            return True
        return self._halts_at_bkpt(gdb)

    @contextmanager
    def _watched(self) -> Iterator[GdbRemote]:
        """The stub; when QEMU ends meanwhile, the reason is taken down."""
        if self._process is None:
            self._require_power()
            raise _LockupError(
                f"RAM and registers of {self._spec.board} ended with the core's lockup", self._status.detail
            )
        try:
            yield self._process.gdb
        except GdbClosedError as error:
            messages = self._note_end(self._process)
            if self._status.state is CoreState.LOCKUP:
                raise _LockupError(f"the core of {self._spec.board} locked up", self._status.detail) from error
            raise MachineError("QEMU ended unexpectedly", cause=messages or str(error)) from error

    def _note_end(self, process: QemuProcess) -> str:
        """Reason and registers of a QEMU that has ended."""
        process.wait()
        messages = process.messages()
        reason = lockup_reason(messages)
        if reason:
            self._post_mortem = dumped_registers(messages)
            self._status = Status(CoreState.LOCKUP, detail=reason)
        else:
            self._status = Status(CoreState.OFF, detail=messages.partition("\n")[0] or "QEMU ended")
        self._drop_process()
        return messages

    @contextmanager
    def _stopped(self) -> Iterator[GdbRemote]:
        """The stub of a core that does not run for the time of the block, and runs on after it if it ran before."""
        self.poll()
        with self._watched() as gdb:
            ran = self._status.state is CoreState.RUNNING
            if ran:
                self._interrupt()
            try:
                yield gdb
            finally:
                # Only what was held for this block is let go: the core may have reached a breakpoint at the same time.
                if ran and self._status == Status(CoreState.HALTED, HaltReason.REQUEST):
                    self._continue()

    def _interrupt(self) -> None:
        """Stop a running core and note why it stopped."""
        with self._watched() as gdb:
            while self._status.state is CoreState.RUNNING:
                # A stop that meant nothing has let the core run on, and has used up the interrupt.
                gdb.interrupt()
                self._note_stop(gdb.receive())

    def _continue(self) -> None:
        with self._watched() as gdb:
            self._registers = None
            self._status = Status(CoreState.RUNNING)
            gdb.send(b"c")

    def _note_stop(self, packet: bytes) -> None:
        """Take a stop reply: what the core does from now on."""
        if not is_stop_reply(packet) or self._process is None:
            return
        gdb = self._process.gdb
        if packet.startswith(_INTERRUPT):
            self._status = Status(CoreState.HALTED, HaltReason.REQUEST)
        elif status := self._stops.classify(gdb, packet, gdb.read_registers()):
            self._status = status
        else:
            self._continue()

    def _take_flash(self) -> None:
        """Read the flash of a stopped core."""
        with self._watched() as gdb:
            self._flash.take(gdb)
