"""The clocks of a UART: which one it divides, whether that runs, and the baud rate that comes of it (RM0377, 7.2)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from hil.emulator.twin.registers import Peripheral
from hil.emulator.twin.stm32l031 import clock_tree as tree
from hil.emulator.twin.stm32l031.rcc import LSERDY

if TYPE_CHECKING:
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.rcc import Rcc

UE, UESM = 1, 2
_HSIRDY = 1 << 2


class UartClock(Peripheral):
    """A peripheral that divides a baud rate from a clock that RCC_CCIPR selects.

    Args:
        chip: whose.
        rcc: clocks it.
        name: as in the manual.
        base: first address.
        bit: of APB1ENR.
        select: position of its clock's field in CCIPR.
    """

    FIXED_CR1: ClassVar[int] = 0  # bits that may change only while UE is clear: those that the baud rate depends on too

    def __init__(self, chip: Chip, rcc: Rcc, name: str, base: int, *, bit: int, select: int) -> None:
        self._chip = chip
        self._rcc = rcc
        self._bit = bit
        self._select = select
        self._key: tuple[int, ...] = ()
        self._baud = Fraction(0)
        super().__init__(name, base)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._rcc.enabled("APB1ENR", self._bit)

    def bit_clocks(self) -> Fraction:
        """Periods of the kernel clock in a bit; 0 where the registers make none."""
        raise NotImplementedError

    def tolerance(self) -> Fraction:
        """How far the sender's baud rate may be off the receiver's."""
        raise NotImplementedError

    def baud(self) -> Fraction:
        """Baud rate that the registers make, in bit/s; 0 where they make none. The same object until they change."""
        rcc, own = self._rcc.value, self.value
        key = (rcc["CFGR"], rcc["ICSCR"], rcc["CCIPR"], own["BRR"], own["CR1"] & self.FIXED_CR1)
        if key != self._key:
            clocks = self.bit_clocks()
            self._baud = self._rcc.tree.uart_hz(self._select) / clocks if clocks else Fraction(0)
            self._key = key
        return self._baud

    def _kernel(self) -> int:
        return self._rcc.tree.uart_source(self._select)

    def _kernel_off(self) -> str:
        """Why the kernel clock does not run; empty where it does."""
        kernel = self._kernel()
        if self._chip.standing_still and not (
            self.value["CR1"] & UESM and kernel in {tree.KERNEL_HSI16, tree.KERNEL_LSE}
        ):
            return "the chip is in Stop mode and the UART is not set up to receive there (UESM, clock HSI16 or LSE)"
        if kernel == tree.KERNEL_LSE and not self._rcc.csr(LSERDY):
            return "its clock LSE is not ready"
        if kernel == tree.KERNEL_HSI16 and not self._chip.standing_still and not self._rcc.value["CR"] & _HSIRDY:
            return "its clock HSI16 is not ready"
        return ""
