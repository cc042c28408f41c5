"""RTC (RM0377, 22): the wake-up timer, and the backup registers. Calendar, alarms, time stamps and tampers are refused.

Bits: ST's stm32l031xx.h. How the timer is set up, and its clocks: AN4759, 2.4 (read in part), and ST's
stm32l0xx_hal_rtc_ex.c. Two cycles of RTCCLK for WUTWF: AN4759. The reset values are (recalled). A system reset changes
nothing here. The first period begins when WUTE is set, while that of silicon begins with the next tick of its clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031.rcc import RTCEN
from hil.emulator.twin.ticks import OwnTicks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.rcc import Rcc
    from hil.emulator.twin.timebase import Timer

BASE: Final = 0x40002800
_WUCKSEL, _BYPSHAD, _FMT, _WUTE, _WUTIE = 7, 1 << 5, 1 << 6, 1 << 10, 1 << 14
_CR: Final = _WUCKSEL | _BYPSHAD | _FMT | _WUTE | _WUTIE
_WUTWF, _RSF, _INITF, _INIT, _WUTF = 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 10
_UNLOCKED: Final = 0x3F00  # of RTC_ISR: flags that are cleared without the keys of RTC_WPR (RM0377, 22.4.7)
_KEYS: Final = (0xCA, 0x53)
_SYNC: Final = 2
_BACKUP: Final = 0x50


class Rtc(Peripheral):
    """RTC.

    Args:
        chip: whose.
        rcc: clocks it.
        may_write: whether PWR_CR.DBP lets it be written.
        on_wakeup: the signal of the wake-up timer rises.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("TR", 0x00, refused=True),
        Register("DR", 0x04, refused=True),
        Register("CR", 0x08, writable=_CR, unmodelled=0x00FFFF7F & ~_CR),
        Register("ISR", 0x0C, reset=0x7, acts=0x7FA0),
        Register("PRER", 0x10, reset=0x007F00FF, writable=0x007F7FFF),
        Register("WUTR", 0x14, reset=0xFFFF, writable=0xFFFF),
        Register("ALRMAR", 0x1C, refused=True),
        Register("ALRMBR", 0x20, refused=True),
        Register("WPR", 0x24, acts=0xFF),
        Register("SSR", 0x28, refused=True),
        Register("SHIFTR", 0x2C, refused=True),
        Register("TSTR", 0x30, refused=True),
        Register("TSDR", 0x34, refused=True),
        Register("TSSSR", 0x38, refused=True),
        Register("CALR", 0x3C, refused=True),
        Register("TAMPCR", 0x40, refused=True),
        Register("ALRMASSR", 0x44, refused=True),
        Register("ALRMBSSR", 0x48, refused=True),
        Register("OR", 0x4C, refused=True),
        *(Register(f"BKP{n}R", _BACKUP + 4 * n, writable=0xFFFFFFFF) for n in range(5)),
    )

    def __init__(self, chip: Chip, rcc: Rcc, may_write: Callable[[], bool], on_wakeup: Callable[[], None]) -> None:
        self._chip = chip
        self._rcc = rcc
        self._may_write = may_write
        self._on_wakeup = on_wakeup
        self._ticks: OwnTicks | None = None
        self._hz = 0
        self._due: Timer | None = None
        self._sync: Timer | None = None
        super().__init__("RTC", BASE)
        rcc.on_rtc.append(self.clock_changed)
        rcc.on_rtc_reset = self.reset_domain
        for name in rcc.uses:
            rcc.uses[name].append(self._counts)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._rcc.csr(RTCEN)

    def reset(self) -> None:
        """See `Peripheral`; only a power-up or RTCRST changes anything."""
        if not self.value:
            self.reset_domain()

    def reset_domain(self) -> None:
        """As after a power-up."""
        super().reset()
        self._chip.cancel(self._due)
        self._chip.cancel(self._sync)
        self._due = self._sync = None
        self._keys = 0
        self._next = 0  # tick at which the wake-up timer is at 0
        self._shadow = 0  # tick from which RSF is set

    def clock_changed(self) -> None:
        """RTCCLK may have begun, stopped, or become another."""
        hz = self._rcc.rtc_hz()
        if hz != self._hz:
            self._chip.cancel(self._due)
            self._hz = hz
            self._ticks = OwnTicks(self._chip, hz, lasting=True) if hz else None
            self._shadow = _SYNC
            self._start()

    def _counts(self) -> bool:
        return self._ticks is not None and bool(self.value["CR"] & _WUTE)

    # The wake-up timer

    def _period(self) -> int:
        """Cycles of RTCCLK between two times that the timer is at 0."""
        select = self.value["CR"] & _WUCKSEL
        counts = self.value["WUTR"] + 1
        if select < 4:  # noqa: PLR2004 # bit 2: ck_spre
            return counts * (16 >> select)
        spre = ((self.value["PRER"] >> 16 & 0x7F) + 1) * ((self.value["PRER"] & 0x7FFF) + 1)
        return (counts + (1 << 16 if select & 2 else 0)) * spre

    def _start(self) -> None:
        if self._ticks and self.value["CR"] & _WUTE:
            self._next = self._ticks.count() + self._period()
        self._arm()

    def _settle(self) -> None:
        """Take note of what has passed."""
        if self._ticks and self.value["CR"] & _WUTE and self._ticks.count() >= self._next:
            late = self._ticks.count() - self._next
            self._next += (late // self._period() + 1) * self._period()
            if not self.value["ISR"] & _WUTF:
                self.value["ISR"] |= _WUTF
                if self.value["CR"] & _WUTIE:
                    self._on_wakeup()

    def _arm(self) -> None:
        """Have the timer reach 0, where that changes anything."""
        self._chip.cancel(self._due)
        self._due = None
        wanted = self.value["CR"] & _WUTE and self.value["CR"] & _WUTIE and not self.value["ISR"] & _WUTF
        if self._ticks and wanted:
            self._due = self._ticks.at(self._next, self._reached)

    def _reached(self) -> None:
        self._settle()
        self._arm()

    def wakes(self) -> bool:
        """Whether WUTF is set, which keeps Stop mode from being entered."""
        self._settle()
        return bool(self.value["ISR"] & _WUTF)

    # Registers

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        self._settle()
        return super().load(offset, size)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`; with two locks."""
        self._settle()
        free = offset >= _BACKUP or offset & ~3 == self._by_name["WPR"].offset
        if not self._may_write():
            self._chip.note("RTC DBP", "RTC is written while PWR_CR.DBP protects it")
        elif free or self._keys == len(_KEYS):
            super().take(offset, size, value)
            self._arm()
        elif offset & ~3 == self._by_name["ISR"].offset:
            self._clear_flags(offset, size, value)
        else:
            self._note_locked()

    def _clear_flags(self, offset: int, size: int, value: int) -> None:
        """A store to RTC_ISR while it is locked: the rest of it stays as it is."""
        shift = 8 * (offset % 4)
        word, mask = value << shift, ((1 << 8 * size) - 1) << shift
        if (word ^ self.read_isr()) & mask & (_INIT | _RSF):
            self._note_locked()
        self.write_isr(word, mask & _UNLOCKED)
        self._arm()

    def _note_locked(self) -> None:
        self._chip.note("RTC WPR", "RTC is written before the keys were written to RTC_WPR")

    def write_wpr(self, word: int, mask: int) -> None:
        """Two keys unlock, anything else locks."""
        key = word & mask & 0xFF
        self._keys = self._keys + 1 if self._keys < len(_KEYS) and key == _KEYS[self._keys] else 0

    def _after_sync(self, flag: int) -> None:
        def done() -> None:
            self.value["ISR"] |= flag

        if self._ticks:
            self._sync = self._ticks.at(self._ticks.count() + _SYNC, done)

    def write_cr(self, word: int, mask: int) -> None:
        """Start and stop the wake-up timer."""
        old = self.value["CR"]
        if (word ^ old) & mask & _WUCKSEL and not self.value["ISR"] & _WUTWF:
            raise NotModelledError("changes WUCKSEL of RTC_CR while WUTWF is clear")
        self.store("CR", word, mask)
        started = self.value["CR"] & ~old
        if started & _WUTE:
            self._chip.cancel(self._sync)
            self.value["ISR"] &= ~_WUTWF
            self._start()
        elif old & _WUTE and not self.value["CR"] & _WUTE:
            self._after_sync(_WUTWF)
        if started & _WUTIE and self.value["ISR"] & _WUTF:
            self._on_wakeup()

    def write_wutr(self, word: int, mask: int) -> None:
        """The reload value."""
        if not self.value["ISR"] & _WUTWF:
            raise NotModelledError("writes RTC_WUTR while WUTWF is clear")
        self.store("WUTR", word, mask)

    def write_prer(self, word: int, mask: int) -> None:
        """The prescalers, in initialisation mode."""
        if not self.value["ISR"] & _INITF:
            raise NotModelledError("writes RTC_PRER outside of initialisation mode")
        self.store("PRER", word, mask)

    def read_isr(self) -> int:
        """Flags."""
        ready = self._ticks is not None and self._ticks.count() >= self._shadow and not self.value["ISR"] & _INIT
        return self.value["ISR"] | (_RSF if ready else 0)

    def write_isr(self, word: int, mask: int) -> None:
        """Initialisation mode; written zeros clear flags."""
        old = self.value["ISR"]
        self.value["ISR"] &= word | ~(mask & _WUTF)
        if mask & _RSF and not word & _RSF and self._ticks:
            self._shadow = self._ticks.count() + _SYNC
        if word & mask & _INIT and not old & _INIT:
            self.value["ISR"] |= _INIT
            self._after_sync(_INITF)
        elif mask & _INIT and not word & _INIT:
            self._chip.cancel(self._sync)
            self.value["ISR"] &= ~(_INIT | _INITF)
