"""TIMER0, 32 bits wide (nRF51 Series Reference Manual v3.0.1, 18): timer mode. Counter mode is not modelled.

It counts HFCLK divided by a power of two, and HFCLK is the core's clock, so its counts are exact in cycles. When a task
takes effect to the cycle is not in the manual: here it is at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.nrf51.block import EVENTS_AT, POWER, Block, event, interrupts, task
from hil.emulator.twin.registers import WORD, NotModelledError, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event

BASE: Final = 0x40008000
_CHANNELS: Final = 4
_BITS: Final = (16, 8, 24, 32)  # by BITMODE
_CLEAR, _STOP = 0, 8  # the lowest bits of SHORTS
_BOTH: Final = 1 << _CLEAR | 1 << _STOP
_SLOWEST: Final = 9  # PRESCALER


class Timer(Block):
    """TIMER0."""

    EVENTS: ClassVar[Mapping[str, int]] = {f"COMPARE{n}": 0x140 + 4 * n for n in range(_CHANNELS)}
    REGISTERS: ClassVar[Sequence[Register]] = (
        task("START", 0x000),
        task("STOP", 0x004),
        Register("TASKS_COUNT", 0x008, refused=True),
        task("CLEAR", 0x00C),
        task("SHUTDOWN", 0x010),
        *(task(f"CAPTURE{n}", 0x040 + 4 * n) for n in range(_CHANNELS)),
        *(event(name, offset) for name, offset in EVENTS.items()),
        Register("SHORTS", 0x200, writable=0xF0F),
        *interrupts(EVENTS),
        Register("MODE", 0x504, unmodelled=1),
        Register("BITMODE", 0x508, writable=3),
        Register("PRESCALER", 0x510, reset=4, writable=0xF),
        *(Register(f"CC{n}", 0x540 + 4 * n, writable=0xFFFFFFFF) for n in range(_CHANNELS)),
        POWER,
    )

    def __init__(self, chip: Chip) -> None:
        self._running = False
        self._from = (0, 0)  # cycle and count from which it counts
        self._due: list[Event] = []
        super().__init__(chip, "TIMER0", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._running = False
        self._from = (self._chip.now(), 0)
        self._arm()

    def _wraps(self) -> int:
        """How many counts there are."""
        return 1 << _BITS[self.value["BITMODE"]]

    def _step(self) -> int:
        """Cycles of a count."""
        return 1 << self.value["PRESCALER"]

    def count(self) -> int:
        """The counter now."""
        cycle, count = self._from
        if self._running:
            count += (self._chip.now() - cycle) // self._step()
        return count % self._wraps()

    def _left(self, channel: int) -> int:
        """Counts from `_from` on until a compare value is met."""
        return (self.value[f"CC{channel}"] - self._from[1]) % self._wraps() or self._wraps()

    def _settle(self) -> None:
        """Count from here on; what was met is taken note of, and what has passed of a count is kept."""
        cycle, _ = self._from
        now = self._chip.now()
        passed, begun = divmod(now - cycle, self._step()) if self._running else (0, 0)
        for n in range(_CHANNELS):
            if passed >= self._left(n):
                self.value[f"EVENTS_COMPARE{n}"] = 1
        self._from = (now - begun, self.count())
        self._update()

    def _arm(self) -> None:
        """Have it meet those compare values that do something: a core that sleeps is not woken up for others."""
        for due in self._due:
            self._chip.events.cancel(due)
        self._due = []
        for n, offset in enumerate(self.EVENTS.values()):
            acts = self.inten >> (offset - EVENTS_AT) // WORD & 1 or self.value["SHORTS"] >> n & _BOTH
            if self._running and acts:
                self._due.append(self._chip.events.at(self._from[0] + self._left(n) * self._step(), self._meeting(n)))

    def _meeting(self, channel: int) -> Callable[[int], None]:
        def meet(_cycle: int) -> None:
            self._settle()
            if self.value["SHORTS"] >> (_CLEAR + channel) & 1:
                self._from = (self._chip.now(), 0)
            if self.value["SHORTS"] >> (_STOP + channel) & 1:
                self._running = False
                self._chip.set_up_anew()
            self._arm()

        return meet

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return self._running

    # Registers

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        self._settle()
        return super().load(offset, size)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        self._settle()
        super().take(offset, size, value)
        self._arm()

    def write_tasks_start(self, word: int, _mask: int) -> None:
        """Count on."""
        if word and not self._running:
            self._running = True
            self._from = (self._chip.now(), self._from[1])

    def write_tasks_stop(self, word: int, _mask: int) -> None:
        """Stand still."""
        self._running = self._running and not word

    write_tasks_shutdown = write_tasks_stop

    def write_tasks_clear(self, word: int, _mask: int) -> None:
        """Begin at 0 again."""
        if word:
            self._from = (self._chip.now(), 0)

    def write_prescaler(self, word: int, mask: int) -> None:
        """Only while it stands still, and up to 9."""
        if self._running or word > _SLOWEST:
            raise NotModelledError(f"sets TIMER0_PRESCALER to {word}{' while TIMER0 runs' if self._running else ''}")
        self.store("PRESCALER", word, mask)

    def write_bitmode(self, word: int, mask: int) -> None:
        """Only while it stands still."""
        if self._running:
            raise NotModelledError("changes TIMER0_BITMODE while TIMER0 runs")
        self.store("BITMODE", word, mask)

    def _capture(self, channel: int) -> None:
        self.value[f"CC{channel}"] = self.count()

    def write_tasks_capture0(self, word: int, _mask: int) -> None:
        """The counter to CC0; the others alike."""
        if word:
            self._capture(0)

    def write_tasks_capture1(self, word: int, _mask: int) -> None:
        """See above."""
        if word:
            self._capture(1)

    def write_tasks_capture2(self, word: int, _mask: int) -> None:
        """See above."""
        if word:
            self._capture(2)

    def write_tasks_capture3(self, word: int, _mask: int) -> None:
        """See above."""
        if word:
            self._capture(3)
