"""What can happen to a frame on its way, each in one function of the frame and a number that picks where."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.contract.memory_agent import Direction


def drop(_direction: Direction, _frame: bytes, _number: int) -> list[bytes]:
    """The frame is lost."""
    return []


def double(_direction: Direction, frame: bytes, _number: int) -> list[bytes]:
    """It arrives twice."""
    return [frame, frame]


def flip(_direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """One bit is wrong; in the ending zero, this joins it to the next frame."""
    place, bit = divmod(number, 8)
    damaged = bytearray(frame)
    damaged[place % len(frame)] ^= 1 << bit
    return [bytes(damaged)]


def truncate(_direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """Its end is lost, the zero too."""
    return [frame[: number % len(frame)]]


def lose_byte(_direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """One byte is lost."""
    place = number % len(frame)
    return [frame[:place] + frame[place + 1 :]]


def insert(_direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """Up to four bytes appear, zeros among them."""
    place = number % len(frame)
    noise = random.Random(number).choices([0, 1, 2, 0x55, 0xFF], k=1 + number % 4)
    return [frame[:place] + bytes(noise) + frame[place:]]


def replay(direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """An old frame arrives again, before this one."""
    recent = direction.history[-60:]
    return [recent[number % len(recent)], frame] if recent else [frame]


def replay_run(direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """A run of old frames arrives again, as from a buffer somewhere, before this one."""
    recent = direction.history[-60:]
    first = number % max(1, len(recent))
    return [*recent[first : first + 8], frame]


def hold(direction: Direction, frame: bytes, _number: int) -> list[bytes]:
    """It is late: it arrives after the next frame that is held."""
    late, direction.held = direction.held, frame
    return [late] if late else []


FAULTS: tuple[Callable[[Direction, bytes, int], list[bytes]], ...] = (
    drop,
    double,
    flip,
    truncate,
    lose_byte,
    insert,
    replay,
    replay_run,
    hold,
)
FaultFunction = Callable[[Direction, bytes, int], list[bytes]]


class Schedule:
    """Applies one listed fault, or None, to each frame in turn; afterwards the wire is sound."""

    def __init__(self, plan: Sequence[tuple[FaultFunction | None, int]]) -> None:
        self._plan = list(plan)
        self.faults = 0

    def __call__(self, direction: Direction, frame: bytes) -> list[bytes]:
        fault, number = self._plan.pop(0) if self._plan else (None, 0)
        if fault is None:
            return [frame]
        self.faults += 1
        return fault(direction, frame, number)


class RandomFaults:
    """Applies a random fault to a share of the frames."""

    def __init__(self, seed: int, share: float, kinds: Sequence[FaultFunction] = FAULTS) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._kinds = kinds
        self.faults = 0

    def __call__(self, direction: Direction, frame: bytes) -> list[bytes]:
        if self._random.random() >= self._share:
            return [frame]
        self.faults += 1
        return self._random.choice(self._kinds)(direction, frame, self._random.getrandbits(16))
