"""General-purpose I/O ports (RM0377, 8). On the single-cycle I/O port of the core.

Registers and their bits: ST's stm32l031xx.h. Reset values of port A keep PA13 and PA14 for the debugger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASES: Final = {"A": 0x50000000, "B": 0x50000400, "C": 0x50000800, "H": 0x50001C00}
_MODER_RESET: Final = {"A": 0xEBFFFCFF}
_PUPDR_RESET: Final = {"A": 0x24000000}
_PINS: Final = 0xFFFF
_ALL: Final = 0xFFFFFFFF
_IDR: Final = 0x10
OUTPUT, ALTERNATE, ANALOG = 1, 2, 3
PULL_UP: Final = 1


class Gpio(Peripheral):
    """A port of up to 16 pins.

    Args:
        letter: which port.
        clocked: whether its clock is on.
        now: the cycle that it is.
        on_level: told levels of the pins before and after they change.

    Attributes:
        on_output: told each change of the output latch: cycle, old and new value of ODR.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("MODER", 0x00, reset=_ALL, writable=_ALL),
        Register("OTYPER", 0x04, writable=_PINS),
        Register("OSPEEDR", 0x08, writable=_ALL),
        Register("PUPDR", 0x0C, writable=_ALL),
        Register("IDR", 0x10),
        Register("ODR", 0x14, writable=_PINS),
        Register("BSRR", 0x18, acts=_ALL),
        Register("LCKR", 0x1C, unmodelled=0x1FFFF),
        Register("AFRL", 0x20, writable=_ALL),
        Register("AFRH", 0x24, writable=_ALL),
        Register("BRR", 0x28, acts=_PINS),
    )

    def __init__(
        self,
        letter: str,
        clocked: Callable[[], bool],
        now: Callable[[], int],
        on_level: Callable[[int, int], None],
    ) -> None:
        self._letter = letter
        self._clocked = clocked
        self._now = now
        self._on_level = on_level
        self._outside = self._outside_high = 0
        self._levels = 0
        self.on_output: list[Callable[[int, int, int], None]] = []
        super().__init__(f"GPIO{letter}", BASES[letter])

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`; what the world outside does to the pins stays."""
        super().reset()
        self.value["MODER"] = _MODER_RESET.get(self._letter, _ALL)
        self.value["PUPDR"] = _PUPDR_RESET.get(self._letter, 0)
        self._configure()
        self._look()

    def mode(self, pin: int) -> int:
        """MODER of a pin: 0 input, 1 output, 2 alternate function, 3 analog."""
        return self.value["MODER"] >> 2 * pin & 3

    def function(self, pin: int) -> int | None:
        """Alternate function number of a pin; None where it has none."""
        if self.mode(pin) != ALTERNATE:
            return None
        return self.value["AFRL" if pin < 8 else "AFRH"] >> 4 * (pin % 8) & 0xF  # noqa: PLR2004 # pins of a register

    # Levels

    @property
    def latch(self) -> int:
        """What the pins drive that are outputs (ODR)."""
        return self.value["ODR"]

    def drive(self, pin: int, *, level: bool | None) -> None:
        """The world outside puts a level on a pin, or with None lets go of it."""
        self._outside &= ~(1 << pin)
        self._outside_high &= ~(1 << pin)
        if level is not None:
            self._outside |= 1 << pin
            self._outside_high |= level << pin
        self._look()

    def level(self, pin: int) -> bool:
        """Level of a pin, as IDR reads it."""
        return bool(self._levels >> pin & 1)

    def _configure(self) -> None:
        """Work out masks of pins from the registers that say what the pins are."""
        modes = [self.mode(pin) for pin in range(16)]
        self._outputs = sum(1 << pin for pin, mode in enumerate(modes) if mode == OUTPUT)
        self._digital = sum(1 << pin for pin, mode in enumerate(modes) if mode != ANALOG)
        self._pulled_up = sum(1 << pin for pin in range(16) if self.value["PUPDR"] >> 2 * pin & 3 == PULL_UP)

    def _look(self) -> None:
        """Levels as IDR reads them: outputs what they drive, analog pins 0 (RM0377, 8.3.12; recalled)."""
        latch = self.value["ODR"]
        driven = self._outputs & ~(self.value["OTYPER"] & latch)
        others = (self._outside & self._outside_high) | (self._pulled_up & ~self._outside)
        levels = (latch & driven) | (others & self._digital & ~driven)
        old, self._levels = self._levels, levels
        if old != levels:
            self._on_level(old, levels)

    # Registers

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        super().take(offset, size, value)
        if offset < _IDR:  # MODER, OTYPER, OSPEEDR, PUPDR
            self._configure()
        self._look()

    def read_idr(self) -> int:
        """Levels."""
        return self._levels

    def write_idr(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def _latch(self, value: int) -> None:
        old, self.value["ODR"] = self.value["ODR"], value & _PINS
        if old != self.value["ODR"]:
            for listener in self.on_output:
                listener(self._now(), old, self.value["ODR"])

    def write_odr(self, word: int, mask: int) -> None:
        """Set the output latch."""
        self._latch((self.value["ODR"] & ~mask) | (word & mask))

    def write_bsrr(self, word: int, _mask: int) -> None:
        """Set bits (low half) and reset bits (high half); set wins (RM0377, 8.4.7)."""
        self._latch((self.value["ODR"] & ~(word >> 16)) | (word & _PINS))

    def write_brr(self, word: int, _mask: int) -> None:
        """Reset bits."""
        self._latch(self.value["ODR"] & ~word)
