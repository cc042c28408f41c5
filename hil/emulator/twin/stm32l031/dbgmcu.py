"""DBGMCU (RM0377, 27.9): what a debugger keeps going. Only a power-up resets it.

Bits: ST's stm32l031xx.h. No time passes while the core is halted, so that the watchdogs and timers that APB1_FZ and
APB2_FZ would hold stand still anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASE: Final = 0x40015800
DBG_STOP: Final = 2


class Dbgmcu(Peripheral):
    """DBGMCU.

    Args:
        clocked: whether its bus clock is on.
        idcode: of the device and its revision.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("IDCODE", 0x00),
        Register("CR", 0x04, writable=7),
        Register("APB1FZ", 0x08, writable=0x80201C01),
        Register("APB2FZ", 0x0C, writable=0x24),
    )

    def __init__(self, clocked: Callable[[], bool], idcode: int) -> None:
        self._clocked = clocked
        self._idcode = idcode
        super().__init__("DBGMCU", BASE)

    def read_idcode(self) -> int:
        """Which device it is."""
        return self._idcode

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`; it stays as it is."""
        if not self.value:
            super().reset()

    def has(self, bit: int) -> bool:
        """Whether a bit of CR is set."""
        return bool(self.value["CR"] & bit)
