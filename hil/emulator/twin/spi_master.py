"""A master on the wires of a chip's SPI, whichever part it is: the world outside, clocking in the chip's time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.core import Stop

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.timebase import Timer

PULSES: Final = 8
"""Of SCK, in a byte."""


class Clocking:
    """Bits on their way, the most significant one of each byte first.

    Args:
        data: to send.
        pulses: how many bits of it.
        clock_hz: of SCK.
        start: when the first pulse begins, in s of the chip's time.

    Attributes:
        half: half of a pulse, in s.
        at: pulses that are over.
        timer: what happens next.
        done: all is over.
        heard: what was received; the last byte may lack its lower bits.
    """

    def __init__(self, data: bytes, pulses: int, clock_hz: int, start: Fraction) -> None:
        self.data = data
        self.pulses = pulses
        self.clock_hz = clock_hz
        self.half = Fraction(1, 2 * clock_hz)
        self.start = start
        self.at = 0
        self.timer: Timer | None = None
        self.done = False
        self.heard = bytearray((pulses + PULSES - 1) // PULSES)

    def next(self, count: int) -> int:
        """So many bits to send, the first one highest."""
        first, last = self.at // PULSES, (self.at + count + PULSES - 1) // PULSES
        word = int.from_bytes(self.data[first:last], "big") >> (last * PULSES - self.at - count)
        return word & ((1 << count) - 1)

    def keep(self, count: int, word: int) -> None:
        """So many bits were received."""
        first, last = self.at // PULSES, (self.at + count + PULSES - 1) // PULSES
        shifted = word << (last * PULSES - self.at - count)
        old = int.from_bytes(self.heard[first:last], "big")
        self.heard[first:last] = (old | shifted).to_bytes(last - first, "big")
        self.at += count

    def keep_ones(self) -> None:
        """All that is left was received as ones."""
        count = self.pulses - self.at
        self.keep(count, (1 << count) - 1)

    def next_bytes(self, count: int) -> bytes:
        """So many bytes to send; none where a byte has begun."""
        first, rest = divmod(self.at, PULSES)
        return b"" if rest else self.data[first : min(first + count, self.pulses // PULSES)]

    def keep_bytes(self, data: bytes) -> None:
        """So many bytes were received."""
        first = self.at // PULSES
        self.heard[first : first + len(data)] = data
        self.at += len(data) * PULSES


class Master(ABC):
    """The master. A reset of the chip does not end what it does.

    Args:
        chip: whose time.

    Attributes:
        mode: CPOL and CPHA as modes are numbered.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.mode = 0

    @abstractmethod
    def connect(self, wiring: SpiWiring) -> None:
        """Have the wires end at these pins; before that they end nowhere.

        Raises:
            ValueError: the chip has no such pin, or not for that.
        """

    @abstractmethod
    def level(self, pin: str) -> bool:
        """The level of any pin, by its name in the data sheet."""

    @abstractmethod
    def select(self, *, on: bool) -> None:
        """Pull chip select low, or release it."""

    @abstractmethod
    def begin_clock(
        self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None
    ) -> Clocking:
        """As `clock`, going on while the chip runs."""

    @abstractmethod
    def _ends(self, clocking: Clocking) -> Fraction:
        """When all will be over, in s of the chip's time."""

    def end(self, clocking: Clocking) -> int:
        """Cycle at which all will be over, if the core's clock goes on as it does."""
        return self._chip.now() + max(1, self._chip.cycles(self._ends(clocking) - self._chip.seconds()))

    def abort(self, clocking: Clocking) -> None:
        """The chip's time stands still: what it has not answered is ones, and it hears no more of it."""
        self._chip.cancel(clocking.timer)
        clocking.keep_ones()
        clocking.done = True

    def clock(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None) -> bytes:
        """Exchange data, whether the chip is selected or not; the chip runs meanwhile, and no longer.

        Args:
            data: what to send.
            clock_hz: of SCK.
            pulses: how many bits to clock, where it is not all of them.
            lead: how long after chip select has fallen the first pulse comes, in s, where it is not as long as the chip
                needs.

        Returns:
            What was received meanwhile: ones where the chip takes no part.

        Raises:
            RuntimeError: the chip stopped.
        """
        clocking = self.begin_clock(data, clock_hz, pulses=pulses, lead=lead)
        while not clocking.done:
            stop = self._chip.run(self.end(clocking))
            if self._chip.trouble or stop not in {Stop.DUE, Stop.ASLEEP}:
                raise RuntimeError(self._chip.trouble or f"the chip has stopped: {stop.name}")
        return bytes(clocking.heard)

    def transfer(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None) -> bytes:
        """As `clock`, with the chip selected before and released behind, also in the middle of a byte."""
        self.select(on=True)
        heard = self.clock(data, clock_hz, pulses=pulses, lead=lead)
        self.select(on=False)
        return heard
