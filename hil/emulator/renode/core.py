"""The core in a Renode process: whether it runs, why it stopped, its registers, and how it is let go.

What Renode 1.15 does not do, and is done here: a vector table that leads nowhere is a lockup, which it does not know; a
step takes interrupts, so they are masked in PRIMASK for it; a BKPT halts nothing, so `Breakpoints` stand in for it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.breakpoints import Breakpoints, is_watch_reply
from hil.emulator.gdb.gdb_rsp import GdbClosedError, GdbReplyError, is_stop_reply
from hil.emulator.guards import require_halted, require_power
from hil.emulator.machine import CoreState, EmulatorEndedError, HaltReason, MachineSpec, Status
from hil.emulator.renode.gdb import NUMBERS, RenodeGdb
from hil.emulator.renode.platform import CONTENT, DEVICES, EEPROM_ORIGIN, load
from hil.emulator.renode.process import RenodeProcess
from hil.emulator.renode.waking import wake

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAUSED: Final = b"02"  # the signal of a stop that was asked for
_STEPPED: Final = b"S05"  # of a step; a breakpoint says more
_VECTORS: Final = 8
_LR_AT_RESET: Final = 0xFFFFFFFF
_THUMB: Final = 1 << 24
_CPS: Final = range(0xB660, 0xB680)  # the instructions that read or write PRIMASK, first halfword
_MSR: Final = range(0xF380, 0xF390)
_MRS: Final = 0xF3EF
_SPSEL: Final = 2
_IPSR: Final = 0x3F


class RenodeCore:
    """One core over the lives of the Renode processes that emulate it.

    Args:
        spec: the board's facts.
        stops: where the core stops.

    Attributes:
        status: what the core does, as far as it has been looked at.
    """

    def __init__(self, spec: MachineSpec, stops: Breakpoints) -> None:
        self._spec = spec
        self._stops = stops
        self.process: RenodeProcess | None = None
        self.status = Status(CoreState.OFF)

    @property
    def has_process(self) -> bool:
        """Whether there is a Renode."""
        return self.process is not None

    @property
    def gdb(self) -> RenodeGdb:
        """Renode's gdb server; to be used within `watched` or `stopped`."""
        if self.process is None:
            raise GdbClosedError("Renode has ended")
        return self.process.gdb

    def start(self, flash: bytes, eeprom: bytes) -> None:
        """Start Renode; its core is stopped, flash and data EEPROM are as given.

        Raises:
            MachineError: it is not installed or did not start.
        """
        self.process = RenodeProcess(self._spec)
        with self.watched() as gdb:
            gdb.monitor("start")
            self._stops.insert_all(gdb)
        self.fill(self._spec.flash_origin, flash)
        self.fill(EEPROM_ORIGIN, eeprom)

    def fill(self, origin: int, content: bytes) -> None:
        """Give a memory of a stopped core this content."""
        with self.watched() as gdb:
            if self.process is not None:
                (self.process.folder / CONTENT).write_bytes(content)
                gdb.command(load(self.process.folder, origin))

    def drop(self, status: Status) -> None:
        """End Renode; the core is then what ``status`` says."""
        if self.process is not None:
            self.process.close()
        self.process = None
        self.status = status

    @contextmanager
    def watched(self) -> Iterator[RenodeGdb]:
        """Its gdb server; when Renode ends meanwhile, the reason is taken down.

        Raises:
            MachineError: the board has no power, or Renode has ended.
        """
        if self.process is None:
            require_power(self._spec, self.status)
        try:
            yield self.gdb
        except GdbClosedError as error:
            words = self._note_end()
            raise EmulatorEndedError("Renode ended unexpectedly", cause=words) from error

    @contextmanager
    def stopped(self) -> Iterator[RenodeGdb]:
        """The server of a core that does not run for the time of the block, and runs on after it if it ran before."""
        self.poll()
        require_power(self._spec, self.status)
        with self.watched() as gdb:
            ran = self.status.state is CoreState.RUNNING
            if ran:
                self.interrupt()
            try:
                yield gdb
            finally:
                if ran and self.status == Status(CoreState.HALTED, HaltReason.REQUEST):
                    self.let_go()

    # Running and stopping

    def poll(self) -> None:
        """Take note of what Renode reported, without waiting and without raising."""
        if self.process is None:
            return
        if not self.process.drain():
            self._note_end()
            return
        with suppress(EmulatorEndedError), self.watched() as gdb:
            while gdb.pending():
                self._note_stop(gdb.receive())

    def interrupt(self) -> None:
        """Stop a running core and note why it stopped."""
        with self.watched() as gdb:
            while self.status.state is CoreState.RUNNING:
                gdb.interrupt()
                while not self._note_stop(gdb.receive()):
                    pass

    def let_go(self) -> None:
        """Let a stopped core run."""
        with self.watched() as gdb:
            gdb.settle()
            self.status = Status(CoreState.RUNNING)
            gdb.send(b"c")

    def forget_code(self) -> None:
        """Have a stopped core translate anew what a debugger may have written over: Renode does not notice."""
        with self.watched() as gdb:
            gdb.command("sysbus.cpu ClearTranslationCache")

    def stays_at_breakpoint(self, gdb: RenodeGdb) -> bool:
        """Whether there is a breakpoint where a stopped core is; its status says so then. Renode would go on there."""
        if self._stops.at_breakpoint(gdb.read_register("pc")):
            self.status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        return False

    def halts_at_bkpt(self, gdb: RenodeGdb) -> bool:
        """Whether the next instruction of a stopped core is a BKPT that must halt it; its status says so then."""
        if self._stops.at_bkpt(gdb, gdb.read_register("pc")):
            self.status = Status(CoreState.HALTED, HaltReason.BREAKPOINT)
            return True
        return False

    def locks_up(self, gdb: RenodeGdb) -> bool:
        """Whether a core that was just reset has nothing to run; its status says so then."""
        if self.status.reason is not HaltReason.RESET or self._spec.is_handler(gdb.read_register("pc") | 1):
            return False
        vector = int.from_bytes(gdb.read_memory(self._spec.flash_origin, _VECTORS)[4:], "little")
        self.status = Status(CoreState.LOCKUP, detail=f"lockup: no code to run at 0x{vector:08x}")
        return True

    def reset(self) -> None:
        """Reset a stopped core and all peripherals; it is stopped before its first instruction.

        One by one: Renode's command for the whole machine may never come back while a debugger holds the core.
        """
        with self.watched() as gdb:
            wake(gdb, self._spec)
            for device in DEVICES:
                gdb.command(f"sysbus.{device} Reset")
            gdb.settle()
            sp, pc = (int.from_bytes(word, "little") for word in self._vectors(gdb))
            at_reset = {"primask": 0, "control": 0, "xpsr": _THUMB, "sp": sp & ~3, "lr": _LR_AT_RESET, "pc": pc & ~1}
            for name, value in at_reset.items():
                gdb.write_register(NUMBERS[name], value)
            self.status = Status(CoreState.HALTED, HaltReason.RESET)

    def step(self, *, mask_interrupts: bool) -> None:
        """Execute one instruction of a stopped core."""
        with self.watched() as gdb:
            masks = mask_interrupts and not self._at_primask(gdb)
            before = gdb.read_register("primask") if masks else 0
            if masks:
                gdb.write_register(NUMBERS["primask"], 1)
            reply = gdb.step()
            if masks:
                gdb.write_register(NUMBERS["primask"], before)
            reason = HaltReason.WATCHPOINT if is_watch_reply(reply) else HaltReason.STEP
            self.status = Status(CoreState.HALTED, reason)

    # Registers of a halted core

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        with self.watched() as gdb:
            require_halted(self._spec, self.status)
            return gdb.read_register(_place(gdb, name))

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`. A core whose pc is set is awake."""
        with self.watched() as gdb:
            require_halted(self._spec, self.status)
            if name == "pc":
                wake(gdb, self._spec)
                value &= ~1
            gdb.write_register(NUMBERS[_place(gdb, name)], value)

    def _vectors(self, gdb: RenodeGdb) -> tuple[bytes, bytes]:
        table = gdb.read_memory(self._spec.flash_origin, _VECTORS)
        return table[:4], table[4:]

    def _at_primask(self, gdb: RenodeGdb) -> bool:
        try:
            word = int.from_bytes(gdb.read_memory(gdb.read_register("pc"), 2), "little")
        except GdbReplyError:
            return False
        return word in _CPS or word in _MSR or word == _MRS

    def _note_stop(self, packet: bytes) -> bool:
        """Take a stop reply of a running core; whether it was one that means something."""
        if packet.startswith(b"X"):
            self.status = Status(CoreState.HALTED, HaltReason.EMULATOR, "Renode gave the core up")
            return True
        if self.status.state is not CoreState.RUNNING or not is_stop_reply(packet) or packet == _STEPPED:
            return False
        if packet[1:3] == _PAUSED:
            self.status = Status(CoreState.HALTED, HaltReason.REQUEST)
        elif status := self._stops.classify(_Steps(self.gdb), packet):
            self.status = status
        else:
            self.let_go()
        return True

    def _note_end(self) -> str:
        """What a Renode that has ended said last."""
        words = f"it printed: {self.process.last_words()}" if self.process else self.status.detail
        self.drop(Status(CoreState.OFF, detail=f"Renode ended; {words}"))
        return words


def _place(gdb: RenodeGdb, name: str) -> str:
    """Where a register is: Renode has the stack pointer in use, and the other one."""
    if name not in {"msp", "psp"}:
        return name
    on_psp = gdb.read_register("control") & _SPSEL and not gdb.read_register("xpsr") & _IPSR
    return "sp" if (name == "psp") == bool(on_psp) else "other sp"


class _Steps:
    """What completes an access that was caught."""

    def __init__(self, gdb: RenodeGdb) -> None:
        self.gdb = gdb

    def step(self, *, mask_interrupts: bool, keep_awake: bool) -> bytes:
        """Execute one instruction; Renode's core never sleeps."""
        del mask_interrupts, keep_awake
        return self.gdb.step()
