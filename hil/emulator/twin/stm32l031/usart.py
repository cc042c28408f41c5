"""USART2 (RM0377, 24) and LPUART1 (RM0377, 25): their registers, baud rates and tolerances.

Bits: ST's stm32l031xx.h; those of LPUART1 its SVD file, as the header does not tell the two apart. Baud rates: RM0367
29.5.4 and 30.4.4. Tolerances: RM0377, the table of each chapter (recalled, but for LPUART1's 4.42 % in RM0367 30.5).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Register
from hil.emulator.twin.stm32l031.transmitter import TC, TXE
from hil.emulator.twin.stm32l031.uart import (
    CR1_MODELLED,
    CR3_MODELLED,
    OVRDIS,
    RXFRQ,
    WUS,
    Uart,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

USART2_BASE: Final = 0x40004400
LPUART1_BASE: Final = 0x40004800
_OVER8: Final = 1 << 15
_ONEBIT: Final = 1 << 11
_USART_LEAST: Final = 16
_LPUART_LEAST: Final = 0x300
_USART_CR1: Final = CR1_MODELLED | _OVER8
_USART_CR3: Final = CR3_MODELLED | _ONEBIT
_TOLERANCES: Final = {  # in 1/10000: by OVER8, whether the divider has a fraction, ONEBIT; 8 data bits
    (False, False, False): 375,
    (False, False, True): 438,
    (False, True, False): 333,
    (False, True, True): 388,
    (True, False, False): 250,
    (True, False, True): 375,
    (True, True, False): 200,
    (True, True, True): 300,
}
_LPUART_TOLERANCES: Final = ((1024, 182), (2048, 256), (4096, 390), (1 << 20, 442))  # below which BRR, in 1/10000


def _registers(*, cr1: tuple[int, int], cr2: int, cr3: tuple[int, int], brr: int, rqr: int, icr: int) -> list[Register]:
    return [
        Register("CR1", 0x00, writable=cr1[0], unmodelled=cr1[1] & ~cr1[0]),
        Register("CR2", 0x04, unmodelled=cr2),
        Register("CR3", 0x08, writable=cr3[0], unmodelled=cr3[1] & ~cr3[0]),
        Register("BRR", 0x0C, writable=brr),
        Register("RQR", 0x18, unmodelled=rqr & ~RXFRQ, acts=RXFRQ),
        Register("ISR", 0x1C, reset=TC | TXE),
        Register("ICR", 0x20, acts=icr),
        Register("RDR", 0x24),
        Register("TDR", 0x28, acts=0x1FF),
    ]


class Usart(Uart):
    """USART2."""

    REGISTERS: ClassVar[Sequence[Register]] = (
        *_registers(
            cr1=(_USART_CR1, 0x1FFFFFFF),
            cr2=0xFFFFFF70,
            cr3=(_USART_CR3, 0x00FEFFFF),
            brr=0xFFFF,
            rqr=0x1F,
            icr=0x121B5F,
        ),
        Register("GTPR", 0x10, refused=True),
        Register("RTOR", 0x14, refused=True),
    )
    FIXED_CR1 = _OVER8
    FIXED_CR3 = OVRDIS | WUS | _ONEBIT

    def bit_clocks(self) -> Fraction:
        """See `Uart`."""
        divider = self.value["BRR"]
        if self.value["CR1"] & _OVER8:
            divider = (divider & 0xFFF0) | (divider & 7) << 1
            return Fraction(divider, 2) if divider >= _USART_LEAST else Fraction(0)
        return Fraction(divider) if divider >= _USART_LEAST else Fraction(0)

    def tolerance(self) -> Fraction:
        """See `Uart`."""
        key = (
            bool(self.value["CR1"] & _OVER8),
            bool(self.value["BRR"] & 0xF),
            bool(self.value["CR3"] & _ONEBIT),
        )
        return Fraction(_TOLERANCES[key], 10_000)


class Lpuart(Uart):
    """LPUART1."""

    REGISTERS: ClassVar[Sequence[Register]] = _registers(
        cr1=(CR1_MODELLED, 0x13FF7FFF),
        cr2=0xFF0FB810,
        cr3=(CR3_MODELLED, 0x00F0F7C9),
        brr=0xFFFFF,
        rqr=0x0E,
        icr=0x12025F,
    )

    def bit_clocks(self) -> Fraction:
        """See `Uart`."""
        return Fraction(self.value["BRR"], 256) if self.value["BRR"] >= _LPUART_LEAST else Fraction(0)

    def tolerance(self) -> Fraction:
        """See `Uart`."""
        return Fraction(next(part for least, part in _LPUART_TOLERANCES if self.value["BRR"] < least), 10_000)
