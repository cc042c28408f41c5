"""The twin's core: Unicorn and the engine around it, as one object.

Nothing here knows a chip: memories, timing and peripherals come from outside. Two facts about Unicorn 2.1.4 that cost
hours, and are relied on here: with ``UC_MODE_MCLASS`` it ignores the CPU model asked for and takes a Cortex-M33, so that
ARMv7-M code and unaligned accesses pass; with ``UC_MODE_THUMB`` alone it is a Cortex-M0. And in callbacks of an access its PC is
that of the block's start, but for accesses that a memory hook covers.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Self

import unicorn
from unicorn import arm_const

from hil.emulator.machine import MachineError
from hil.emulator.twin.library import engine_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INTERRUPTS: Final = 32
_LEVELS: Final = 16
_EXCEPTIONS: Final = 16 + INTERRUPTS
FAR: Final = (1 << 63) - 1
"""A cycle that no run reaches."""

_REGISTERS: Final = {
    **{f"r{n}": getattr(arm_const, f"UC_ARM_REG_R{n}") for n in range(13)},
    "sp": arm_const.UC_ARM_REG_SP,
    "lr": arm_const.UC_ARM_REG_LR,
    "pc": arm_const.UC_ARM_REG_PC,
    "xpsr": arm_const.UC_ARM_REG_XPSR,
    "msp": arm_const.UC_ARM_REG_MSP,
    "psp": arm_const.UC_ARM_REG_PSP,
    "primask": arm_const.UC_ARM_REG_PRIMASK,
    "control": arm_const.UC_ARM_REG_CONTROL,
}
_FUNCTIONS: Final = ("emu_start", "emu_stop", "reg_read", "reg_write", "mem_read", "mem_write", "ctl", "hook_add")


class Stop(Enum):
    """Why the core stopped, ``enum engine_stop``."""

    DUE = 0
    ASLEEP = 1
    STEPPED = 2
    BREAKPOINT = 3
    BKPT = 4
    VECTOR_CATCH = 5
    WATCHPOINT = 6
    STORE = 7
    LOCKUP = 8
    FAILED = 9


_STOPS: Final = tuple(Stop)

FAULTS: Final = (
    "no fault",
    "an instruction that ARMv6-M does not have",
    "an unaligned access",
    "an access to an address where nothing is",
    "execution of an address where no code is",
    "a jump to an address without the Thumb bit",
    "SVC where it cannot be taken",
    "BKPT without a debugger",
    "a stack that lies outside of memory",
    "a return from an exception that is not active",
)
"""What raised a HardFault, by ``enum engine_fault``."""


@dataclass(frozen=True)
class CodeMemory:
    """A memory that can hold code.

    Attributes:
        origin: first address; ``aliases`` are further addresses of the same memory.
        data: the content, shared with the emulator.
        fetch_wait: cycles that a word of code adds when execution jumps to it; ``sequential_wait`` when it follows.
        writable: by plain stores; otherwise stores stop the core with `Stop.STORE`.
    """

    origin: int
    data: ctypes.Array[ctypes.c_uint8]
    aliases: tuple[int, ...] = ()
    fetch_wait: int = 0
    sequential_wait: int = 0
    writable: bool = True


@dataclass(frozen=True)
class CoreTiming:
    """Cycles that the core takes: which table, the multiplier's, and those of exceptions."""

    core: int
    multiply: int
    enter: int
    leave: int
    chain: int


@dataclass(frozen=True)
class Store:
    """One store of an instruction: address, size in bytes, value."""

    address: int
    bytes: int
    value: int


_OnRead = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p)
_OnWrite = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p
)


class Shared(ctypes.Structure):
    """``struct engine_shared``."""

    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("clock", "instructions", "horizon", "soft_horizon")),
        *((name, ctypes.c_uint32) for name in ("pending", "enabled", "lines", "system_pending", "active")),
        *((name, ctypes.c_uint32) for name in ("vector_table", "system_control", "debug", "asleep", "event")),
        *((name, ctypes.c_uint32) for name in ("skip_breakpoint", "fault", "fault_pc", "fault_address")),
        ("stop_address", ctypes.c_uint32),
        ("failure", ctypes.c_int32),
        ("level", ctypes.c_uint16 * _LEVELS),
        ("priority", ctypes.c_uint8 * _EXCEPTIONS),
        ("taken", ctypes.c_uint64 * _EXCEPTIONS),
    )
    clock: int
    instructions: int
    horizon: int
    soft_horizon: int
    pending: int
    enabled: int
    lines: int
    system_pending: int
    active: int
    vector_table: int
    system_control: int
    debug: int
    asleep: int
    event: int
    skip_breakpoint: int
    fault: int
    fault_pc: int
    fault_address: int
    stop_address: int
    failure: int
    level: ctypes.Array[ctypes.c_uint16]
    priority: ctypes.Array[ctypes.c_uint8]
    taken: ctypes.Array[ctypes.c_uint64]


