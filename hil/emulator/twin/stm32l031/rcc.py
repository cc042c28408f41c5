"""Reset and clock control (RM0377, 7)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip

BASE: Final = 0x40021000
_HSI16_HZ: Final = 16_000_000
_MSI_HZ: Final = (65_536, 131_072, 262_144, 524_288, 1_048_576, 2_097_152, 4_194_304)  # RM0377 7.2.3
_PLL_MULTIPLIERS: Final = (3, 4, 6, 8, 12, 16, 24, 32, 48)
_HSION, _HSIRDY, _MSION, _MSIRDY, _PLLON, _PLLRDY = 1, 1 << 2, 1 << 8, 1 << 9, 1 << 24, 1 << 25
_LSION, _LSIRDY, _RMVF = 1, 1 << 1, 1 << 23
_RESET_FLAGS: Final = 0xFF000000
RESET_BY_PIN, RESET_BY_POWER, RESET_BY_SOFTWARE, RESET_BY_IWDG = 1 << 26, 1 << 27, 1 << 28, 1 << 29
# DS10668 tables of oscillator characteristics: start-up times, typical (recalled)
_HSI_START: Final = Fraction(37, 10_000_000)
_MSI_START: Final = Fraction(40, 10_000_000)
_PLL_START: Final = Fraction(115, 1_000_000)
_LSI_START: Final = Fraction(200, 1_000_000)
_MSI, _HSI16, _PLL = 0, 1, 3
_AHB_PRESCALERS: Final = (*(1,) * 8, 2, 4, 8, 16, 64, 128, 256, 512)
_APB_PRESCALERS: Final = (*(1,) * 4, 2, 4, 8, 16)


class Rcc(Peripheral):
    """RCC: which clock runs, at which frequency, and which peripherals get it.

    Args:
        chip: whose core clock it makes.
        on_change: called after each change of the core's clock.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CR", 0x00, reset=0x300, writable=_HSION | _MSION | _PLLON, unmodelled=0x003D002A),
        Register("ICSCR", 0x04, reset=0x00B0A000, writable=0x1F00E000),
        Register("CFGR", 0x0C, writable=0x00FDBFF3, unmodelled=0x7F010000),
        Register("CIER", 0x10, unmodelled=0x7F),
        Register("CIFR", 0x14),
        Register("CICR", 0x18),
        Register("IOPRSTR", 0x1C, writable=0x9F),
        Register("AHBRSTR", 0x20, writable=0x1101),
        Register("APB2RSTR", 0x24, writable=0x405225),
        Register("APB1RSTR", 0x28, writable=0xB0A60811),
        Register("IOPENR", 0x2C, writable=0x9F),
        Register("AHBENR", 0x30, reset=0x100, writable=0x1101),
        Register("APB2ENR", 0x34, writable=0x4052A5),
        Register("APB1ENR", 0x38, writable=0xB0A60811),
        Register("IOPSMENR", 0x3C, reset=0x9F, writable=0x9F),
        Register("AHBSMENR", 0x40, reset=0x1301, writable=0x1301),
        Register("APB2SMENR", 0x44, reset=0x405225, writable=0x405225),
        Register("APB1SMENR", 0x48, reset=0xB0A60811, writable=0xB0A60811),
        Register("CCIPR", 0x4C, writable=0xC3C0C, unmodelled=0x33000),
        Register("CSR", 0x50, reset=0x0C000000, writable=_LSION, unmodelled=0x000F3F00),
    )

    def __init__(self, chip: Chip, on_change: Callable[[], None]) -> None:
        self._chip = chip
        self._on_change = on_change
        self._why_reset = RESET_BY_PIN | RESET_BY_POWER
        self._resets: dict[tuple[str, int], Peripheral] = {}
        super().__init__("RCC", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        kept = self.value.get("CSR", 0) & _RESET_FLAGS
        super().reset()
        self.value["CSR"] = kept | self._why_reset
        self._why_reset = RESET_BY_PIN | RESET_BY_SOFTWARE
        self._chip.set_clock(self._msi_hz())

    def next_reset(self, why: int) -> None:
        """What the flags of CSR will say of the reset that comes."""
        self._why_reset = why

    def resets(self, register: str, bit: int, peripheral: Peripheral) -> None:
        """A bit of a reset register holds a peripheral in reset."""
        self._resets[register, bit] = peripheral

    def enabled(self, register: str, bit: int) -> bool:
        """Whether a bit of an enable register is set."""
        return bool(self.value[register] >> bit & 1)

    # Frequencies

    def _msi_hz(self) -> int:
        range_ = self.value["ICSCR"] >> 13 & 7
        if range_ >= len(_MSI_HZ):
            raise NotModelledError("sets MSIRANGE of RCC_ICSCR to a reserved value")
        return _MSI_HZ[range_]

    def _pll_hz(self) -> int:
        multiplier, divider = self.value["CFGR"] >> 18 & 0xF, self.value["CFGR"] >> 22 & 3
        if multiplier >= len(_PLL_MULTIPLIERS) or divider == 0:
            raise NotModelledError("turns the PLL on with a reserved PLLMUL or PLLDIV in RCC_CFGR")
        return _HSI16_HZ * _PLL_MULTIPLIERS[multiplier] // (divider + 1)

    def sysclk_hz(self) -> int:
        """Frequency of SYSCLK, in Hz."""
        return {_MSI: self._msi_hz, _HSI16: lambda: _HSI16_HZ, _PLL: self._pll_hz}[self.value["CFGR"] >> 2 & 3]()

    def hclk_hz(self) -> int:
        """Frequency of the core and its buses, in Hz."""
        return self.sysclk_hz() // _AHB_PRESCALERS[self.value["CFGR"] >> 4 & 0xF]

    def pclk1_hz(self) -> int:
        """Frequency of the first peripheral bus, in Hz."""
        return self.hclk_hz() // _APB_PRESCALERS[self.value["CFGR"] >> 8 & 7]

    def pclk2_hz(self) -> int:
        """Frequency of the second peripheral bus, in Hz."""
        return self.hclk_hz() // _APB_PRESCALERS[self.value["CFGR"] >> 11 & 7]

    def usart2_hz(self) -> int:
        """Kernel clock of USART2 (CCIPR.USART2SEL), in Hz."""
        source = self.value["CCIPR"] >> 2 & 3
        if source == 3:  # noqa: PLR2004 # LSE
            raise NotModelledError("clocks USART2 from LSE")
        return (self.pclk1_hz, self.sysclk_hz, lambda: _HSI16_HZ)[source]()

    # Registers

    def write_cr(self, word: int, mask: int) -> None:
        """Turn oscillators on and off."""
        old = self.value["CR"]
        self.store("CR", word, mask)
        source = self.value["CFGR"] >> 2 & 3
        for on, ready, start, used in (
            (_HSION, _HSIRDY, _HSI_START, _HSI16),
            (_MSION, _MSIRDY, _MSI_START, _MSI),
            (_PLLON, _PLLRDY, _PLL_START, _PLL),
        ):
            if self.value["CR"] & on and not old & on:
                if on == _PLLON:
                    self._check_pll()
                self._after(start, "CR", ready)
            elif old & on and not self.value["CR"] & on:
                if source == used:
                    self.value["CR"] |= on  # RM0377 7.3.1: cannot be cleared while it is the system clock
                else:
                    self.value["CR"] &= ~ready

    def _check_pll(self) -> None:
        if not self.value["CR"] & _HSIRDY:
            raise NotModelledError("turns the PLL on while its source HSI16 is not ready")
        self._pll_hz()

    def _after(self, start: Fraction, register: str, ready: int) -> None:
        def finish() -> None:
            if self.value[register] & (ready >> (2 if ready == _HSIRDY else 1)):
                self.value[register] |= ready

        self._chip.after(start, finish)

    def write_icscr(self, word: int, mask: int) -> None:
        """MSI range, and trimming, which has no effect here."""
        self.store("ICSCR", word, mask)
        self._changed()

    def write_cfgr(self, word: int, mask: int) -> None:
        """Choose clocks and prescalers."""
        old = self.value["CFGR"]
        if self.value["CR"] & _PLLON and (word ^ old) & mask & 0x00FC0000:
            raise NotModelledError("changes PLLMUL or PLLDIV of RCC_CFGR while the PLL is on")
        self.store("CFGR", (word & ~0xC) | (old & 0xC), mask)
        wanted = self.value["CFGR"] & 3
        ready = {_MSI: _MSIRDY, _HSI16: _HSIRDY, _PLL: _PLLRDY}.get(wanted)
        if ready is None:
            raise NotModelledError("chooses HSE as system clock")
        if wanted != (old >> 2 & 3):
            if not self.value["CR"] & ready:
                raise NotModelledError("switches to a system clock that is not ready")
            self.value["CFGR"] = (self.value["CFGR"] & ~0xC) | wanted << 2
        self._changed()

    def _changed(self) -> None:
        hz = self.hclk_hz()
        if hz != self._chip.clock_hz:
            self._chip.set_clock(hz)
        self._on_change()

    def write_csr(self, word: int, mask: int) -> None:
        """LSI, and the reset flags."""
        old = self.value["CSR"]
        self.store("CSR", word, mask)
        if word & _RMVF:
            self.value["CSR"] &= ~_RESET_FLAGS
        if self.value["CSR"] & _LSION and not old & _LSION:
            self._after(_LSI_START, "CSR", _LSIRDY)
        elif not self.value["CSR"] & _LSION:
            self.value["CSR"] &= ~_LSIRDY

    def _write_reset(self, register: str, word: int, mask: int) -> None:
        self.store(register, word, mask)
        for (name, bit), peripheral in self._resets.items():
            if name == register and self.value[register] >> bit & 1:
                peripheral.reset()

    def write_ioprstr(self, word: int, mask: int) -> None:
        """Hold ports in reset."""
        self._write_reset("IOPRSTR", word, mask)

    def write_apb1rstr(self, word: int, mask: int) -> None:
        """Hold peripherals of the first bus in reset."""
        self._write_reset("APB1RSTR", word, mask)

    def write_apb2rstr(self, word: int, mask: int) -> None:
        """Hold peripherals of the second bus in reset."""
        self._write_reset("APB2RSTR", word, mask)
