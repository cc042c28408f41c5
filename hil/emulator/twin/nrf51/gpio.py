"""GPIO, 32 pins (nRF51 Series Reference Manual v3.0.1, 14). On the AHB: an access takes the core's usual two cycles.

A peripheral that is enabled and told of a pin overrides its direction and connects its input buffer (recalled: figure
"GPIO port and the GPIO pin details").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import WORD, NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASE: Final = 0x50000000
PINS: Final = 32
_ALL: Final = 0xFFFFFFFF
_CNF: Final = 0x700
_OUTPUT, _DISCONNECTED, _PULL, _PULL_UP = 1, 2, 0xC, 0xC
_DRIVE: Final = 0x300  # standard and high drive of either level
_OPEN_DRIVE, _SENSE = 0x400, 0x30000


def pin_number(name: str) -> int | None:
    """Number of a pin as the data sheet names it, as in ``P0.24``; None where it is none."""
    number = name.removeprefix("P0.")
    known = name.startswith("P0.") and number.isdecimal() and int(number) < PINS
    return int(number) if known else None


class Gpio(Peripheral):
    """The port.

    Args:
        now: the cycle that it is.

    Attributes:
        on_output: told each change of the output latch: cycle, old and new value of OUT.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("OUT", 0x504, writable=_ALL),
        Register("OUTSET", 0x508, acts=_ALL),
        Register("OUTCLR", 0x50C, acts=_ALL),
        Register("IN", 0x510),
        Register("DIR", 0x514, writable=_ALL),
        Register("DIRSET", 0x518, acts=_ALL),
        Register("DIRCLR", 0x51C, acts=_ALL),
        *(
            Register(
                f"PIN_CNF{n}",
                _CNF + WORD * n,
                reset=_DISCONNECTED,
                writable=_OUTPUT | _DISCONNECTED | _PULL | _DRIVE,
                unmodelled=_OPEN_DRIVE | _SENSE,
            )
            for n in range(PINS)
        ),
    )

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.on_output: list[Callable[[int, int, int], None]] = []
        self._outside = self._outside_high = 0
        super().__init__("GPIO", BASE)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`; registers are words, and DIR is what PIN_CNF says too."""
        if size != WORD:
            raise NotModelledError(f"writes {size} bytes to 0x{BASE + offset:08x}, where GPIO has a register of a word")
        old = self.latch
        super().take(offset, size, value)
        if old != self.latch:
            for listener in self.on_output:
                listener(self._now(), old, self.latch)
        if offset >= _CNF:
            pin = (offset - _CNF) // WORD
            self.value["DIR"] = (self.value["DIR"] & ~(1 << pin)) | (value & _OUTPUT) << pin

    # Pins

    @property
    def latch(self) -> int:
        """What the pins drive that are outputs (OUT)."""
        return self.value["OUT"]

    def drive(self, pin: int, *, level: bool | None) -> None:
        """The world outside puts a level on a pin, or with None lets go of it."""
        self._outside &= ~(1 << pin)
        self._outside_high &= ~(1 << pin)
        if level is not None:
            self._outside |= 1 << pin
            self._outside_high |= level << pin

    def level(self, pin: int) -> bool:
        """Level of a pin for the world outside: what an output drives, else what the world does, or the pull."""
        if self.value["DIR"] >> pin & 1:
            return bool(self.value["OUT"] >> pin & 1)
        if self._outside >> pin & 1:
            return bool(self._outside_high >> pin & 1)
        return self.value[f"PIN_CNF{pin}"] & _PULL == _PULL_UP

    def reads(self, pin: int) -> bool:
        """Whether the pin's input buffer is connected."""
        return not self.value[f"PIN_CNF{pin}"] & _DISCONNECTED

    # Registers

    def read_in(self) -> int:
        """Levels of those pins whose input buffers are connected."""
        return sum(1 << pin for pin in range(PINS) if self.reads(pin) and self.level(pin))

    def write_in(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def read_outset(self) -> int:
        """The latch; OUTCLR as well."""
        return self.value["OUT"]

    read_outclr = read_outset

    def write_outset(self, word: int, _mask: int) -> None:
        """Set."""
        self.value["OUT"] |= word

    def write_outclr(self, word: int, _mask: int) -> None:
        """Clear."""
        self.value["OUT"] &= ~word & _ALL

    def read_dirset(self) -> int:
        """Directions; DIRCLR as well."""
        return self.value["DIR"]

    read_dirclr = read_dirset

    def _direct(self, word: int) -> None:
        self.value["DIR"] = word & _ALL
        for pin in range(PINS):
            name = f"PIN_CNF{pin}"
            self.value[name] = (self.value[name] & ~_OUTPUT) | (word >> pin & 1)

    def write_dir(self, word: int, _mask: int) -> None:
        """Directions."""
        self._direct(word)

    def write_dirset(self, word: int, _mask: int) -> None:
        """Outputs."""
        self._direct(self.value["DIR"] | word)

    def write_dirclr(self, word: int, _mask: int) -> None:
        """Inputs."""
        self._direct(self.value["DIR"] & ~word)
