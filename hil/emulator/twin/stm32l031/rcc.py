"""Reset and clock control (RM0377, 7).

Bits, and which of them the STM32L031 has: ST's stm32l031xx.h. What holds in Stop: ST's stm32l0xx_hal_pwr.c. That the
clocks in sleep cannot be taken away here, and that RTC and LSE keep their bits over a system reset, is RM0377 7.3
(recalled).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031 import clock_tree as tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from hil.emulator.twin.chip import Chip

BASE: Final = 0x40021000
HSION, _HSIRDY, MSION, _MSIRDY, PLLON, _PLLRDY = 1, 1 << 2, 1 << 8, 1 << 9, 1 << 24, 1 << 25
LSION, LSIRDY, LSEON, LSERDY, RTCEN = 1, 1 << 1, 1 << 8, 1 << 9, 1 << 18
_RTCSEL, _RTCRST, _RMVF = 3 << 16, 1 << 19, 1 << 23
_RTC_DOMAIN: Final = LSEON | LSERDY | RTCEN | _RTCSEL | _RTCRST | 0x3C00
_RTC_LSE, _RTC_HSE = 1, 3
_RESET_FLAGS: Final = 0xFF000000
RESET_BY_PIN, RESET_BY_POWER, RESET_BY_SOFTWARE, RESET_BY_IWDG = 1 << 26, 1 << 27, 1 << 28, 1 << 29
_STOPWUCK: Final = 1 << 15
_RANGE_VCO_HZ: Final = {1: 96_000_000, 2: 48_000_000, 3: 24_000_000}  # stm32l0xx_hal_rcc.c, table of clock sources

_RESETS: Final = {"IOPENR": "IOPRSTR", "AHBENR": "AHBRSTR", "APB2ENR": "APB2RSTR", "APB1ENR": "APB1RSTR"}
_IOP: Final = 0x87
_AHB: Final = 0x1101
_APB2: Final = 0x401225
_APB1: Final = 0x90260801


class Rcc(Peripheral):
    """RCC: which clock runs, at which frequency, and which peripherals get it.

    Args:
        chip: whose core clock it makes.
        on_change: called after each change of the core's clock.
        may_unlock: whether PWR_CR.DBP lets the bits of RTC and LSE change.

    Attributes:
        tree: the frequencies.
        on_buses: called when the clock of a peripheral may have changed, begun or stopped.
        on_rtc: called when the clock of the RTC may have changed.
        on_written: called when a register was, and what has a clock may have changed.
        on_rtc_reset: called when RTCRST resets the RTC and its domain.
        uses: by oscillator ("LSI", "LSE"), what says whether somebody counts it.
        range: the voltage range.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CR", 0x00, reset=0x300, writable=HSION | MSION | PLLON, unmodelled=0x003D002A),
        Register("ICSCR", 0x04, reset=0xB000, writable=0xFF00FF00),
        Register("CRRCR", 0x08, refused=True),
        Register("CFGR", 0x0C, writable=0x00FCBFF3, unmodelled=0x7F010000),
        Register("CIER", 0x10, unmodelled=0xBF),
        Register("CIFR", 0x14),
        Register("CICR", 0x18, acts=0x1BF),
        Register("IOPRSTR", 0x1C, writable=_IOP),
        Register("AHBRSTR", 0x20, writable=_AHB),
        Register("APB2RSTR", 0x24, writable=_APB2),
        Register("APB1RSTR", 0x28, writable=_APB1),
        Register("IOPENR", 0x2C, writable=_IOP),
        Register("AHBENR", 0x30, reset=0x100, writable=_AHB),
        Register("APB2ENR", 0x34, writable=_APB2 | 0x80),
        Register("APB1ENR", 0x38, writable=_APB1),
        Register("IOPSMENR", 0x3C, reset=_IOP, unmodelled=_IOP),
        Register("AHBSMENR", 0x40, reset=_AHB | 0x200, unmodelled=_AHB | 0x200),
        Register("APB2SMENR", 0x44, reset=_APB2, unmodelled=_APB2),
        Register("APB1SMENR", 0x48, reset=_APB1, unmodelled=_APB1),
        Register("CCIPR", 0x4C, writable=0xC0C0C, unmodelled=0x3000),
        Register(
            "CSR",
            0x50,
            reset=0,
            writable=LSION | LSEON | 0x1800 | _RTCSEL | RTCEN | _RTCRST,
            unmodelled=0x2400,
            acts=_RMVF,
        ),
    )

    def __init__(self, chip: Chip, on_change: Callable[[], None], may_unlock: Callable[[], bool]) -> None:
        self._chip = chip
        self._on_change = on_change
        self._may_unlock = may_unlock
        self._why_reset = RESET_BY_PIN | RESET_BY_POWER
        self._resets: dict[tuple[str, int], Peripheral] = {}
        self.tree = tree.ClockTree(lambda: self.value)
        self.on_buses: list[Callable[[], None]] = []
        self.on_rtc: list[Callable[[], None]] = []
        self.on_written: Callable[[], None] = lambda: None
        self.on_rtc_reset: Callable[[], None] = lambda: None
        self.uses: dict[str, list[Callable[[], bool]]] = {"LSI": [], "LSE": []}
        self.range: Callable[[], int] = lambda: 0
        super().__init__("RCC", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        kept = self.value.get("CSR", 0) & (_RESET_FLAGS | _RTC_DOMAIN)
        super().reset()
        self.value["CSR"] = kept | self._why_reset
        self._why_reset = RESET_BY_PIN
        self._chip.set_clock(self.tree.msi_hz())
        self._tell(self.on_buses)
        self._tell(self.on_rtc)

    def next_reset(self, why: int) -> None:
        """What the flags of CSR will say of the reset that comes; without this call, that it was the pin."""
        self._why_reset = why

    def resets(self, register: str, bit: int, peripheral: Peripheral) -> None:
        """A bit of a reset register holds a peripheral in reset."""
        self._resets[register, bit] = peripheral

    def enabled(self, register: str, bit: int) -> bool:
        """Whether a bit of an enable register is set, and that of the reset register is not."""
        return bool(self.value[register] & ~self.value[_RESETS[register]] & 1 << bit)

    def csr(self, bit: int) -> bool:
        """Whether a bit of CSR is set."""
        return bool(self.value["CSR"] & bit)

    def rtc_hz(self) -> int:
        """RTCCLK; 0 while it does not run."""
        source = self.value["CSR"] >> 16 & 3
        if not self.csr(RTCEN) or source == 0:
            return 0
        if source == _RTC_HSE:
            raise NotModelledError("clocks the RTC from HSE")
        if source == _RTC_LSE:
            return tree.LSE_HZ if self.csr(LSERDY) else 0
        return tree.LSI_HZ if self.csr(LSIRDY) else 0

    # Stop mode

    def stop(self) -> None:
        """Stop mode turns the fast oscillators off (RM0377, 6.3.9)."""
        self.value["CR"] &= ~(PLLON | _PLLRDY | HSION | _HSIRDY | MSION | _MSIRDY)

    def wake_source(self) -> int:
        """Which oscillator wakes the chip up."""
        return tree.HSI16 if self.value["CFGR"] & _STOPWUCK else tree.MSI

    def start(self, source: int) -> None:
        """The oscillator that wakes the chip up is its system clock."""
        self.value["CR"] |= HSION | _HSIRDY if source == tree.HSI16 else MSION | _MSIRDY
        self.value["CFGR"] = (self.value["CFGR"] & ~0xF) | source | source << 2
        self._chip.set_clock(self.tree.hclk_hz())
        self._on_change()

    # Oscillators

    def write_cr(self, word: int, mask: int) -> None:
        """Turn oscillators on and off."""
        old = self.value["CR"]
        self.store("CR", word, mask)
        source = self.value["CFGR"] >> 2 & 3
        for on, ready, start, used in (
            (HSION, _HSIRDY, tree.HSI_START, tree.HSI16),
            (MSION, _MSIRDY, tree.MSI_START, tree.MSI),
            (PLLON, _PLLRDY, tree.PLL_START, tree.PLL),
        ):
            if self.value["CR"] & on and not old & on:
                if on == PLLON:
                    self._check_pll()
                self._starts("CR", on, ready, start)
            elif old & on and not self.value["CR"] & on:
                if source == used or (on == HSION and (source == tree.PLL or self.value["CR"] & PLLON)):
                    self.value["CR"] |= on  # RM0377 7.3.1: cannot be cleared while the system clock needs it
                else:
                    self.value["CR"] &= ~ready

    def _check_pll(self) -> None:
        if not self.value["CR"] & _HSIRDY:
            raise NotModelledError("turns the PLL on while its source HSI16 is not ready")
        vco, limit = self.tree.vco_hz(), _RANGE_VCO_HZ.get(self.range(), 0)
        if vco > limit:
            raise NotModelledError(
                f"has the PLL's oscillator run at {vco} Hz, above the {limit} Hz of its voltage range"
            )

    def _starts(self, register: str, on: int, ready: int, start: Fraction, *, lasting: bool = False) -> None:
        def finish() -> None:
            if self.value[register] & on:
                self.value[register] |= ready
                self._tell(self.on_rtc)

        self._chip.after(start, finish, lasting=lasting)

    def force_lsi(self) -> None:
        """The watchdog starts LSI, and it cannot be stopped any more (RM0377, 20.3)."""
        self.write_csr(self.value["CSR"] | LSION, LSION)
        self.on_written()

    def write_csr(self, word: int, mask: int) -> None:
        """LSI, LSE, the clock of the RTC, and the reset flags."""
        old = self.value["CSR"]
        if not self._may_unlock():
            if (word ^ old) & mask & _RTC_DOMAIN & ~LSERDY:
                self._chip.note("RCC_CSR", "bits of LSE or RTC in RCC_CSR are written while PWR_CR.DBP protects them")
            word = (word & ~_RTC_DOMAIN) | (old & _RTC_DOMAIN)
        self.store("CSR", word, mask)
        if word & mask & _RMVF:
            self.value["CSR"] &= ~_RESET_FLAGS
        if self.csr(_RTCRST):
            self.value["CSR"] &= ~(_RTC_DOMAIN & ~_RTCRST)
            self.on_rtc_reset()
        for name, on, ready, start in (
            ("LSI", LSION, LSIRDY, tree.LSI_START),
            ("LSE", LSEON, LSERDY, tree.LSE_START),
        ):
            if self.csr(on) and not old & on:
                self._starts("CSR", on, ready, start, lasting=name == "LSE")
            elif not self.csr(on):
                if old & on and any(used() for used in self.uses[name]):
                    raise NotModelledError(f"turns {name} off while a timer counts it")
                self.value["CSR"] &= ~ready
        self._tell(self.on_rtc)

    # Frequencies

    def write_icscr(self, word: int, mask: int) -> None:
        """MSI range, and trimming, which has no effect here."""
        self.store("ICSCR", word, mask)
        self._changed()

    def write_cfgr(self, word: int, mask: int) -> None:
        """Choose clocks and prescalers."""
        old = self.value["CFGR"]
        if self.value["CR"] & PLLON and (word ^ old) & mask & 0x00FC0000:
            raise NotModelledError("changes PLLMUL or PLLDIV of RCC_CFGR while the PLL is on")
        self.store("CFGR", word, mask)
        wanted = self.value["CFGR"] & 3
        ready = {tree.MSI: _MSIRDY, tree.HSI16: _HSIRDY, tree.PLL: _PLLRDY}.get(wanted)
        if ready is None:
            raise NotModelledError("chooses HSE as system clock")
        if wanted != (old >> 2 & 3):
            if not self.value["CR"] & ready:
                raise NotModelledError("switches to a system clock that is not ready")
            self.value["CFGR"] = (self.value["CFGR"] & ~0xC) | wanted << 2
        self._changed()
        self._tell(self.on_buses)

    def _changed(self) -> None:
        hz = self.tree.hclk_hz()
        if hz != self._chip.clock_hz:
            self._chip.set_clock(hz)
        self._on_change()

    @staticmethod
    def _tell(calls: Sequence[Callable[[], None]]) -> None:
        for call in calls:
            call()

    # Resets of peripherals

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        super().take(offset, size, value)
        if offset >= self._by_name["IOPRSTR"].offset:
            self._tell(self.on_buses)
        for (name, bit), peripheral in self._resets.items():
            if self._by_name[name].offset == offset & ~3 and self.value[name] >> bit & 1:
                peripheral.reset()
        self.on_written()