class _Memory(ctypes.Structure):
    _fields_ = (
        ("origin", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
        ("fetch_wait", ctypes.c_uint32),
        ("sequential_wait", ctypes.c_uint32),
        ("writable", ctypes.c_bool),
    )


class _Unicorn(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_void_p) for name in (*_FUNCTIONS, "hook_del"))


class _Words(ctypes.Structure):
    """Five words: the cost model (two) and the timing of exceptions (three)."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in ("core", "multiply", "enter", "leave", "chain"))


class _Store(ctypes.Structure):
    _fields_ = (("address", ctypes.c_uint32), ("bytes", ctypes.c_uint32), ("value", ctypes.c_uint32))
    address: int
    bytes: int
    value: int


class Core:
    """A Cortex-M0+ with its memories and clock, as a context manager. Used from one thread.

    Args:
        memories: what it executes from and keeps data in.
        timing: what its instructions and exceptions cost.
    """

    def __init__(self, memories: Sequence[CodeMemory], timing: CoreTiming) -> None:
        self._callbacks: list[object] = []  # they live as long as this does
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M0)
        self._memories = memories  # the buffers live as long as this does
        self._lib = _load()
        places = [(origin, each) for each in memories for origin in (each.origin, *each.aliases)]
        for origin, memory in places:
            access = unicorn.UC_PROT_ALL if memory.writable else unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
            self._uc.mem_map_ptr(origin, len(memory.data), access, memory.data)
        table = (_Memory * len(places))(
            *(
                _Memory(
                    origin,
                    len(each.data),
                    ctypes.addressof(each.data),
                    each.fetch_wait,
                    each.sequential_wait,
                    each.writable,
                )
                for origin, each in places
            )
        )
        functions = _Unicorn(*(_address(name) for name in (*_FUNCTIONS, "hook_del")))
        words = _Words(timing.core, timing.multiply, timing.enter, timing.leave, timing.chain)
        self._handle = self._uc._uch  # noqa: SLF001 # the only one there is
        self._mmio_map = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint64,
            ctypes.c_size_t,
            _OnRead,
            ctypes.c_void_p,
            _OnWrite,
            ctypes.c_void_p,
        )(_address("mmio_map"))
        self._engine = self._lib.engine_open(
            self._handle,
            ctypes.byref(functions),
            ctypes.byref(words),
            ctypes.byref(words, 8),
            table,
            len(places),
        )
        if not self._engine:
            raise MachineError("the twin's engine does not start")
        self._run = self._lib.engine_run
        self._now = self._lib.engine_now
        self._reconsider = self._lib.engine_reconsider
        self.shared: Shared = self._lib.engine_shared(self._engine).contents

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release everything. Safe to repeat."""
        if self._engine:
            self._lib.engine_close(self._engine)
            self._engine = None

    def count(self, file: int) -> bool:
        """Count functions and calls in a counter's file at an address of this process; False where it is none."""
        return bool(self._lib.engine_count(self._engine, file))

    def book(self) -> None:
        """Book what was counted up to now: the core is idle."""
        self._lib.engine_book(self._engine)

    # Memory map

    def map_registers(
        self, origin: int, size: int, read: Callable[[int, int], int], write: Callable[[int, int, int], None]
    ) -> None:
        """Have accesses to a page of registers answered.

        Args:
            origin: first address, a multiple of 1024, as is ``size`` in bytes.
            read: offset and size to value.
            write: offset, size and value.
        """

        # Not by Unicorn's package, which has four calls where one will do: firmware lives on such accesses.
        callbacks = _OnRead(lambda _uc, at, size, _data: read(at, size)), _OnWrite(
            lambda _uc, at, size, value, _data: write(at, size, value)
        )
        self._callbacks.append(callbacks)
        failed = self._mmio_map(self._handle, origin, size, callbacks[0], None, callbacks[1], None)
        if failed:
            raise MachineError(f"the twin cannot map registers at 0x{origin:08x} (Unicorn's error {failed})")

    def read(self, address: int, size: int) -> bytes | None:
        """Read as a debugger does; None where nothing is."""
        try:
            return bytes(self._uc.mem_read(address, size))
        except unicorn.UcError:
            return None

    def write(self, address: int, data: bytes) -> bool:
        """Write as a debugger does, also to memory that takes no plain stores; False where nothing is."""
        try:
            self._uc.mem_write(address, data)
        except unicorn.UcError:
            return False
        self.forget_code(address, len(data))
        return True

    def forget_code(self, address: int, size: int) -> None:
        """The content of a memory that holds code has changed."""
        for memory in self._memories:
            for origin in (memory.origin, *memory.aliases):
                if memory.origin <= address < memory.origin + len(memory.data):
                    self._lib.engine_forget_code(self._engine, origin + address - memory.origin, size)

    # Run control

    def reset(self) -> None:
        """Reset the core: SP and PC from the vector table; the clock runs on."""
        self._lib.engine_reset(self._engine)

    def run(self, horizon: int, soft_horizon: int = FAR) -> Stop:
        """Run until the clock is at ``horizon`` (cycles), or something stops the core earlier.

        Args:
            horizon: the core stops behind the instruction that runs then.
            soft_horizon: it stops where the block of instructions ends that runs then.
        """
        shared = self.shared
        shared.horizon = horizon
        shared.soft_horizon = soft_horizon
        return _STOPS[self._run(self._engine)]

    def step(self, *, mask_interrupts: bool) -> Stop:
        """Execute one instruction."""
        return Stop(self._lib.engine_step(self._engine, mask_interrupts))

    def now(self) -> int:
        """The clock in cycles, exact also from within an access by the running instruction."""
        now: int = self._now(self._engine)
        return now

    def reconsider(self) -> None:
        """From within an access: something may be due now."""
        self._reconsider(self._engine)

    def read_register(self, name: str) -> int:
        """Value of a core register, by its name in `hil.emulator.machine.REGISTERS`."""
        value = self._uc.reg_read(_REGISTERS[name])
        return int(value) & 0xFFFFFFFF

    def write_register(self, name: str, value: int) -> None:
        """Set a core register."""
        self._uc.reg_write(_REGISTERS[name], value)

    # Stores that stopped the core

    def stores(self) -> list[Store]:
        """What the store at PC wants to write, in order."""
        found = (_Store * 9)()
        count = self._lib.engine_stores(self._engine, found)
        return [Store(each.address, each.bytes, each.value) for each in found[:count]]

    def store_done(self) -> None:
        """The store at PC has been carried out."""
        self._lib.engine_store_done(self._engine)

    def store_fault(self) -> None:
        """The store at PC ends in a bus fault."""
        self._lib.engine_store_fault(self._engine)

    # Debugging

    def breakpoint(self, address: int, *, on: bool) -> bool:
        """Set or remove a breakpoint; False where no code can be."""
        places = [
            origin + address - base
            for memory in self._memories
            for base in (memory.origin, *memory.aliases)
            for origin in (memory.origin, *memory.aliases)
            if base <= address < base + len(memory.data)
        ]
        return any([self._lib.engine_breakpoint(self._engine, place, on) for place in places])

    def watch(self, address: int, size: int, kinds: int) -> bool:
        """Set a watchpoint: kinds 1 read, 2 write, 3 both; False when there are too many."""
        return bool(self._lib.engine_watch(self._engine, address, size, kinds))

    def unwatch(self, address: int, size: int, kinds: int) -> bool:
        """Remove a watchpoint."""
        return bool(self._lib.engine_unwatch(self._engine, address, size, kinds))


