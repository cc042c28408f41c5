"""Breakpoints, watchpoints, BKPT instructions and fault stops of an emulated core, and what a stop at one means."""

from __future__ import annotations

from typing import Final, Protocol

from hil.emulator.gdb.gdb_rsp import GdbRemote, GdbReplyError
from hil.emulator.machine import Access, CoreState, HaltReason, MachineSpec, Status

_WATCH_KINDS: Final = {Access.WRITE: 2, Access.READ: 3, Access.ANY: 4}
_HARD_FAULT: Final = 3
_HARD_FAULT_VECTOR: Final = 4 * _HARD_FAULT
_IPSR_MASK: Final = 0x3F
_PC: Final = 15
_XPSR: Final = 16  # its place in the ``g`` packet
_BKPT: Final = 0xBE
_WATCH: Final = (b"watch:", b"rwatch:", b"awatch:")

Watchpoint = tuple[int, int, Access]


class Stepper(Protocol):
    """Steps a stopped core."""

    @property
    def gdb(self) -> GdbRemote:
        """Its stub."""

    def step(self, *, mask_interrupts: bool, keep_awake: bool) -> bytes:
        """Execute one instruction and return the stub's stop reply."""


class Breakpoints:
    """All the places where a core stops. The core is stopped when a method gets its stub.

    Args:
        spec: where flash and RAM are.
    """

    def __init__(self, spec: MachineSpec) -> None:
        self._spec = spec
        self._set: set[int] = set()
        self._watched: set[Watchpoint] = set()
        self._written_bkpts: set[int] = set()
        self._return_stop: int | None = None
        self._fault_stop: int | None = None
        self._fault_vector = 0  # as it was when the stop there was set
        self.debugger = False
        self.catch_hard_fault = False

    def insert_all(self, gdb: GdbRemote) -> None:
        """Insert everything that was set into a new stub."""
        self._written_bkpts.clear()
        self._return_stop = self._fault_stop = None
        for address in self._set:
            gdb.insert(0, address, 2)
        for address, size, access in self._watched:
            gdb.insert(_WATCH_KINDS[access], address, size)

    def set_breakpoint(self, gdb: GdbRemote, address: int) -> None:
        """Stop before the instruction at ``address``."""
        if address not in self._set:
            gdb.insert(0, address, 2)
            self._set.add(address)

    def remove_breakpoint(self, gdb: GdbRemote, address: int) -> None:
        """Undo `set_breakpoint`."""
        if address in self._set:
            gdb.remove(0, address, 2)
            self._set.remove(address)

    def set_watchpoint(self, gdb: GdbRemote, watchpoint: Watchpoint) -> None:
        """Stop when data is accessed."""
        if watchpoint not in self._watched:
            gdb.insert(_WATCH_KINDS[watchpoint[2]], *watchpoint[:2])
            self._watched.add(watchpoint)

    def remove_watchpoint(self, gdb: GdbRemote, watchpoint: Watchpoint) -> None:
        """Undo `set_watchpoint`."""
        if watchpoint in self._watched:
            gdb.remove(_WATCH_KINDS[watchpoint[2]], *watchpoint[:2])
            self._watched.remove(watchpoint)

    def clear(self, gdb: GdbRemote) -> None:
        """Remove everything that a debugger set, and detach it."""
        for address in [*self._set, *self._written_bkpts]:
            gdb.remove(0, address, 2)
        for address, size, access in self._watched:
            gdb.remove(_WATCH_KINDS[access], address, size)
        self._disarm(gdb)
        self._set.clear()
        self._written_bkpts.clear()
        self._watched.clear()
        self.debugger = self.catch_hard_fault = False

    def note_write(self, gdb: GdbRemote, address: int, data: bytes) -> None:
        """A debugger wrote to RAM: a halfword that is a BKPT becomes a stop, an overwritten one is none any more."""
        for gone in [at for at in self._written_bkpts if address - 2 < at < address + len(data)]:
            gdb.remove(0, gone, 2)
            self._written_bkpts.remove(gone)
        if len(data) == 2 and data[1] == _BKPT and address % 2 == 0:  # noqa: PLR2004 - a halfword
            gdb.insert(0, address, 2)
            self._written_bkpts.add(address)

    def at_breakpoint(self, pc: int) -> bool:
        """Whether a core must stop before the instruction at ``pc`` because a debugger set a breakpoint there."""
        return pc in self._set | self._written_bkpts

    def at_bkpt(self, gdb: GdbRemote, pc: int) -> bool:
        """Whether a debugger is attached and the next instruction is BKPT."""
        return self.debugger and self._is_bkpt(gdb, pc)

    def arm(self, gdb: GdbRemote, lr: int) -> bool:
        """Prepare for running on; true when a debugger called a function that will return into a BKPT."""
        self.arm_fault_stop(gdb)
        self._disarm(gdb)
        called = self.debugger and self._is_bkpt(gdb, lr & ~1)
        if called:
            self._return_stop = lr & ~1
            gdb.insert(0, self._return_stop, 2)
        return called

    def arm_fault_stop(self, gdb: GdbRemote) -> None:
        """Stop at the HardFault handler if it leads nowhere (a lockup), or if a debugger wants to see HardFaults."""
        vector = self._vector(gdb)
        wanted = vector & ~1 if self.catch_hard_fault or not self._spec.is_handler(vector) else None
        if wanted != self._fault_stop:
            if self._fault_stop is not None:
                gdb.remove(0, self._fault_stop, 2)
            if wanted is not None:
                gdb.insert(0, wanted, 2)
            self._fault_stop = wanted
        self._fault_vector = vector

    def classify(self, stepper: Stepper, packet: bytes) -> Status | None:
        """What a stop reply means; None when the core must simply run on."""
        gdb = stepper.gdb
        registers = gdb.read_registers()
        return_stop = self._return_stop
        self._disarm(gdb)
        if is_watch_reply(packet):
            self._complete_access(stepper)
            return Status(CoreState.HALTED, HaltReason.WATCHPOINT)
        pc = registers[_PC]
        if pc == self._fault_stop:
            in_fault = registers[_XPSR] & _IPSR_MASK == _HARD_FAULT
            if not self._spec.is_handler(self._fault_vector):
                what = (
                    f"HardFault whose vector is 0x{self._fault_vector:08x}"
                    if in_fault
                    else f"no code to run at 0x{pc:08x}"
                )
                return Status(CoreState.LOCKUP, detail=f"lockup: {what}")
            if in_fault:
                return Status(CoreState.HALTED, HaltReason.VECTOR_CATCH)
            if not self.at_breakpoint(pc):
                # The same code serves another exception: it cannot be told apart without stopping each time.
                gdb.remove(0, pc, 2)
                self._fault_stop = None
                return None
        if pc == return_stop or self.at_breakpoint(pc):
            return Status(CoreState.HALTED, HaltReason.BREAKPOINT)
        return Status(CoreState.HALTED, HaltReason.REQUEST)

    def _disarm(self, gdb: GdbRemote) -> None:
        """The stop at a called function's return has done its work."""
        if self._return_stop is not None:
            gdb.remove(0, self._return_stop, 2)
            self._return_stop = None

    def _complete_access(self, stepper: Stepper) -> None:
        """Execute the instruction whose access was caught: QEMU stops before it, the hardware after it."""
        gdb = stepper.gdb
        for address, size, access in self._watched:
            gdb.remove(_WATCH_KINDS[access], address, size)
        stepper.step(mask_interrupts=True, keep_awake=False)
        for address, size, access in self._watched:
            gdb.insert(_WATCH_KINDS[access], address, size)

    def _vector(self, gdb: GdbRemote) -> int:
        return int.from_bytes(gdb.read_memory(self._spec.flash_origin + _HARD_FAULT_VECTOR, 4), "little")

    def _is_bkpt(self, gdb: GdbRemote, address: int) -> bool:
        if address % 2 or not (self._spec.in_ram(address, 2) or self._spec.in_flash(address, 2)):
            return False
        try:
            return gdb.read_memory(address, 2)[1] == _BKPT
        except GdbReplyError:
            return False


def is_watch_reply(packet: bytes) -> bool:
    """Whether a stop reply says that a watchpoint was hit; QEMU stops before the access."""
    return any(word in packet for word in _WATCH)
