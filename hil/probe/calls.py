"""Who called whom, as far as a stopped core's stack tells: its words that are return addresses, with function names."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.cycles.symbols import NOWHERE, read_code_map
from hil.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from hil.cycles.symbols import CodeMap

_THUMB: Final = 1
_BL_BYTES: Final = 4
_BLX_REGISTER: Final = 0x4780  # 010001111 Rm 000, ARMv6-M ARM A6.7.14
_BLX_MASK: Final = 0xFF87
_BL_FIRST, _BL_FIRST_MASK = 0xF000, 0xF800  # A6.7.13: 11110 S imm10, then 11 J1 1 J2 imm11
_BL_SECOND, _BL_SECOND_MASK = 0xD000, 0xD000


@dataclass(frozen=True)
class StackWord:
    """A word of the stack that is a return address.

    Attributes:
        at: where it lies.
        value: the address.
    """

    at: int
    value: int


class Names:
    """Function names of a program.

    Args:
        code: its functions; None where nobody knows them.
    """

    def __init__(self, code: CodeMap | None = None) -> None:
        self._code = code
        self._starts = [] if code is None else [each.start for each in code.ranges]

    @classmethod
    def of(cls, elf: Path) -> Names:
        """The names in an ELF file; none where it cannot be read."""
        try:
            return cls(read_code_map(elf))
        except InputError:
            return cls()

    def at(self, address: int) -> str:
        """``function+0x12`` for an address in code; empty where no function is known there."""
        found = bisect.bisect_right(self._starts, address & ~_THUMB) - 1
        if self._code is None or found < 0:
            return ""
        part = self._code.ranges[found]
        name = self._code.names[part.function]
        if address & ~_THUMB >= part.end or name == NOWHERE:
            return ""
        offset = (address & ~_THUMB) - self._code.entries[part.function]
        return f"{name}+0x{offset:x}"


def return_addresses(
    stack: Iterable[tuple[int, int]], flash: range, read: Callable[[int, int], bytes]
) -> tuple[StackWord, ...]:
    """The words of a stack that lead behind a call.

    Words that were left there by earlier calls are among them: a stack says what may have been called, not what was.

    Args:
        stack: address and value of each word, from the stack pointer up.
        flash: where code lies.
        read: reads memory: address and size in bytes.
    """
    return tuple(StackWord(at, value) for at, value in stack if _is_behind_a_call(value, flash, read))


def _is_behind_a_call(value: int, flash: range, read: Callable[[int, int], bytes]) -> bool:
    address = value & ~_THUMB
    if not value & _THUMB or address - _BL_BYTES not in flash or address not in flash:
        return False
    before = read(address - _BL_BYTES, _BL_BYTES)
    first, second = (int.from_bytes(before[at : at + 2], "little") for at in (0, 2))
    is_bl = first & _BL_FIRST_MASK == _BL_FIRST and second & _BL_SECOND_MASK == _BL_SECOND
    return is_bl or second & _BLX_MASK == _BLX_REGISTER
