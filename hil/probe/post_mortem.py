"""What can be told of a core that has stopped, or is stopped now: registers, exception, frame of a fault, and calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hil.emulator.machine import REGISTERS
from hil.errors import FlashError, RigError
from hil.probe.calls import Names, return_addresses
from hil.probe.pyocd_errors import pyocd_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.board import MemoryMap
    from hil.probe.calls import StackWord

_FRAME: Final = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")  # exception entry stacks these, ARMv6-M ARM B1.5.6
_EXCEPTIONS: Final = {0: "thread mode", 2: "NMI", 3: "HardFault", 11: "SVCall", 14: "PendSV", 15: "SysTick"}
_IPSR: Final = 0x3F
_EXC_RETURN: Final = 0xFFFFFFF0
_EXC_RETURN_PSP: Final = 0xD
_VECTOR_BYTES: Final = 4
_FIRST_INTERRUPT: Final = 16
_STACK_WORDS: Final = 64
_CALLS: Final = 8


@dataclass(frozen=True)
class PostMortem:
    """A core's state.

    Attributes:
        state: what the core was doing: running, halted, lockup, sleeping or reset.
        registers: all core registers by name.
        exception: the exception it is in, in words.
        interrupted: registers of the interrupted program, where they are known: at the first instruction of a handler.
        detail: what an emulator knows of the cause, in words; empty where nobody knows.
        calls: return addresses on the stack, from the stack pointer up.
    """

    state: str
    registers: dict[str, int]
    exception: str
    interrupted: dict[str, int] | None
    detail: str = ""
    calls: tuple[StackWord, ...] = ()

    def lines(self, names: Names | None = None) -> tuple[str, ...]:
        """The state as lines of text, with function names where they are known."""
        names = names or Names()
        named = _named(self.registers["pc"], names)
        lines = [f"the core was {self.state}, in {self.exception}{named}", _row(self.registers)]
        if self.detail:
            lines.insert(1, self.detail)
        if self.interrupted is not None:
            where = _named(self.interrupted["pc"], names)
            lines.append(f"interrupted program{where}: {_row(self.interrupted)}")
        if self.calls:
            calls = [f"{names.at(word.value - 1)} (0x{word.value & ~1:08x})".lstrip() for word in self.calls[:_CALLS]]
            more = f", and {len(self.calls) - _CALLS} more" if len(self.calls) > _CALLS else ""
            lines.append(f"return addresses from 0x{self.calls[0].at:08x} on: {', '.join(calls)}{more}")
        return tuple(lines)


def take(target: Any, memory: MemoryMap, read: Callable[[int, int], bytes], detail: str = "") -> PostMortem:
    """Halt a pyOCD target's core and take down its state; it stays halted.

    Args:
        target: the pyOCD target.
        memory: its memories; flash begins with the vector table.
        read: reads memory: address and size in bytes.
        detail: what is known of the cause, in words.
    """
    state = target.get_state().name.lower()
    target.halt()
    values = target.read_core_registers_raw(list(REGISTERS))
    registers = dict(zip(REGISTERS, values, strict=True))
    number = registers["xpsr"] & _IPSR
    exception = _EXCEPTIONS.get(number, f"interrupt {number - _FIRST_INTERRUPT}")
    interrupted = None
    if number:
        entry = int.from_bytes(read(memory.flash.origin + _VECTOR_BYTES * number, _VECTOR_BYTES), "little") & ~1
        if registers["pc"] == entry and registers["lr"] & _EXC_RETURN == _EXC_RETURN:
            stack = registers["psp" if registers["lr"] & 0xF == _EXC_RETURN_PSP else "msp"]
            words = read(stack, _VECTOR_BYTES * len(_FRAME))
            interrupted = {
                name: int.from_bytes(words[at : at + _VECTOR_BYTES], "little")
                for name, at in zip(_FRAME, range(0, len(words), _VECTOR_BYTES), strict=True)
            }
    return PostMortem(state, registers, exception, interrupted, detail, _calls(registers["sp"], memory, read))


def _calls(pointer: int, memory: MemoryMap, read: Callable[[int, int], bytes]) -> tuple[StackWord, ...]:
    """Return addresses on the stack; none where it cannot be read, or is no stack."""
    ram, flash = memory.ram, memory.flash
    count = min(_STACK_WORDS, (ram.origin + ram.bytes - pointer) // 4)
    if pointer & 3 or pointer < ram.origin or count <= 0:
        return ()
    try:
        with pyocd_errors("the stack cannot be read"):
            data = read(pointer, 4 * count)
            words = [(pointer + at, int.from_bytes(data[at : at + 4], "little")) for at in range(0, len(data), 4)]
            return return_addresses(words, range(flash.origin, flash.origin + flash.bytes), read)
    except (RigError, FlashError):
        return ()


def _named(address: int, names: Names) -> str:
    name = names.at(address)
    return f", at {name}" if name else ""


def _row(registers: dict[str, int]) -> str:
    return " ".join(f"{name}={value:08x}" for name, value in registers.items())
