"""The core of a QEMU process: whether it runs, why it stopped, its registers, and how it is let go.

What QEMU 7.2 does not do, and is done here:

* It ends itself when the core locks up. A breakpoint on a HardFault vector that leads nowhere catches the lockup of a
  blank or broken vector table: the core is held there and RAM stays readable. A fault *inside* a working HardFault
  handler still ends QEMU; its registers are then taken from what it printed, and the RAM is lost.
* It takes BKPT for a fault even under a debugger: breakpoints stand in for it, see `breakpoints`.
* It cannot step a core that sleeps in WFI: see `stepper`. What halts it for a moment only lets it sleep on.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.breakpoints import Breakpoints, is_watch_reply
from hil.emulator.gdb.gdb_rsp import GdbClosedError, GdbRemote, is_stop_reply
from hil.emulator.guards import require_halted, require_power
from hil.emulator.machine import CoreState, HaltReason, MachineError, MachineSpec, Status
from hil.emulator.qemu.injection import SPECIAL, XPSR, Injector
from hil.emulator.qemu.process import QemuProcess, dumped_registers, lockup_reason

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from hil.emulator.qemu.stepper import Stepper

_NUMBERS: Final = {**{f"r{n}": n for n in range(13)}, "sp": 13, "lr": 14, "pc": 15, "xpsr": XPSR}
_PLACES: Final = {**_NUMBERS, "xpsr": 16}  # in the ``g`` packet
_INTERRUPT: Final = b"T02"
_SHOWN_LINES: Final = 5  # of what QEMU printed


class LockupError(MachineError):
    """The core locked up, and QEMU ended with it."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message, cause=detail, hint="reset the board")