def _address(name: str) -> int:
    """Address of a function of libunicorn, as its Python package has loaded it."""
    from unicorn.unicorn_py3.unicorn import uclib  # noqa: PLC0415 # the package offers it under no other name

    return int(ctypes.cast(getattr(uclib, f"uc_{name}"), ctypes.c_void_p).value or 0)


def _load() -> ctypes.CDLL:
    lib = ctypes.CDLL(str(engine_path()))
    pointer, word = ctypes.c_void_p, ctypes.c_uint32
    lib.engine_open.restype = pointer
    lib.engine_open.argtypes = (pointer, pointer, pointer, pointer, pointer, word)
    lib.engine_shared.restype = ctypes.POINTER(Shared)
    lib.engine_now.restype = ctypes.c_uint64
    lib.engine_count.argtypes = (pointer, pointer)
    lib.engine_count.restype = ctypes.c_bool
    lib.engine_step.argtypes = (pointer, ctypes.c_bool)
    lib.engine_stores.argtypes = (pointer, pointer)
    lib.engine_forget_code.argtypes = (pointer, word, word)
    lib.engine_breakpoint.argtypes = (pointer, word, ctypes.c_bool)
    lib.engine_breakpoint.restype = ctypes.c_bool
    for name in ("watch", "unwatch"):
        function = getattr(lib, f"engine_{name}")
        function.argtypes = (pointer, word, word, word)
        function.restype = ctypes.c_bool
    for name in ("close", "shared", "reset", "run", "now", "reconsider", "store_done", "store_fault", "book"):
        getattr(lib, f"engine_{name}").argtypes = (pointer,)
    return lib
