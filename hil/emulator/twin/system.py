"""The system control space of a Cortex-M0+: SysTick, NVIC, SCB (Arm DDI 0419, B3.2 to B3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event

BASE: Final = 0xE000E000
_ENABLE, _TICKINT, _CLKSOURCE, _COUNTFLAG = 1, 2, 4, 1 << 16
_ALL: Final = 0xFFFFFFFF
_PENDSV, _SYSTICK, _SVCALL, _NMI = 14, 15, 11, 2
_VECTKEY: Final = 0x05FA
_RESET_REQUEST: Final = 4
_PRIORITY_BITS: Final = 0xC0C0C0C0
_IPR: Final = 0x400


class SystemControl(Peripheral):
    """SysTick, NVIC and SCB.

    Args:
        chip: whose.
        cpuid: value of CPUID (DDI 0484C, 4.1: 0x410CC601 for r0p1).
        external_divider: core cycles for each of SysTick's external clock (RM0377: HCLK / 8).
        on_reset_request: the firmware asks for a reset (AIRCR.SYSRESETREQ).
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("SYST_CSR", 0x010, writable=7),
        Register("SYST_RVR", 0x014, writable=0xFFFFFF),
        Register("SYST_CVR", 0x018),
        Register("SYST_CALIB", 0x01C),
        Register("NVIC_ISER", 0x100),
        Register("NVIC_ICER", 0x180),
        Register("NVIC_ISPR", 0x200),
        Register("NVIC_ICPR", 0x280),
        *(Register(f"NVIC_IPR{n}", _IPR + 4 * n, writable=_PRIORITY_BITS) for n in range(8)),
        Register("CPUID", 0xD00),
        Register("ICSR", 0xD04),
        Register("VTOR", 0xD08, writable=0xFFFFFF00),
        Register("AIRCR", 0xD0C, reset=0xFA050000),
        Register("SCR", 0xD10, writable=0x16),
        Register("CCR", 0xD14, reset=0x208),
        Register("SHPR2", 0xD1C, writable=0xC0000000),
        Register("SHPR3", 0xD20, writable=0xC0C00000),
    )

    def __init__(self, chip: Chip, cpuid: int, external_divider: int, on_reset_request: Callable[[], None]) -> None:
        self._chip = chip
        self._cpuid = cpuid
        self._divider = external_divider
        self._on_reset_request = on_reset_request
        self._tick: Event | None = None
        self._from = (0, 0)  # cycle and value from which SysTick counts
        super().__init__("the system control space", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self.value["CPUID"] = self._cpuid
        self._chip.events.cancel(self._tick)
        self._tick = None
        self._from = (self._chip.now(), 0)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`; only words can be written here (DDI 0419, B3.1.1)."""
        if size != 4:  # noqa: PLR2004 # bytes of a word
            raise NotModelledError(f"writes {size} bytes to 0x{BASE + offset:08x}, where only words may be written")
        super().take(offset, size, value)
        for number in range(8):
            if offset == _IPR + 4 * number:
                self._set_priorities(16 + 4 * number, self.value[f"NVIC_IPR{number}"])

    # SysTick

    def _period(self) -> int:
        """Core cycles of one count."""
        return 1 if self.value["SYST_CSR"] & _CLKSOURCE else self._divider

    def _counted(self) -> tuple[int, int]:
        """Value of the counter now, and how often it has gone from 1 to 0 since `_from`."""
        start, value = self._from
        if not self.value["SYST_CSR"] & _ENABLE:
            return value, 0
        passed = (self._chip.now() - start) // self._period()
        if passed < value:
            return value - passed, 0
        reload = self.value["SYST_RVR"]
        beyond = passed - value
        zeros = beyond // (reload + 1) + (value > 0) if reload else int(value > 0)
        return (reload + 1 - beyond % (reload + 1)) % (reload + 1), zeros

    def _settle(self) -> None:
        """Count from here on, with what has passed taken note of."""
        count, zeros = self._counted()
        if zeros:
            self.value["SYST_CSR"] |= _COUNTFLAG
        start, _ = self._from
        running = self.value["SYST_CSR"] & _ENABLE
        begun = (self._chip.now() - start) % self._period() if running else 0  # cycles of a count that is not over
        self._from = (self._chip.now() - begun, count)

    def _arm(self) -> None:
        """Have the next passage from 1 to 0 raise its exception, where it does."""
        self._chip.events.cancel(self._tick)
        self._tick = None
        csr, reload = self.value["SYST_CSR"], self.value["SYST_RVR"]
        start, value = self._from
        left = value or reload + 1
        if csr & _ENABLE and csr & _TICKINT and (value or reload):
            self._tick = self._chip.events.at(start + left * self._period(), self._reached_zero)

    def _reached_zero(self, cycle: int) -> None:
        self.value["SYST_CSR"] |= _COUNTFLAG
        self._from = (cycle, 0)
        self._chip.core.shared.system_pending |= 1 << _SYSTICK
        self._arm()

    def read_syst_csr(self) -> int:
        """Reading clears COUNTFLAG."""
        self._settle()
        self._arm()
        value = self.value["SYST_CSR"]
        self.value["SYST_CSR"] &= ~_COUNTFLAG
        return value

    def write_syst_csr(self, word: int, _mask: int) -> None:
        """Start, stop, or change the clock."""
        self._settle()
        self.store("SYST_CSR", word)
        self._arm()

    def write_syst_rvr(self, word: int, _mask: int) -> None:
        """The reload value counts from the next reload on."""
        self._settle()
        self.store("SYST_RVR", word)
        self._arm()

    def read_syst_cvr(self) -> int:
        """The counter."""
        return self._counted()[0]

    def write_syst_cvr(self, _word: int, _mask: int) -> None:
        """Any write clears the counter and COUNTFLAG."""
        self._from = (self._chip.now(), 0)
        self.value["SYST_CSR"] &= ~_COUNTFLAG
        self._arm()

    # NVIC

    def read_nvic_iser(self) -> int:
        """What is enabled."""
        return self._chip.core.shared.enabled

    read_nvic_icer = read_nvic_iser

    def write_nvic_iser(self, word: int, _mask: int) -> None:
        """Enable."""
        self._chip.core.shared.enabled |= word

    def write_nvic_icer(self, word: int, _mask: int) -> None:
        """Disable."""
        self._chip.core.shared.enabled &= ~word & _ALL

    def read_nvic_ispr(self) -> int:
        """What is pending."""
        return self._chip.core.shared.pending

    read_nvic_icpr = read_nvic_ispr

    def write_nvic_ispr(self, word: int, _mask: int) -> None:
        """Make pending."""
        self._chip.core.shared.pending |= word

    def write_nvic_icpr(self, word: int, _mask: int) -> None:
        """Make no longer pending, unless the line is still high."""
        shared = self._chip.core.shared
        shared.pending &= ~(word & ~shared.lines) & _ALL

    def _set_priorities(self, first: int, word: int) -> None:
        for n in range(4):
            self._chip.core.shared.priority[first + n] = word >> 8 * n & 0xFF

    # SCB

    def read_icsr(self) -> int:
        """What is active and pending."""
        shared = self._chip.core.shared
        active = shared.level[shared.active - 1] if shared.active else 0
        word = active | (1 << 22 if shared.pending else 0)
        waiting = [number for number in range(16) if shared.system_pending >> number & 1]
        waiting += [16 + n for n in range(32) if (shared.pending & shared.enabled) >> n & 1]
        if waiting:
            word |= min(waiting, key=lambda number: (shared.priority[number] if number != _NMI else -2, number)) << 12
        for number, bit in ((_PENDSV, 28), (_SYSTICK, 26), (_NMI, 31)):
            word |= (shared.system_pending >> number & 1) << bit
        return word

    def write_icsr(self, word: int, _mask: int) -> None:
        """Pend or unpend NMI, PendSV and SysTick."""
        shared = self._chip.core.shared
        for number, on, off in ((_NMI, 31, None), (_PENDSV, 28, 27), (_SYSTICK, 26, 25)):
            if word >> on & 1:
                shared.system_pending |= 1 << number
            elif off is not None and word >> off & 1:
                shared.system_pending &= ~(1 << number)

    def write_vtor(self, word: int, mask: int) -> None:
        """Where the vectors are."""
        self.store("VTOR", word, mask)
        self._chip.core.shared.vector_table = self.value["VTOR"]

    def write_aircr(self, word: int, _mask: int) -> None:
        """Ask for a reset, with the key."""
        if word >> 16 == _VECTKEY and word & _RESET_REQUEST:
            self._on_reset_request()

    def write_scr(self, word: int, mask: int) -> None:
        """How WFI and returns from handlers sleep."""
        self.store("SCR", word, mask)
        self._chip.core.shared.system_control = self.value["SCR"]

    def write_shpr2(self, word: int, mask: int) -> None:
        """Priority of SVCall."""
        self.store("SHPR2", word, mask)
        self._chip.core.shared.priority[_SVCALL] = self.value["SHPR2"] >> 24

    def write_shpr3(self, word: int, mask: int) -> None:
        """Priorities of PendSV and SysTick."""
        self.store("SHPR3", word, mask)
        self._chip.core.shared.priority[_PENDSV] = self.value["SHPR3"] >> 16 & 0xFF
        self._chip.core.shared.priority[_SYSTICK] = self.value["SHPR3"] >> 24
