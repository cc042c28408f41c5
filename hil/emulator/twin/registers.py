"""Peripherals as the bus sees them: registers by offset, each bit of them modelled, ignored for a reason, or refused.

A bit that the manual defines and the twin does not model is never a silent zero: setting it, or reading a register
that is not there, raises `NotModelledError`, and the run ends with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORD: Final = 4
PAGE_BYTES: Final = 0x400
"""What the bus gives a peripheral: RM0377 table 2 knows no smaller share."""


class NotModelledError(Exception):
    """Firmware uses something of the chip that the twin does not have. The message is a sentence's predicate."""


class BusError(Exception):
    """An access that the bus answers with an error: a HardFault for the core. The message says what it was."""


@dataclass(frozen=True)
class Register:
    """A register of a peripheral.

    Attributes:
        name: as in the reference manual, without the peripheral's.
        offset: in bytes.
        reset: value after reset.
        writable: bits that a write changes.
        unmodelled: bits that the manual defines and the twin has no model of: they must stay as they are.
        acts: bits without a value of their own that do something when written: keys, requests, flags to clear.
        refused: the twin has no model of it at all: each access is an error.
    """

    name: str
    offset: int
    reset: int = 0
    writable: int = 0
    unmodelled: int = 0
    acts: int = 0
    refused: bool = False


class Peripheral:
    """A peripheral with its registers' values.

    A subclass lists `REGISTERS`, and may have ``read_NAME() -> int`` and ``write_NAME(value, mask)`` for a register
    (name in lower case): ``mask`` has the bits that the access covers.

    Attributes:
        name: as in the manual.
        base: its first address.
        value: of each register, by name.
    """

    REGISTERS: ClassVar[Sequence[Register]] = ()

    def __init__(self, name: str, base: int) -> None:
        self.name = name
        self.base = base
        self.value: dict[str, int] = {}
        self._by_offset = {register.offset: register for register in self.REGISTERS}
        self._by_name = {register.name: register for register in self.REGISTERS}
        self._readers: dict[int, Callable[[], int]] = {}
        self._writers: dict[int, Callable[[int, int], None]] = {}
        for register in self.REGISTERS:
            key = register.name.lower()
            if reader := getattr(self, f"read_{key}", None):
                self._readers[register.offset] = reader
            if writer := getattr(self, f"write_{key}", None):
                self._writers[register.offset] = writer
        self.reset()

    def reset(self) -> None:
        """As after a reset of the chip."""
        self.value = {register.name: register.reset for register in self.REGISTERS}

    def clocked(self) -> bool:
        """Whether its bus clock is on: without, reads give zero and writes are lost (RM0377, 7.3)."""
        return True

    def read(self, offset: int, size: int) -> int:
        """Answer a load of ``size`` bytes.

        Raises:
            NotModelledError: there is no such register.
        """
        return self.load(offset, size) if self.clocked() else 0

    def load(self, offset: int, size: int) -> int:
        """As `read`, where the clock is known to be on."""
        register = self._register(offset, "reads")
        reader = self._readers.get(register.offset)
        word = reader() if reader else self.value[register.name]
        return word >> 8 * (offset % WORD) & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store of ``size`` bytes.

        Raises:
            NotModelledError: there is no such register, or a bit of it that is not modelled would change.
        """
        if self.clocked():
            self.take(offset, size, value)

    def take(self, offset: int, size: int, value: int) -> None:
        """As `write`, where the clock is known to be on."""
        register = self._register(offset, "writes")
        mask = ((1 << 8 * size) - 1) << 8 * (offset % WORD)
        word = value << 8 * (offset % WORD) & mask
        old = self.value[register.name]
        if changed := (word ^ old) & mask & register.unmodelled:
            bits = ", ".join(str(n) for n in range(32) if changed >> n & 1)
            raise NotModelledError(f"changes bit {bits} of {self.name}_{register.name}")
        writer = self._writers.get(register.offset)
        if writer:
            writer(word, mask)
        else:
            self.store(register.name, word, mask)

    def store(self, name: str, word: int, mask: int = 0xFFFFFFFF) -> None:
        """Change those bits of a register that can be written and that ``mask`` has."""
        mask &= self._by_name[name].writable
        self.value[name] = (self.value[name] & ~mask) | (word & mask)

    def _register(self, offset: int, does: str) -> Register:
        register = self._by_offset.get(offset & ~3)
        if register is None:
            raise NotModelledError(f"{does} 0x{self.base + offset:08x}, where {self.name} has no register")
        if register.refused:
            raise NotModelledError(f"{does} {self.name}_{register.name}, which the twin does not model")
        return register


class Refused(Peripheral):
    """What the part has and the twin has not: each access ends the run in words.

    Args:
        name: what it is called.
        base: its first address.
        words: what is accessed; a register, if nothing else is said.
    """

    def __init__(self, name: str, base: int, words: str = "") -> None:
        super().__init__(name, base)
        self._words = words or f"a register of {name}"

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        del offset, size
        raise NotModelledError(f"reads {self._words}, which the twin does not model")

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        del offset, size, value
        raise NotModelledError(f"writes {self._words}, which the twin does not model")
