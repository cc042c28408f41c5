"""The non-volatile memories: content, the operation under way, and what a power cut within it leaves.

The flash erases in pages, the data EEPROM in words; erased bits are 0 (RM0377, 3.3.1). One operation at a time has
both: while it lasts, whoever fetches or reads there waits (RM0377, 3.6, recalled), and code in RAM goes on.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip, Timer

PHASE: Final = Fraction(32, 10_000)
"""How long each erase and each programming takes, in s: Tprog of RM0377 (recalled; DS10668: 3.28 ms typical, 3.94 ms at
most, recalled as well)."""

_STORES: Final = 9  # that one instruction can make
_WORD: Final = 4
_WORD_BITS: Final = 32
_WRONGLY_CORRECTED: Final = 0.25  # of the words in a torn operation; the NVM corrects one bit a word (RM0377, 3.2)


@dataclass(frozen=True)
class Area:
    """One of the memories.

    Attributes:
        origin: its first address; ``alias`` is a further one.
        content: shared with the core.
    """

    origin: int
    content: ctypes.Array[ctypes.c_uint8]
    alias: int | None = None

    def holds(self, address: int) -> bool:
        """Whether an address is in it, under any name."""
        return any(
            origin is not None and origin <= address < origin + len(self.content)
            for origin in (self.origin, self.alias)
        )


@dataclass(frozen=True)
class Operation:
    """An erase or a programming, or one after the other.

    Attributes:
        area: where.
        at: offset of the words concerned.
        contents: of these words: before, and after each phase.
        begins: when, in s; each phase takes `PHASE`.
    """

    area: Area
    at: int
    contents: Sequence[bytes]
    begins: Fraction

    @property
    def ends(self) -> Fraction:
        """When, in s."""
        return self.begins + PHASE * (len(self.contents) - 1)

    def torn(self, second: Fraction, seed: int) -> bytes:
        """What a power cut leaves of the words: each bit that the phase changes may have changed or not.

        Before it began, all is as it was: where an instruction waits, operations begin beyond the cycle of a cut.
        """
        chance = random.Random(f"{seed} {self.area.origin + self.at} {second}")  # noqa: S311 # no secret
        if second < self.begins:
            return self.contents[0]
        phase = int((second - self.begins) / PHASE)
        before, after = self.contents[phase : phase + 2]
        words = []
        for at in range(0, len(before), _WORD):
            old, new = (int.from_bytes(each[at : at + _WORD], "little") for each in (before, after))
            share = chance.random()
            word = old ^ ((old ^ new) & sum(1 << bit for bit in range(_WORD_BITS) if chance.random() < share))
            if chance.random() < _WRONGLY_CORRECTED:
                word ^= 1 << chance.randrange(_WORD_BITS)
            words.append(word.to_bytes(_WORD, "little"))
        return b"".join(words)


class Nvm:
    """The memories and their operation.

    Args:
        chip: whose.
        areas: the memories.

    Attributes:
        areas: the memories.
    """

    def __init__(self, chip: Chip, areas: Sequence[Area]) -> None:
        self._chip = chip
        self.areas = areas
        self._begun: deque[Operation] = deque(maxlen=_STORES)
        self._timer: Timer | None = None
        self._end: Callable[[], None] = lambda: None

    def holds(self, address: int) -> bool:
        """Whether an address is in one of the memories."""
        return any(area.holds(address) for area in self.areas)

    # Operations

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self._timer is not None

    def begin(self, area: Area, at: int, contents: Sequence[bytes], end: Callable[[], None]) -> None:
        """Begin an operation. Nobody can read the words before its end, so they have the new content at once.

        Args:
            area: where.
            at: offset of the words concerned.
            contents: of these words, after each phase.
            end: called when it is over.
        """
        now = bytes(area.content[at : at + len(contents[0])])
        operation = Operation(area, at, (now, *contents), self._chip.seconds())
        self._begun.append(operation)
        self._end = end
        self._timer = self._chip.after(operation.ends - operation.begins, self._finish)
        self._put(operation, contents[-1])

    def _put(self, operation: Operation, content: bytes) -> None:
        operation.area.content[operation.at : operation.at + len(content)] = list(content)
        self._chip.core.forget_code(operation.area.origin + operation.at, len(content))

    def _finish(self) -> None:
        self._timer = None
        self._end()

    def busy_until(self) -> int:
        """Cycle at which the operation under way will be over; 0 without one."""
        if self._timer is None:
            return 0
        return self._chip.now() + max(0, self._chip.cycles(self._timer.due - self._chip.seconds()))

    def settle(self) -> None:
        """Let the time pass that the operation under way takes: the debugger waits on the bus, the core is halted."""
        while self._timer is not None:
            self._chip.wait_until(self.busy_until())

    def left(self, seed: int, second: Fraction) -> list[tuple[Operation, bytes]]:
        """What a cut would leave, to be put in this order: operations that are not over then, and their words.

        Args:
            seed: decides about the bits.
            second: when.
        """
        return [(each, each.torn(second, seed)) for each in reversed(self._begun) if second < each.ends]

    def cut(self, seed: int, second: Fraction | None = None) -> None:
        """The power goes, or a reset comes: what the operation of that moment concerns is undefined from now on.

        Args:
            seed: decides about its bits.
            second: when; now, unless it is given.
        """
        second = self._chip.seconds() if second is None else second
        for operation, content in self.left(seed, second):
            self._put(operation, content)
        self._chip.cancel(self._timer)
        self._timer = None
        self._begun.clear()
