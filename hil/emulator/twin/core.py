"""The twin's core: Unicorn and the engine around it, as one object.

Nothing here knows a chip: memories, timing and peripherals come from outside. Two facts about Unicorn 2.1.4 that cost
hours, and are relied on here: with ``UC_MODE_MCLASS`` it ignores the CPU model asked for and takes a Cortex-M33, so
that ARMv7-M code and unaligned accesses pass; with ``UC_MODE_THUMB`` alone it is a Cortex-M0. And in front of an access
to what is not mapped it stops exactly, with nothing of the instruction done: registers are not mapped, and the engine
makes such accesses itself. (In callbacks of Unicorn's own mappings PC is that of the block's start, and the rest of the
block runs on.)
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Self

import unicorn
from unicorn import arm_const

from hil.emulator.machine import MachineError
from hil.emulator.twin.devices import Devices
from hil.emulator.twin.layout import (
    FUNCTIONS,
    Memory,
    Shared,
    Unicorn,
    Words,
    load_engine,
    unicorn_function,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_UNICORN: Any = unicorn  # it has no types for others
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
_THUMB: Final = 1 << 24  # of xPSR
UNPRIVILEGED: Final = -4
"""Of `Shared.failure`: the instruction just executed, MSR, has set CONTROL.nPRIV."""


class Stop(Enum):
    """Why the core stopped, ``enum engine_stop``."""

    DUE = 0
    ASLEEP = 1
    STEPPED = 2
    BREAKPOINT = 3
    BKPT = 4
    VECTOR_CATCH = 5
    WATCHPOINT = 6
    LOCKUP = 7
    FAILED = 8


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
    "a vector that leads nowhere",
)
"""Why an instruction could not be executed, by ``enum engine_fault``."""

ACCESS_FAULTS: Final = (FAULTS[2], FAULTS[3])
"""Those of data, at an address of its own."""


@dataclass(frozen=True)
class CodeMemory:
    """A memory that can hold code.

    Attributes:
        origin: first address; ``aliases`` are further addresses of the same memory.
        data: the content, shared with the emulator.
        fetch_wait: cycles that a word of code adds when execution jumps to it; ``sequential_wait`` when it follows.
        writable: by plain stores; others go to `Core.on_store`.
    """

    origin: int
    data: ctypes.Array[ctypes.c_uint8]
    aliases: tuple[int, ...] = ()
    fetch_wait: int = 0
    sequential_wait: int = 0
    writable: bool = True


@dataclass(frozen=True)
class CoreTiming:
    """Cycles that the core takes.

    Attributes:
        core: which table has those of instructions.
        multiply: MULS.
        enter: from an interrupt to its handler's first instruction.
        leave: from the end of the instruction that ends a handler to what it interrupted.
        chain: from there to the next handler instead; 0 where it is not known: then the sum of the two.
        port_origin: first address of the single-cycle I/O port, and ``port_bytes`` its size.
    """

    core: int
    multiply: int
    enter: int
    leave: int
    chain: int
    port_origin: int = 0
    port_bytes: int = 0


class Core:
    """A Cortex-M0+ with its memories and clock, as a context manager. Used from one thread.

    Args:
        memories: what it executes from and keeps data in.
        timing: what its instructions and exceptions cost.

    Attributes:
        on_store: takes a store into memory that is not `CodeMemory.writable`: address, size in bytes and value; False
            for a bus error.
    """

    def __init__(self, memories: Sequence[CodeMemory], timing: CoreTiming) -> None:
        self.on_store: Callable[[int, int, int], bool] = lambda _address, _size, _value: False
        self._uc = _UNICORN.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M0)
        self._memories = memories  # the buffers live as long as this does
        self._views = [(each.origin, memoryview(each.data).cast("B")) for each in memories]
        self._lib = load_engine()
        places = [(origin, each) for each in memories for origin in (each.origin, *each.aliases)]
        for origin, memory in places:
            access = unicorn.UC_PROT_ALL if memory.writable else unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
            self._uc.mem_map_ptr(origin, len(memory.data), access, memory.data)
        table = (Memory * len(places))(
            *(
                Memory(
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
        functions = Unicorn(*(unicorn_function(name) for name in FUNCTIONS))
        words = Words(
            *(timing.core, timing.multiply, timing.enter, timing.leave, timing.chain),
            *(timing.port_origin, timing.port_bytes),
        )
        self._engine = self._lib.engine_open(
            self._uc._uch,  # noqa: SLF001 # the only handle there is
            ctypes.byref(functions),
            ctypes.byref(words),
            ctypes.byref(words, 8),
            table,
            len(places),
        )
        if not self._engine:
            raise MachineError("the twin's engine does not start")
        self._run = self._lib.engine_run
        self._devices = Devices(lambda device: bool(self._lib.engine_attach(self._engine, ctypes.byref(device))))
        self.shared: Shared = self._lib.engine_shared(self._engine).contents
        for origin, memory in places:
            if not memory.writable:
                self._map_stores(origin, len(memory.data))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release everything. Safe to repeat."""
        if self._engine:
            shared = Shared.from_buffer_copy(self.shared)  # the last state can still be looked at
            self._lib.engine_close(self._engine)
            self._engine = None
            self.shared = shared
            self._devices.clear()
            del self._uc  # some 30 MB, which must not wait for the collection of garbage

    def count(self, file: int) -> bool:
        """Count functions and calls in a counter's file at an address of this process; False where it is none."""
        return bool(self._lib.engine_count(self._engine, file))

    def book(self) -> None:
        """Book what was counted up to now: the core is idle."""
        self._lib.engine_book(self._engine)

    # Memory map

    def map_registers(
        self, origin: int, size: int, read: Callable[[int, int], int], write: Callable[[int, int, int], bool]
    ) -> None:
        """Have accesses to a page of registers answered.

        Args:
            origin: first address.
            size: in bytes.
            read: offset and size to value.
            write: offset, size and value; False for a bus error.
        """
        self._devices.add(origin, size, read, write)

    def _map_stores(self, origin: int, size: int) -> None:
        """Have stores into a memory go to `on_store`."""
        self._devices.add(origin, size, None, lambda offset, size, value: self.on_store(origin + offset, size, value))

    def _stop(self, number: int) -> Stop:
        """Why the engine stopped; raises what a device has raised."""
        self._devices.raise_it()
        return _STOPS[number]

    def read(self, address: int, size: int) -> bytes | None:
        """Read as a debugger does; None where nothing is."""
        try:
            return bytes(self._uc.mem_read(address, size))
        except _UNICORN.UcError:
            return None

    def write(self, address: int, data: bytes) -> bool:
        """Write as a debugger does, also to memory that takes no plain stores; False where nothing is."""
        try:
            self._uc.mem_write(address, data)
        except _UNICORN.UcError:
            return False
        self.forget_code(address, len(data))
        return True

    def bus_read(self, address: int, size: int) -> bytes | None:
        """Read memory as a bus master beside the core does, by its own address, no alias; None where none is."""
        for origin, view in self._views:
            if origin <= address and address + size <= origin + len(view):
                return bytes(view[address - origin : address - origin + size])
        return None

    def bus_write(self, address: int, data: bytes) -> bool:
        """Store as a bus master beside the core does; False where no memory is that takes plain stores."""
        return bool(self._lib.engine_store(self._engine, address, data, len(data)))

    def forget_code(self, address: int, size: int) -> None:
        """The content of a memory that holds code has changed."""
        for place in self._places(address):
            self._lib.engine_forget_code(self._engine, place, size)

    def _places(self, address: int) -> list[int]:
        """All addresses of what is at an address of memory."""
        return [
            origin + address - base
            for memory in self._memories
            for base in (memory.origin, *memory.aliases)
            if base <= address < base + len(memory.data)
            for origin in (memory.origin, *memory.aliases)
        ]

    # Memory that makes the core wait

    def bar(self, origin: int, *, on: bool) -> None:
        """While a memory of code is barred, execution stops before any of its code with `Stop.BREAKPOINT`.

        Args:
            origin: the memory's first address, or that of an alias, which is barred on its own.
            on: bar it, or let it be executed again.
        """
        self._lib.engine_bar(self._engine, origin, on)

    def wait_states(self, address: int, cycles: int) -> None:
        """From now on each word of code in the memory at an address costs so many cycles, and so does each load."""
        for place in self._places(address):
            self._lib.engine_wait_states(self._engine, place, cycles)

    def watch_reads(self, places: Sequence[tuple[int, int]], before: Callable[[], None]) -> list[int]:
        """Have something called before each load from memories, by address and size. It slows the core down."""

        def on_read(_uc: object, _access: int, _address: int, _size: int, _value: int, _data: object) -> None:
            before()

        kind = unicorn.UC_HOOK_MEM_READ
        hooks = [self._uc.hook_add(kind, on_read, None, origin, origin + size - 1) for origin, size in places]
        self._uc.ctl_flush_tb()
        return hooks

    def unwatch_reads(self, hooks: Sequence[int]) -> None:
        """Undo `watch_reads`; not from within a load."""
        for hook in hooks:
            self._uc.hook_del(hook)
        self._uc.ctl_flush_tb()

    def load_waits(self, cycle: int) -> None:
        """From within what `watch_reads` calls: the load takes place at a cycle, if that is not over."""
        self._lib.engine_load_waits(self._engine, cycle)

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
        return self._stop(self._run(self._engine))

    def arrive(self, *, mask_interrupts: bool) -> None:
        """In front of a step: let the wait states of a jump to it pass, so that what is due by then can happen."""
        self._lib.engine_arrive(self._engine, mask_interrupts)

    def step(self, *, mask_interrupts: bool) -> Stop:
        """Execute one instruction, or enter the exception that is due."""
        self.shared.horizon = self.shared.soft_horizon = FAR
        return self._stop(self._lib.engine_step(self._engine, mask_interrupts))

    def now(self) -> int:
        """The clock in cycles; within an access that of the start of the instruction."""
        return self.shared.clock

    def read_register(self, name: str) -> int:
        """Value of a core register, by its name in `hil.emulator.machine.REGISTERS`."""
        value = int(self._uc.reg_read(_REGISTERS[name])) & 0xFFFFFFFF
        return value & ~_THUMB if name == "xpsr" and self.shared.not_thumb else value

    def write_register(self, name: str, value: int) -> None:
        """Set a core register."""
        if name in {"sp", "msp", "psp"}:
            value &= ~3  # always zero (DDI 0419, B1.4.1)
        self._uc.reg_write(_REGISTERS[name], value | 1 if name == "pc" else value)  # Unicorn takes xPSR.T from it
        if name == "xpsr":
            self.shared.not_thumb = int(not value & _THUMB)
            # Only with the flags Unicorn works out anew whether the core is in handler mode.
            self._uc.reg_write(arm_const.UC_ARM_REG_XPSR, value | _THUMB)
            self._uc.reg_write(arm_const.UC_ARM_REG_APSR_NZCV, value)

    # Debugging

    def breakpoint(self, address: int, *, on: bool) -> bool:
        """Set or remove a breakpoint; False where no code can be."""
        places = self._places(address)
        return bool(places) and all(self._lib.engine_breakpoint(self._engine, place, on) for place in places)

    def watch(self, address: int, size: int, kinds: int) -> bool:
        """Set a watchpoint: kinds 1 read, 2 write, 3 both; False when there are too many."""
        return bool(self._lib.engine_watch(self._engine, address, size, kinds))

    def unwatch(self, address: int, size: int, kinds: int) -> bool:
        """Remove a watchpoint."""
        return bool(self._lib.engine_unwatch(self._engine, address, size, kinds))
