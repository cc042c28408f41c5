"""General-purpose I/O ports (RM0377, 9). On the single-cycle I/O port of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASES: Final = {"A": 0x50000000, "B": 0x50000400, "C": 0x50000800, "H": 0x50001C00}
_MODER_RESET: Final = {"A": 0xEBFFFCFF}
_PINS: Final = 0xFFFF
_OUTPUT: Final = 1


class Gpio(Peripheral):
    """A port of up to 16 pins.

    Args:
        letter: which port.
        clocked: whether its clock is on.
        on_output: told the cycle-exact changes of the output latch: old and new value of ODR.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("MODER", 0x00, reset=0xFFFFFFFF, writable=0xFFFFFFFF),
        Register("OTYPER", 0x04, writable=_PINS),
        Register("OSPEEDR", 0x08, writable=0xFFFFFFFF),
        Register("PUPDR", 0x0C, writable=0xFFFFFFFF),
        Register("IDR", 0x10),
        Register("ODR", 0x14, writable=_PINS),
        Register("BSRR", 0x18),
        Register("LCKR", 0x1C, unmodelled=0x1FFFF),
        Register("AFRL", 0x20, writable=0xFFFFFFFF),
        Register("AFRH", 0x24, writable=0xFFFFFFFF),
        Register("BRR", 0x28),
    )

    def __init__(self, letter: str, clocked: Callable[[], bool], on_output: Callable[[int, int], None]) -> None:
        self._letter = letter
        self._clocked = clocked
        self._on_output = on_output
        self.inputs = 0  # levels that the world outside puts on the pins
        super().__init__(f"GPIO{letter}", BASES[letter])

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self.value["MODER"] = _MODER_RESET.get(self._letter, 0xFFFFFFFF)

    def mode(self, pin: int) -> int:
        """MODER of a pin: 0 input, 1 output, 2 alternate function, 3 analog."""
        return self.value["MODER"] >> 2 * pin & 3

    def function(self, pin: int) -> int:
        """Alternate function number of a pin."""
        return self.value["AFRL" if pin < 8 else "AFRH"] >> 4 * (pin % 8) & 0xF  # noqa: PLR2004 # pins of a register

    def read_idr(self) -> int:
        """Levels: outputs read back what they drive."""
        driven = sum(1 << pin for pin in range(16) if self.mode(pin) == _OUTPUT)
        return (self.value["ODR"] & driven) | (self.inputs & ~driven & _PINS)

    def _latch(self, value: int) -> None:
        old, self.value["ODR"] = self.value["ODR"], value & _PINS
        if old != self.value["ODR"]:
            self._on_output(old, self.value["ODR"])

    def write_odr(self, word: int, mask: int) -> None:
        """Set the output latch."""
        self._latch((self.value["ODR"] & ~mask) | (word & mask))

    def write_bsrr(self, word: int, _mask: int) -> None:
        """Set bits (low half) and reset bits (high half); set wins."""
        self._latch((self.value["ODR"] & ~(word >> 16)) | (word & _PINS))

    def write_brr(self, word: int, _mask: int) -> None:
        """Reset bits."""
        self._latch(self.value["ODR"] & ~word)

    def write_idr(self, _word: int, _mask: int) -> None:
        """Read-only."""