class QemuCore:
    """One core over the lives of the QEMU processes that emulate it.

    Args:
        spec: the board's facts.
        stops: where the core stops.

    Attributes:
        status: what the core does, as far as it has been looked at.
    """

    def __init__(self, spec: MachineSpec, stops: Breakpoints) -> None:
        self._spec = spec
        self._stops = stops
        self._process: QemuProcess | None = None
        self._registers: tuple[int, ...] | None = None
        self._post_mortem: dict[str, int] = {}
        self.status = Status(CoreState.OFF)

    # The process

    @property
    def has_process(self) -> bool:
        """Whether there is a QEMU: not without power, nor after a lockup that ended it."""
        return self._process is not None

    def start(self, uart: socket.socket) -> None:
        """Start QEMU; its core is stopped and its flash is blank.

        Args:
            uart: QEMU's end of the UART stream.

        Raises:
            MachineError: it is not installed or did not start.
        """
        self._process = QemuProcess(self._spec, uart)
        with self.watched() as gdb:
            gdb.handshake()

    def drop(self, status: Status) -> None:
        """End QEMU; the core is then what ``status`` says."""
        if self._process is not None:
            self._process.close()
        self._process = None
        self._registers = None
        self.status = status

    def wake_uart(self) -> None:
        """Have QEMU look at its UART."""
        if self._process:
            self._process.wake()

    def event_fd(self) -> int | None:
        """See `OwnedMachine`."""
        return self._process.gdb.fileno() if self._process else None

    def stepper(self) -> Stepper:
        """What steps the core; it is used within `watched` or `stopped`."""
        if self._process is None:
            raise GdbClosedError("QEMU has ended")
        return self._process.stepper

    @contextmanager
    def watched(self) -> Iterator[GdbRemote]:
        """The stub; when QEMU ends meanwhile, the reason is taken down.

        Raises:
            LockupError: the core has locked up, now or before, and there is no QEMU any more.
            MachineError: the board has no power, or QEMU ended for another reason.
        """
        if self._process is None:
            require_power(self._spec, self.status)
            raise LockupError(
                f"RAM and registers of {self._spec.board} ended with the core's lockup", self.status.detail
            )
        try:
            yield self._process.gdb
        except GdbClosedError as error:
            messages = self._note_end(self._process)
            if self.status.state is CoreState.LOCKUP:
                raise LockupError(f"the core of {self._spec.board} locked up", self.status.detail) from error
            raise MachineError("QEMU ended unexpectedly", cause=messages or str(error)) from error

    @contextmanager
    def stopped(self) -> Iterator[GdbRemote]:
        """The stub of a core that does not run for the time of the block, and runs on after it if it ran before."""
        self.poll()
        with self.watched() as gdb:
            ran = self.status.state is CoreState.RUNNING
            if ran:
                self.interrupt()
            try:
                yield gdb
            finally:
                # Only what was held for this block is let go: the core may have reached a breakpoint at the same time.
                if ran and self.status == Status(CoreState.HALTED, HaltReason.REQUEST):
                    self.let_go()

    # Running and stopping

    def poll(self) -> None:
        """Take note of what the stub reported, without waiting and without raising."""
        if self._process and self._process.gdb.pending():
            # An end of QEMU is noted in the status, from where the next operation reports it.
            with suppress(MachineError), self.watched() as gdb:
                self._note_stop(gdb.receive())

    def interrupt(self) -> None:
        """Stop a running core and note why it stopped."""
        with self.watched() as gdb:
            while self.status.state is CoreState.RUNNING:
                # A stop that meant nothing has let the core run on, and has used up the interrupt.
                gdb.interrupt()
                self._note_stop(gdb.receive())

    def let_go(self) -> None:
        """Let a stopped core run."""
        with self.watched() as gdb:
            self._registers = None
            self.status = Status(CoreState.RUNNING)
            gdb.send(b"c")

    def halts_at_bkpt(self, gdb: GdbRemote) -> bool:
        """Whether the next instruction of a stopped core is a BKPT that must halt it; its status says so then."""
        if self._stops.at_bkpt(gdb, self.read_register("pc")):
            self.status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        return False

    def stops_at_wake(self, gdb: GdbRemote) -> bool:
        """Have a core that was halted asleep in WFI go on behind it; true where it stops again within an instruction.

        A debugger that halts a sleeping core and lets it go wakes it, as on silicon: programs must expect a WFI that
        ends without an interrupt.
        """
        pc = self.read_register("pc")
        if not self.stepper().may_sleep(pc):
            return False
        if self._stops.at_breakpoint(pc):
            self.status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        reply = self._step(mask_interrupts=False)
        if is_watch_reply(reply):
            self._note_stop(reply)
            return True
        return self.halts_at_bkpt(gdb)

    def step(self, *, mask_interrupts: bool) -> None:
        """Execute one instruction of a stopped core."""
        reply = self._step(mask_interrupts=mask_interrupts)
        if is_watch_reply(reply):
            self._note_stop(reply)
        else:
            self.status = Status(CoreState.HALTED, HaltReason.STEP)

    # Registers of a halted core

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        with self.watched() as gdb:
            require_halted(self._spec, self.status)
            if name in SPECIAL:
                return Injector(self.stepper(), self._spec).read_special(name)
            if self._registers is None:
                self._registers = gdb.read_registers()
            return self._registers[_PLACES[name]]

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        with self.watched() as gdb:
            require_halted(self._spec, self.status)
            self._registers = None
            if name in SPECIAL:
                Injector(self.stepper(), self._spec).write_special(name, value)
            else:
                gdb.write_register(_NUMBERS[name], value)

    def forget_registers(self) -> None:
        """The registers may have changed."""
        self._registers = None

    def restore_post_mortem(self) -> None:
        """Give a halted core the registers with which the one before it locked up."""
        for name, value in self._post_mortem.items():
            self.write_register(name, value)
        # The stub takes no exception number; shown to who asks what happened, it is kept until the core moves on.
        self.read_register("pc")
        self._registers = (*(self._registers or ())[:-1], self._post_mortem["xpsr"])

    def _step(self, *, mask_interrupts: bool) -> bytes:
        """Execute one instruction of a stopped core, with the stop reply."""
        stepper, pc = self.stepper(), self.read_register("pc")
        self._registers = None
        keep_awake = stepper.may_sleep(pc) or stepper.may_sleep(pc + 2)
        return stepper.step(mask_interrupts=mask_interrupts, keep_awake=keep_awake)

    def _note_stop(self, packet: bytes) -> None:
        """Take a stop reply: what the core does from now on."""
        if not is_stop_reply(packet):
            return
        if packet.startswith(_INTERRUPT):
            self.status = Status(CoreState.HALTED, HaltReason.REQUEST)
        elif status := self._stops.classify(self.stepper(), packet):
            self.status = status
        else:
            self.let_go()

    def _note_end(self, process: QemuProcess) -> str:
        """Reason and registers of a QEMU that has ended."""
        code = process.wait()
        messages = process.messages()
        reason = lockup_reason(messages)
        if reason:
            self._post_mortem = dumped_registers(messages)
            self.drop(Status(CoreState.LOCKUP, detail=reason))
        else:
            how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
            printed = " | ".join(messages.splitlines()[-_SHOWN_LINES:]) or "nothing"
            self.drop(Status(CoreState.OFF, detail=f"QEMU ended ({how}); it printed: {printed}"))
        return messages
