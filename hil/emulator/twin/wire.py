"""A serial line between the host and the chip's pins: 8 data bits, no parity, one stop bit, as both ends sample it."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.timebase import Timer

FRAME_BITS: Final = 10  # start, 8 data, stop
_SAMPLES: Final = (7, 8, 9)  # of 16 in a bit (RM0377 of the STM32L0, 24.5.3, data sampling; recalled)


def sample(byte: int, sender_baud: Fraction, receiver_baud: Fraction) -> tuple[int, bool, bool]:
    """What a receiver makes of a byte that is followed by an idle line.

    The receiver sees the start bit one of its 16 samples late, as it may happen.

    Returns:
        The byte, whether its stop bit was missing, and whether samples within a bit differed.
    """
    line = byte << 1 | 1 << 9
    ratio = sender_baud / receiver_baud
    bits, noise = 0, False
    for bit in range(FRAME_BITS):
        seen = [
            line >> at & 1 if (at := int((bit + Fraction(n + 1, 16)) * ratio)) < FRAME_BITS else 1 for n in _SAMPLES
        ]
        bits |= (sum(seen) > 1) << bit
        noise = noise or len(set(seen)) > 1
    return bits >> 1 & 0xFF, not bits >> 9 & 1, noise


class Port(Protocol):
    """The chip's end of a line."""

    def starts(self) -> None:
        """A start bit begins at the RX pin."""

    def receive(self, byte: int) -> None:
        """A byte's stop bit has arrived at the RX pin."""

    def idle(self) -> None:
        """The line has been idle for the length of a byte."""


class Wire:
    """The line. What the host sends arrives in the chip's time, whatever the chip's clock does.

    Args:
        chip: whose time.
        baud: what the host's end is set to.
        port: the chip's end.

    Attributes:
        to_host: bytes that have arrived at the host's end.
        frame: how long a byte takes, in s.
    """

    def __init__(self, chip: Chip, baud: int, port: Port) -> None:
        self._chip = chip
        self.baud = baud
        self._port = port
        self._coming: deque[int] = deque()
        self._timer: Timer | None = None
        self._due = Fraction(0)
        self.frame = Fraction(FRAME_BITS, baud)
        self._arriving = False
        self.to_host = bytearray()

    @property
    def arriving(self) -> bool:
        """Whether a byte is on its way through the pin."""
        return self._arriving

    def waiting(self) -> int:
        """Bytes from the host that have not arrived."""
        return len(self._coming)

    def send(self, data: bytes) -> None:
        """The host sends."""
        self._coming.extend(data)
        if self._coming and not self._arriving:
            self._due = self._chip.seconds()
            self._next()

    def forget(self) -> None:
        """The bytes on their way are lost."""
        self._coming.clear()
        self._chip.cancel(self._timer)
        self._arriving = False

    def _next(self) -> None:
        self._chip.cancel(self._timer)
        self._arriving = True
        self._due += self.frame
        self._timer = self._chip.at_second(self._due, self._arrive, soft=True)
        self._port.starts()

    def _arrive(self) -> None:
        self._arriving = False
        byte = self._coming.popleft()
        self._port.receive(byte)
        if self._coming:
            self._next()
        else:
            self._timer = self._chip.at_second(self._due + self.frame, self._port.idle, soft=True)
