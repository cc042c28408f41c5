"""What will happen, by the clock of the core: a queue of calls, each due at a cycle."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hil.emulator.twin.core import FAR

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(order=True)
class Event:
    """A call that is due, and is told at which cycle it was. `Events.cancel` makes it none."""

    cycle: int
    order: int
    call: Callable[[int], None] | None = field(compare=False)


class Events:
    """The queue. What is due at the same cycle happens in the order in which it was asked for.

    Args:
        on_new: told the cycle of each event that is added.
    """

    def __init__(self, on_new: Callable[[int], None]) -> None:
        self._on_new = on_new
        self._heap: list[Event] = []
        self._order = itertools.count()

    def at(self, cycle: int, call: Callable[[int], None]) -> Event:
        """Have ``call`` happen when the clock reaches ``cycle``."""
        event = Event(cycle, next(self._order), call)
        heapq.heappush(self._heap, event)
        self._on_new(cycle)
        return event

    def cancel(self, event: Event | None) -> None:
        """Have it not happen; nothing where it has, or where there is none."""
        if event is not None:
            event.call = None

    def next(self) -> int:
        """Cycle of the next event; `FAR` without one."""
        while self._heap and self._heap[0].call is None:
            heapq.heappop(self._heap)
        return self._heap[0].cycle if self._heap else FAR

    def run_one(self) -> None:
        """Let the next event happen."""
        event = heapq.heappop(self._heap)
        if event.call is not None:
            event.call(event.cycle)

    def clear(self) -> None:
        """Forget everything: a reset."""
        self._heap.clear()
