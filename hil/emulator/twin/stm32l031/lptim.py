"""LPTIM1 (RM0377, 19): counting up from its own clock or the bus's, once or continuously, also in Stop mode.

Bits: ST's stm32l031xx.h. When registers may change, and what SNGSTRT and CNTSTRT do: ST's stm32l0xx_hal_lptim.c and the
register texts that embassy's stm32-data has of it. The two cycles until an update is done, and until counting begins,
are (recalled).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031 import clock_tree as tree
from hil.emulator.twin.stm32l031.rcc import LSERDY, LSIRDY
from hil.emulator.twin.ticks import BusTicks, OwnTicks, UpCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event
    from hil.emulator.twin.stm32l031.rcc import Rcc
    from hil.emulator.twin.ticks import Ticks
    from hil.emulator.twin.timebase import Timer

BASE: Final = 0x40007C00
_INTERRUPT: Final = 13
_BIT: Final = 31
CMPM, ARRM, CMPOK, ARROK = 1, 2, 8, 16
_MODELLED: Final = CMPM | ARRM | CMPOK | ARROK
_ENABLE, _SNGSTRT, _CNTSTRT = 1, 2, 4
_SYNC: Final = 2
_HALF: Final = 0xFFFF


class Lptim(Peripheral):
    """LPTIM1.

    Args:
        chip: whose.
        rcc: clocks it.
        on_wake: its interrupt is raised in Stop mode.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("ISR", 0x00),
        Register("ICR", 0x04, acts=0x7F),
        Register("IER", 0x08, writable=_MODELLED, unmodelled=0x7F & ~_MODELLED),
        Register("CFGR", 0x0C, writable=0xE00, unmodelled=0x01FEEEDF & ~0xE00),
        Register("CR", 0x10, writable=_ENABLE, acts=_SNGSTRT | _CNTSTRT),
        Register("CMP", 0x14, writable=_HALF),
        Register("ARR", 0x18, reset=1, writable=_HALF),
        Register("CNT", 0x1C),
    )

    def __init__(self, chip: Chip, rcc: Rcc, on_wake: Callable[[], None]) -> None:
        self._chip = chip
        self._rcc = rcc
        self._on_wake = on_wake
        self._bus = BusTicks(chip, lambda: rcc.tree.apb_divider(1) if self.clocked() else 0)
        self._ticks: Ticks = self._bus
        self._counter = UpCounter(self._ticks, self._passed, self._wrapped)
        self._source = tree.LPTIM_PCLK
        self._due: Event | Timer | None = None
        self._syncs: dict[int, Event | Timer] = {}
        super().__init__("LPTIM1", BASE)
        rcc.on_buses.append(self.clock_changed)
        rcc.uses["LSI"].append(lambda: self._counts(tree.LPTIM_LSI))
        rcc.uses["LSE"].append(lambda: self._counts(tree.LPTIM_LSE))

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._rcc.enabled("APB1ENR", _BIT)

    @property
    def own_clock(self) -> bool:
        """Whether it is enabled and counts a clock that goes on in Stop mode."""
        return self._counts(tree.LPTIM_LSI) or self._counts(tree.LPTIM_LSE)

    def _counts(self, source: int) -> bool:
        return bool(self.value["CR"]) and self._source == source

    def clock_changed(self) -> None:
        """The prescaler of its bus may have changed."""
        self._counter.settle()
        self._bus.changed()
        self._arm()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._disable()
        self._update()

    def _disable(self) -> None:
        self._ticks.cancel(self._due)
        for sync in self._syncs.values():
            self._ticks.cancel(sync)
        self._due = None
        self._syncs = {}
        self._counter.stop()
        self._counter.clear()
        self._single = False

    def _enable(self) -> None:
        self._source = self._rcc.tree.lptim_source()
        if self._source == tree.LPTIM_HSI16:
            raise NotModelledError("clocks LPTIM1 from HSI16")
        self._ticks = self._bus
        for source, ready, hz in ((tree.LPTIM_LSI, LSIRDY, tree.LSI_HZ), (tree.LPTIM_LSE, LSERDY, tree.LSE_HZ)):
            if self._source == source:
                if not self._rcc.csr(ready):
                    raise NotModelledError("enables LPTIM1 while the clock that it is to count is not ready")
                self._ticks = OwnTicks(self._chip, hz)
        self._counter.ticks = self._ticks
        self._counter.step = 1 << (self.value["CFGR"] >> 9 & 7)
        self._counter.top = self.value["ARR"]
        self._enabled_at = self._ticks.count()

    # Counting

    def _passed(self, above: int, value: int) -> None:
        if above < self.value["CMP"] <= value:
            self.value["ISR"] |= CMPM
        if value == self._counter.top:
            self.value["ISR"] |= ARRM

    def _wrapped(self) -> None:
        if self._single:
            self._counter.stop()

    def _arm(self) -> None:
        self._ticks.cancel(self._due)
        self._due = None
        if self.value["IER"] & (CMPM | ARRM):
            due = self._counter.due(self.value["CMP"], self._counter.top)
            if due is not None:
                self._due = self._ticks.at(due, self._reached)

    def _reached(self) -> None:
        self._counter.settle()
        self._update()
        self._arm()

    def _update(self) -> None:
        level = bool(self.value["ISR"] & self.value["IER"])
        self._chip.set_line(_INTERRUPT, level=level)
        if level and self._chip.standing_still:
            self._on_wake()

    # Registers

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        self._touch()
        return super().load(offset, size)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        self._touch()
        super().take(offset, size, value)
        self._update()
        self._arm()

    def _touch(self) -> None:
        if self.value["CR"] and self._source != self._rcc.tree.lptim_source():
            raise NotModelledError("uses LPTIM1 after RCC_CCIPR was changed while LPTIM1 was enabled")
        self._counter.settle()

    def _require(self, what: str, *, enabled: bool) -> None:
        if bool(self.value["CR"] & _ENABLE) != enabled:
            raise NotModelledError(f"writes LPTIM1_{what} while LPTIM1 is {'disabled' if enabled else 'enabled'}")

    def write_cfgr(self, word: int, mask: int) -> None:
        """The prescaler."""
        self._require("CFGR", enabled=False)
        self.store("CFGR", word, mask)

    def write_ier(self, word: int, mask: int) -> None:
        """Which flags raise the interrupt."""
        self._require("IER", enabled=False)
        self.store("IER", word, mask)

    def write_cr(self, word: int, mask: int) -> None:
        """Enable, and start counting."""
        old = self.value["CR"]
        self.store("CR", word, mask)
        if not self.value["CR"]:
            self._disable()
            return
        if not old:
            self._enable()
        start = word & mask & (_SNGSTRT | _CNTSTRT)
        if start and not old:
            raise NotModelledError("starts LPTIM1 with the same write that enables it: the start is lost")
        if start:
            self._single = not start & _CNTSTRT
            if not self._counter.running:
                self._counter.start(delay=max(0, self._enabled_at + _SYNC - self._ticks.count()))

    def _sync(self, register: str, flag: int, word: int, mask: int) -> None:
        """Take over a value into the clock domain of the counter."""
        self._require(register, enabled=True)
        if flag in self._syncs:
            raise NotModelledError(f"writes LPTIM1_{register} before the last write of it is done")

        def done() -> None:
            del self._syncs[flag]
            self._counter.settle()
            self.store(register, word, mask)
            if flag == ARROK:
                if self._counter.value > self.value["ARR"]:
                    raise NotModelledError("sets LPTIM1_ARR below the counter")
                self._counter.top = self.value["ARR"]
            self.value["ISR"] |= flag
            self._update()
            self._arm()

        self._syncs[flag] = self._ticks.at(self._ticks.count() + _SYNC, done)

    def write_cmp(self, word: int, mask: int) -> None:
        """The value to compare with."""
        self._sync("CMP", CMPOK, word, mask)

    def write_arr(self, word: int, mask: int) -> None:
        """The highest value."""
        self._sync("ARR", ARROK, word, mask)

    def read_cnt(self) -> int:
        """The counter."""
        return self._counter.value

    def write_icr(self, word: int, mask: int) -> None:
        """Clear flags."""
        self.value["ISR"] &= ~(word & mask)
