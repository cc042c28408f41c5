"""What counters count: ticks of a clock divided from the core's, or of one of its own; and an up-counter on them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from hil.emulator.twin.core import FAR
from hil.emulator.twin.events import Event
from hil.emulator.twin.timebase import Timebase, Timer

if TYPE_CHECKING:
    from collections.abc import Callable


class Ticks(Protocol):
    """Ticks of a clock since some time."""

    def count(self) -> int:
        """How many there have been."""

    def at(self, tick: int, call: Callable[[], None]) -> Event | Timer:
        """Have something happen when there have been so many."""

    def cancel(self, what: Event | Timer | None) -> None:
        """Have it not happen."""


class BusTicks:
    """Ticks that are one in so many cycles of the core's clock, and stand still with that.

    Args:
        chip: whose core.
        divider: how many cycles a tick takes now, 0 where there is none; `changed` is to be called when that changes.
    """

    def __init__(self, chip: Timebase, divider: Callable[[], int]) -> None:
        self._chip = chip
        self._divider = divider
        self._each = divider()
        self._from = (chip.now(), 0)

    def count(self) -> int:
        """See `Ticks`."""
        cycle, tick = self._from
        return tick + ((self._chip.now() - cycle) // self._each if self._each else 0)

    def changed(self) -> None:
        """The divider may have changed: what was to happen has to be asked for anew."""
        each = self._divider()
        if each != self._each:
            self._from = (self._chip.now(), self.count())
            self._each = each

    def at(self, tick: int, call: Callable[[], None]) -> Event:
        """See `Ticks`."""
        cycle, start = self._from
        due = cycle + (tick - start) * self._each if self._each else FAR
        return self._chip.events.at(due, lambda _cycle: call())

    def cancel(self, what: Event | Timer | None) -> None:
        """See `Ticks`."""
        if isinstance(what, Event):
            self._chip.events.cancel(what)


class OwnTicks:
    """Ticks of an oscillator that the core's clock has nothing to do with.

    Args:
        chip: whose time.
        hz: its frequency.
        lasting: a reset of the chip does not end what was asked for.
    """

    def __init__(self, chip: Timebase, hz: Fraction | int, *, lasting: bool = False) -> None:
        self._chip = chip
        self._hz = hz
        self._lasting = lasting
        self._since = chip.seconds()

    def count(self) -> int:
        """See `Ticks`."""
        return (self._chip.seconds() - self._since) * self._hz // 1

    def at(self, tick: int, call: Callable[[], None]) -> Timer:
        """See `Ticks`."""
        return self._chip.at_second(self._since + Fraction(tick) / self._hz, call, lasting=self._lasting)

    def cancel(self, what: Event | Timer | None) -> None:
        """See `Ticks`."""
        if isinstance(what, Timer):
            self._chip.cancel(what)


class UpCounter:
    """Counts from 0 to `top` and again, one in `step` ticks. What has passed is worked out when somebody asks.

    Attributes:
        ticks: what it counts.
        step: ticks of one count.
        top: its highest value; with 0 it stands still.
        value: as of the latest `settle`.
        running: whether it counts.

    Args:
        ticks: what it counts.
        on_passed: told values (above, up to) that it has gone through; from above -1 when it began at 0 again.
        on_wrap: it has begun at 0 again; may change anything here.
    """

    def __init__(self, ticks: Ticks, on_passed: Callable[[int, int], None], on_wrap: Callable[[], None]) -> None:
        self.ticks = ticks
        self.step = 1
        self.top = 0
        self.value = 0
        self.running = False
        self._on_passed = on_passed
        self._on_wrap = on_wrap
        self._phase = 0
        self._tick = 0

    def start(self, *, delay: int = 0) -> None:
        """Count on from where it stands, after some ticks."""
        self._tick = self.ticks.count() + delay
        self.running = True

    def stop(self) -> None:
        """Stand still from now on; `settle` first to take note of what has passed."""
        self.running = False

    def clear(self) -> None:
        """Begin at 0 again, with a whole step before the next value."""
        self.value = self._phase = 0
        self._tick = max(self._tick, self.ticks.count())

    def settle(self) -> None:
        """Take note of what has passed."""
        if not self.running:
            return
        count = self.ticks.count()
        passed = self._phase + max(0, count - self._tick)
        self._tick = max(self._tick, count)
        if self.top == 0:
            return
        left = (self.top + 1 - self.value) * self.step
        if passed < left:
            self._go_to(self.value, self.value + passed // self.step, passed % self.step)
            return
        self._go_to(self.value, self.top, 0)
        self._wrap()
        passed -= left
        if self._stopped():
            return
        period = (self.top + 1) * self.step
        if passed >= period:
            self._go_to(-1, self.top, 0)
            self._wrap()
            passed %= period
        self._go_to(-1, passed // self.step, passed % self.step)

    def due(self, *values: int) -> int | None:
        """Tick at which it reaches the first of some values, or begins at 0 again, if that is earlier."""
        if not self.running or self.top == 0:
            return None
        nearest = min((value for value in values if self.value < value <= self.top), default=self.top + 1)
        return self._tick + (nearest - self.value) * self.step - self._phase

    def _stopped(self) -> bool:
        return not self.running or self.top == 0

    def _go_to(self, above: int, value: int, phase: int) -> None:
        self.value, self._phase = value, phase
        if value > above:
            self._on_passed(above, value)

    def _wrap(self) -> None:
        self.value = self._phase = 0
        self._on_wrap()
