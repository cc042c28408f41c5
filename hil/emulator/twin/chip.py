"""A chip: core, bus, peripherals, time. What is special to a part is in its folder (`stm32l031`)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Self

from hil.emulator.twin.core import FAR, FAULTS, Stop
from hil.emulator.twin.events import Events
from hil.emulator.twin.registers import PAGE_BYTES, NotModelledError, Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.core import Core
    from hil.emulator.twin.events import Event

SYSTEM_PAGE_BYTES: Final = 0x1000


@dataclass
class Timer:
    """A call due at a time rather than a cycle: it keeps its time when the core's clock changes."""

    due: Fraction
    call: Callable[[], None]
    event: Event | None = None


class Chip:
    """Runs a core and what is around it, in virtual time. Used from one thread.

    Time passes only while something happens: where the core sleeps and an event is due, the clock jumps to it.

    Attributes:
        core: executes.
        events: what is due when, to the cycle.
        outside: what comes from outside of the chip: due at the end of a block of instructions (`Core.run`).
        trouble: why the chip cannot go on: firmware used what is not modelled. Empty while all is well.
    """

    def __init__(self, core: Core, clock_hz: int) -> None:
        self.core = core
        self.events = Events(self._come_back_by)
        self.outside = Events(self._come_back_softly_by)
        self.trouble = ""
        self._reset_requested = False
        self._bus: list[tuple[Peripheral, int]] = []
        self._clock_hz = clock_hz
        self._timers: list[Timer] = []
        self._segment = (0, Fraction(0))  # cycle and second at which the core's clock last changed
        self.on_reset: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.core.close()

    # Time

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

    def set_clock(self, hz: int) -> None:
        """The core's clock runs at another frequency from now on."""
        self._segment = (self.now(), self.seconds())
        self._clock_hz = hz
        for timer in self._timers:
            self.events.cancel(timer.event)
            self._arm(timer)

    def after(self, seconds: Fraction, call: Callable[[], None]) -> Timer:
        """Have something happen after a time, however the core's clock changes until then."""
        timer = Timer(self.seconds() + seconds, call)
        self._timers.append(timer)
        self._arm(timer)
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Have it not happen; nothing where it has, or where there is none."""
        if timer in self._timers:
            self._timers.remove(timer)
            self.events.cancel(timer.event)

    def _arm(self, timer: Timer) -> None:
        def happen(_cycle: int) -> None:
            self._timers.remove(timer)
            timer.call()

        timer.event = self.events.at(self.now() + max(0, self.cycles(timer.due - self.seconds())), happen)

    def cycles(self, seconds: Fraction) -> int:
        """Cycles of the core's clock, at the frequency of now, that a time takes: the next whole number."""
        return -(-seconds * self._clock_hz // 1)

    def _come_back_by(self, cycle: int) -> None:
        """The core must not run beyond a cycle without the events being looked at."""
        self.core.shared.horizon = min(self.core.shared.horizon, cycle)

    def _come_back_softly_by(self, cycle: int) -> None:
        self.core.shared.soft_horizon = min(self.core.shared.soft_horizon, cycle)

    def _run_events(self, now: int) -> None:
        """Let happen what is due, in order."""
        while (first := min(self.events, self.outside, key=Events.next)).next() <= now:
            first.run_one()

    # Interrupts

    def set_line(self, number: int, *, level: bool) -> None:
        """Drive an interrupt line: while it is high the interrupt becomes pending again whenever it is over."""
        shared = self.core.shared
        bit = 1 << number
        if not level:
            shared.lines &= ~bit
            return
        if not shared.lines & bit:
            shared.lines |= bit
            if number + 16 not in shared.level[: shared.active]:
                shared.pending |= bit
            self.core.reconsider()

    # Bus

    def attach(self, peripheral: Peripheral, *, size: int = PAGE_BYTES) -> None:
        """Put a peripheral on the bus at its base address."""
        self._bus.append((peripheral, size))

        def read(offset: int, size: int) -> int:
            try:
                return peripheral.read(offset, size)
            except NotModelledError as error:
                self._give_up(error)
                return 0

        def write(offset: int, size: int, value: int) -> None:
            try:
                peripheral.write(offset, size, value)
            except NotModelledError as error:
                self._give_up(error)

        self.core.map_registers(peripheral.base, size, read, write)

    def peripheral_at(self, address: int) -> Peripheral | None:
        """Whose registers lie at an address."""
        for peripheral, size in self._bus:
            if peripheral.base <= address < peripheral.base + size:
                return peripheral
        return None

    def _give_up(self, error: NotModelledError) -> None:
        if not self.trouble:
            self.trouble = f"the firmware at 0x{self.core.read_register('pc') & ~1:08x} {error}"
        self._come_back_by(0)

    # Life

    def request_reset(self) -> None:
        """From within an access or an event: reset as soon as the running block of instructions has ended."""
        self._reset_requested = True
        self._come_back_by(0)

    def reset(self) -> None:
        """Reset everything but the clock and the memories' content."""
        self.events.clear()
        self.outside.clear()
        self._timers.clear()
        self.trouble = ""
        self._reset_requested = False
        self.on_reset()
        for peripheral, _ in self._bus:
            peripheral.reset()
        self.core.reset()

    def run(self, horizon: int) -> Stop:
        """Run up to a cycle, and on to the end of the block of instructions that runs then.

        Returns:
            `Stop.DUE` at the horizon, `Stop.ASLEEP` when the core sleeps and nothing will be due; otherwise
            why the core stopped. `trouble` may be set with any of them.
        """
        shared = self.core.shared
        while not self.trouble:
            self._run_events(shared.clock)
            if self._reset_requested:
                self.reset()
            if shared.clock >= horizon:
                return Stop.DUE
            stop = self.core.run(self.events.next(), min(self.outside.next(), horizon))
            if stop is Stop.ASLEEP:  # the core may have set something going before it slept
                due = min(self.events.next(), self.outside.next())
                if due >= FAR:
                    return stop
                shared.clock = max(shared.clock, min(due, horizon))
            elif stop is Stop.STORE:
                self._store()
            elif stop is not Stop.DUE:
                return stop
        return Stop.DUE

    def step(self, *, mask_interrupts: bool) -> Stop:
        """Execute one instruction, and let happen what became due with it."""
        self._run_events(self.core.shared.clock)
        stop = self.core.step(mask_interrupts=mask_interrupts)
        if stop is Stop.STORE:
            self._store()
            stop = Stop.STEPPED
        self._run_events(self.core.shared.clock)
        return stop

    def fault_words(self) -> str:
        """What raised the latest HardFault, in words; empty without one."""
        shared = self.core.shared
        if not shared.fault:
            return ""
        return f"{FAULTS[shared.fault]} at 0x{shared.fault_pc:08x}"

    def store(self, address: int, size: int, value: int) -> bool:
        """A store to memory that takes no plain ones; False for a bus fault. A part overrides this."""
        del address, size, value
        return False

    def _store(self) -> None:
        for each in self.core.stores():
            if not self.store(each.address, each.bytes, each.value):
                self.core.store_fault()
                return
        self.core.store_done()
