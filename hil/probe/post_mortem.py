"""What can be told of a core that has stopped, or is stopped now: registers, exception, and the frame of a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hil.emulator.machine import REGISTERS

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAME: Final = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")  # exception entry stacks these, ARMv6-M ARM B1.5.6
_EXCEPTIONS: Final = {0: "thread mode", 2: "NMI", 3: "HardFault", 11: "SVCall", 14: "PendSV", 15: "SysTick"}
_IPSR: Final = 0x3F
_EXC_RETURN: Final = 0xFFFFFFF0
_EXC_RETURN_PSP: Final = 0xD
_VECTOR_BYTES: Final = 4
_FIRST_INTERRUPT: Final = 16


@dataclass(frozen=True)
class PostMortem:
    """A core's state.

    Attributes:
        state: what the core was doing: running, halted, lockup, sleeping or reset.
        registers: all core registers by name.
        exception: the exception it is in, in words.
        interrupted: registers of the interrupted program, where they are known: at the first instruction of a handler.
        detail: what an emulator knows of the cause, in words; empty where nobody knows.
    """

    state: str
    registers: dict[str, int]
    exception: str
    interrupted: dict[str, int] | None
    detail: str = ""

    def describe(self) -> str:
        """The state as lines of text."""
        lines = [f"the core was {self.state}, in {self.exception}", _row(self.registers)]
        if self.interrupted is not None:
            lines.append(f"interrupted program: {_row(self.interrupted)}")
        return "\n".join(lines)


def take(target: Any, vectors_at: int, read: Callable[[int, int], bytes], detail: str = "") -> PostMortem:
    """Halt a pyOCD target's core and take down its state; it stays halted.

    Args:
        target: the pyOCD target.
        vectors_at: address of the vector table.
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
        entry = int.from_bytes(read(vectors_at + _VECTOR_BYTES * number, _VECTOR_BYTES), "little") & ~1
        if registers["pc"] == entry and registers["lr"] & _EXC_RETURN == _EXC_RETURN:
            stack = registers["psp" if registers["lr"] & 0xF == _EXC_RETURN_PSP else "msp"]
            words = read(stack, _VECTOR_BYTES * len(_FRAME))
            interrupted = {
                name: int.from_bytes(words[at : at + _VECTOR_BYTES], "little")
                for name, at in zip(_FRAME, range(0, len(words), _VECTOR_BYTES), strict=True)
            }
    return PostMortem(state, registers, exception, interrupted, detail)


def _row(registers: dict[str, int]) -> str:
    return " ".join(f"{name}={value:08x}" for name, value in registers.items())
