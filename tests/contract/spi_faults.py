"""What can happen to an SPI transaction, each in one function of it and a number that picks where."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.contract.memory_spi import PULSES, Transaction

FaultFunction = Callable[[Transaction, int], None]


def flip_to_board(transaction: Transaction, number: int) -> None:
    """One bit on MOSI is wrong."""
    transaction.mosi[number % len(transaction.mosi)] ^= 1


def flip_from_board(transaction: Transaction, number: int) -> None:
    """One bit on MISO is wrong."""
    byte, bit = divmod(number % len(transaction.mosi), PULSES)

    def flipped(heard: bytes) -> bytes:
        return heard[:byte] + bytes((heard[byte] ^ 1 << bit,)) + heard[byte + 1 :]

    transaction.answer = flipped


def lose_pulse(transaction: Transaction, number: int) -> None:
    """The slave misses an edge: all bits behind it slip."""
    transaction.seen[number % len(transaction.seen)] = 0


def extra_pulse(transaction: Transaction, number: int) -> None:
    """The slave sees one edge too many."""
    transaction.seen[number % len(transaction.seen)] = 2


def lose_byte(transaction: Transaction, number: int) -> None:
    """The slave misses eight edges."""
    at = number % len(transaction.seen)
    transaction.seen[at : at + PULSES] = bytes(len(transaction.seen[at : at + PULSES]))


def extra_byte(transaction: Transaction, number: int) -> None:
    """The slave sees eight edges too many."""
    transaction.seen[number % len(transaction.seen)] = 1 + PULSES


def lose_heard(transaction: Transaction, number: int) -> None:
    """The bridge loses a byte of what it heard."""
    transaction.answer = lambda heard: heard[: (at := number % len(heard))] + heard[at + 1 :]


def extra_heard(transaction: Transaction, number: int) -> None:
    """The bridge hears bytes that nobody sent."""
    noise = bytes(random.Random(number).choices([0, 1, 0x55, 0xC5, 0xFF], k=1 + number % 4))
    transaction.answer = lambda heard: heard[: (at := number % len(heard))] + noise + heard[at:]


def release_early(transaction: Transaction, number: int) -> None:
    """NSS rises in the middle of a byte, or right at the beginning."""
    transaction.deaf_from = number % len(transaction.mosi)


def glitch(transaction: Transaction, number: int) -> None:
    """NSS is high for a moment in the middle: two transactions for the slave."""
    transaction.cuts = (1 + number % (len(transaction.mosi) - 1),)


def not_selected(transaction: Transaction, _number: int) -> None:
    """NSS does not fall."""
    transaction.deaf_from = 0


def stuck_selected(transaction: Transaction, _number: int) -> None:
    """NSS does not rise at the end: the next transaction goes on with this one."""
    transaction.heard = False


FAULTS: tuple[FaultFunction, ...] = (
    flip_to_board,
    flip_from_board,
    lose_pulse,
    extra_pulse,
    lose_byte,
    extra_byte,
    lose_heard,
    extra_heard,
    release_early,
    glitch,
    not_selected,
    stuck_selected,
)


class BusyBoard:
    """No fault: a board whose interrupts are off now and then, or that is caught while it arms."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = random.Random(seed)
        self._share = share
        self.times = 0

    def __call__(self, transaction: Transaction) -> None:
        """Change a transaction."""
        if self._random.random() < self._share:
            self.times += 1
            if self._random.random() < 0.5:  # half of them
                transaction.heard = False
            else:
                transaction.missed = True


class Schedule:
    """Applies one listed fault, or None, to each transaction in turn; afterwards the bus is sound."""

    def __init__(self, plan: Sequence[tuple[FaultFunction | None, int]]) -> None:
        self._plan = list(plan)

    def __call__(self, transaction: Transaction) -> None:
        """Change a transaction."""
        fault, number = self._plan.pop(0) if self._plan else (None, 0)
        if fault is not None:
            fault(transaction, number)


class RandomFaults:
    """Applies a random fault to a share of the transactions, and a busy board's to others."""

    def __init__(self, seed: int, share: float, kinds: Sequence[FaultFunction] = FAULTS) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._kinds = kinds
        self._busy = BusyBoard(~seed, 0.05)
        self.faults = 0

    def __call__(self, transaction: Transaction) -> None:
        """Change a transaction."""
        self._busy(transaction)
        if self._random.random() < self._share:
            self.faults += 1
            self._random.choice(self._kinds)(transaction, self._random.getrandbits(16))


class RandomReady:
    """A data-ready line that is lost, or stuck at one level, for a random while."""

    def __init__(self, seed: int, share: float) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._left = 0
        self._level = False
        self._counted = False
        self.faults = 0

    def __call__(self, level: bool) -> bool | None:
        """What the host sees of a level."""
        if not self._left and self._random.random() < self._share:
            self._left = self._random.choice((1, 4, 30))
            self._level = bool(self._random.getrandbits(1))
            self._counted = False
        if not self._left:
            return level
        self._left -= 1
        if self._level != level and not self._counted:  # else it is at that level by itself
            self._counted = True
            self.faults += 1
        return self._level
