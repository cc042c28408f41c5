"""Power control (RM0377, 6): voltage ranges, and what deep sleep means.

Bits: ST's stm32l031xx.h. Ranges by VOS and what runs in them: ST's stm32l0xx_hal_pwr.c. That VREFINTRDYF is set when
firmware starts, and how long the regulator takes to change the range, are (recalled).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.timebase import Timer

BASE: Final = 0x40007000
LPSDSR, PDDS, _CWUF, _CSBF, DBP, ULP, FWU = 1, 2, 4, 8, 1 << 8, 1 << 9, 1 << 10
_PVD: Final = 0xF0
_VOS: Final = 0x1800
_DS_EE_KOFF, _LPRUN = 1 << 13, 1 << 14
_VREFINT_READY, _VOSF = 1 << 3, 1 << 4
_REGULATOR: Final = Fraction(10, 1_000_000)
"""How long VOSF is set after the range has changed, in s (recalled: no document at hand gives a figure)."""


class Pwr(Peripheral):
    """PWR.

    Args:
        chip: whose.
        clocked: whether its bus clock is on.
        on_change: called when the voltage range has changed.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register(
            "CR",
            0x00,
            reset=0x1000,
            writable=LPSDSR | PDDS | DBP | ULP | FWU | _VOS | _DS_EE_KOFF,
            unmodelled=_PVD | _LPRUN,
            acts=_CWUF | _CSBF,
        ),
        Register("CSR", 0x04, reset=_VREFINT_READY, unmodelled=0x700),
    )

    def __init__(self, chip: Chip, clocked: Callable[[], bool], on_change: Callable[[], None]) -> None:
        self._chip = chip
        self._clocked = clocked
        self._on_change = on_change
        self._regulator: Timer | None = None
        super().__init__("PWR", BASE)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._chip.cancel(self._regulator)
        self._regulator = None
        self._range = self._wanted()

    def range(self) -> int:
        """Voltage range 1, 2 or 3 that holds now: while the regulator changes it, the slower of both."""
        return self._range

    def has(self, bit: int) -> bool:
        """Whether a bit of CR is set."""
        return bool(self.value["CR"] & bit)

    def _wanted(self) -> int:
        return self.value["CR"] >> 11 & 3

    def write_cr(self, word: int, mask: int) -> None:
        """Choose the range, and what deep sleep is. WUF and SBF are never set, so that there is nothing to clear."""
        old = self._wanted()
        self.store("CR", word, mask)
        wanted = self._wanted()
        if wanted == old:
            return
        if wanted == 0:
            raise NotModelledError("sets VOS of PWR_CR to its reserved value")
        if self.value["CSR"] & _VOSF:
            raise NotModelledError("changes VOS of PWR_CR while VOSF says that the last change is not over")
        self._range = max(old, wanted)
        self.value["CSR"] |= _VOSF
        self._regulator = self._chip.after(_REGULATOR, self._settled)
        self._on_change()

    def _settled(self) -> None:
        self.value["CSR"] &= ~_VOSF
        self._range = self._wanted()
        self._on_change()

    def write_csr(self, _word: int, _mask: int) -> None:
        """Nothing in it can be written that is modelled."""
