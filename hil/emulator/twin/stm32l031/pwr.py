"""Power control (RM0377, 6): voltage ranges, and what Stop and Standby would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASE: Final = 0x40007000
_VOSF: Final = 1 << 4
_VREFINT_READY: Final = 1 << 3
_CLEAR_WAKEUP, _CLEAR_STANDBY = 1 << 2, 1 << 3


class Pwr(Peripheral):
    """PWR.

    Args:
        clocked: whether its bus clock is on.
        on_change: called when the voltage range has changed.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CR", 0x00, reset=0x1000, writable=0x1F07, unmodelled=0x160F8 & ~0x8),
        Register("CSR", 0x04, reset=_VREFINT_READY, unmodelled=0x700),
    )

    def __init__(self, clocked: Callable[[], bool], on_change: Callable[[], None]) -> None:
        self._clocked = clocked
        self._on_change = on_change
        super().__init__("PWR", BASE)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def range(self) -> int:
        """Voltage range 1, 2 or 3 (CR.VOS); 0 for the reserved value."""
        return self.value["CR"] >> 11 & 3

    @property
    def deep_sleep_is_standby(self) -> bool:
        """CR.PDDS."""
        return bool(self.value["CR"] & 2)

    def write_cr(self, word: int, mask: int) -> None:
        """Choose the range; the regulator follows at once here (VOSF never seen set)."""
        self.store("CR", word & ~(_CLEAR_WAKEUP | _CLEAR_STANDBY), mask)
        self._on_change()
