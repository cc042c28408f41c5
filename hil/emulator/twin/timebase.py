"""Time of a chip: cycles of its core's clock, which may change or stand still, and seconds, which go on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from hil.emulator.twin.events import Events

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.core import Core
    from hil.emulator.twin.events import Event


@dataclass(eq=False)
class Timer:
    """A call due at a time rather than a cycle: it keeps its time when the core's clock changes or stands still.

    Attributes:
        due: in seconds since power-up.
        call: what happens.
        soft: it can wait for the end of a block of instructions (`Core.run`).
        lasting: a reset of the chip does not end it.
        event: what stands for it among the cycles.
    """

    due: Fraction
    call: Callable[[], None]
    soft: bool = False
    lasting: bool = False
    event: Event | None = None


class Timebase:
    """Cycles and seconds, and what is due in either.

    Attributes:
        core: whose clock it is.
        events: what is due when, to the cycle.
        outside: what comes from outside of the chip: due at the end of a block of instructions (`Core.run`).
    """

    def __init__(self, core: Core, clock_hz: int) -> None:
        self.core = core
        self.events = Events(self._come_back_by)
        self.outside = Events(self._come_back_softly_by)
        self._clock_hz = clock_hz
        self._timers: list[Timer] = []
        self._segment = (0, Fraction(0))  # cycle and second at which the core's clock last changed

    @property
    def clock_hz(self) -> int:
        """Frequency of the core's clock now, in Hz."""
        return self._clock_hz

    def now(self) -> int:
        """Cycles of the core's clock since power-up, exact within an access too."""
        return self.core.now()

    def seconds(self) -> Fraction:
        """Time since power-up."""
        cycle, second = self._segment
        return second + Fraction(self.now() - cycle, self._clock_hz)

    def cycles(self, seconds: Fraction) -> int:
        """Cycles of the core's clock, at the frequency of now, that a time takes: the next whole number."""
        return -(-seconds.numerator * self._clock_hz // seconds.denominator)

    def set_clock(self, hz: int) -> None:
        """The core's clock runs at another frequency from now on."""
        self._segment = (self.now(), self.seconds())
        self._clock_hz = hz
        for timer in self._timers:
            self._arm(timer)

    def pass_time(self, second: Fraction) -> None:
        """It is a later time, and the core's clock has stood still meanwhile."""
        self._segment = (self.now(), second)
        for timer in self._timers:
            self._arm(timer)

    def at_second(self, due: Fraction, call: Callable[[], None], *, soft: bool = False, lasting: bool = False) -> Timer:
        """Have something happen at a time since power-up, however the core's clock changes until then."""
        timer = Timer(due, call, soft, lasting)
        self._timers.append(timer)
        self._arm(timer)
        return timer

    def after(self, seconds: Fraction, call: Callable[[], None], *, soft: bool = False, lasting: bool = False) -> Timer:
        """Have something happen after a time."""
        return self.at_second(self.seconds() + seconds, call, soft=soft, lasting=lasting)

    def cancel(self, timer: Timer | None) -> None:
        """Have it not happen; nothing where it has, or where there is none."""
        if timer in self._timers:
            self._timers.remove(timer)
            self.events.cancel(timer.event)

    def _arm(self, timer: Timer) -> None:
        self.events.cancel(timer.event)
        queue = self.outside if timer.soft else self.events
        timer.event = queue.at(max(self.now(), self._cycle_at(timer.due)), lambda _cycle: self._happen(timer))

    def _cycle_at(self, due: Fraction) -> int:
        """The first cycle that is not before a time, if the clock goes on as it does. In integers: bytes are many."""
        cycle, second = self._segment
        early = second.numerator * due.denominator - due.numerator * second.denominator
        return cycle - early * self._clock_hz // (second.denominator * due.denominator)

    def _happen(self, timer: Timer) -> None:
        self.cancel(timer)
        timer.call()

    def _next_timer(self) -> Timer | None:
        return min(self._timers, key=lambda timer: timer.due, default=None)

    def _clear(self) -> None:
        """Forget what is due, but for what a reset leaves; `set_clock` takes that up again."""
        self.events.clear()
        self.outside.clear()
        self._timers = [timer for timer in self._timers if timer.lasting]

    def _come_back_by(self, cycle: int) -> None:
        """The core must not run beyond a cycle without the events being looked at."""
        self.core.shared.horizon = min(self.core.shared.horizon, cycle)

    def _come_back_softly_by(self, cycle: int) -> None:
        self.core.shared.soft_horizon = min(self.core.shared.soft_horizon, cycle)

    def _next_due(self) -> int:
        """Cycle of the next event of either kind."""
        return min(self.events.next(), self.outside.next())

    def _run_due(self, now: int) -> None:
        """Let happen what is due, in order; what is due at the same cycle as what comes from outside goes first."""
        events, outside = self.events, self.outside
        while True:
            inner, outer = events.next(), outside.next()
            if min(inner, outer) > now:
                return
            (events if inner <= outer else outside).run_one()
