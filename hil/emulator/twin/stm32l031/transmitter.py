"""The transmitter of a UART: a data register before a shift register (RM0377, 24.5.2; recalled)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hil.emulator.twin.wire import FRAME_BITS

if TYPE_CHECKING:
    from fractions import Fraction

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event
    from hil.emulator.twin.timebase import Timer

TC, TXE = 1 << 6, 1 << 7


class Sender(Protocol):
    """The UART whose transmitter it is."""

    @property
    def value(self) -> dict[str, int]:
        """Its registers; TC and TXE of ISR are set and cleared here."""

    def baud(self) -> Fraction:
        """Its baud rate."""

    def frame_cycles(self) -> int | None:
        """Core cycles of a frame; None where its clock is not the core's."""

    def sent(self, byte: int | None) -> None:
        """A frame has left the pin."""


class Transmitter:
    """Sends one byte while the next may wait.

    Args:
        chip: whose time.
        uart: whose transmitter.
    """

    def __init__(self, chip: Chip, uart: Sender) -> None:
        self._chip = chip
        self._uart = uart
        self._event: Event | None = None
        self._timer: Timer | None = None
        self._busy = False
        self._shifting: int | None = None
        self._next: int | None = None

    def stop(self) -> None:
        """What is under way ends."""
        self._chip.outside.cancel(self._event)
        self._chip.cancel(self._timer)
        self._busy = False
        self._shifting = self._next = self._event = self._timer = None

    def idle(self) -> None:
        """The transmitter was enabled: it sends an idle frame before anything else."""
        if not self._busy:
            self._shift(None, self._chip.now())

    def send(self, byte: int) -> None:
        """TDR is written."""
        self._uart.value["ISR"] &= ~TC
        if self._busy:
            self._next = byte
            self._uart.value["ISR"] &= ~TXE
        else:
            self._shift(byte, self._chip.now())

    def break_frame(self) -> bool:
        """What is being sent will arrive broken; False where nothing is."""
        if not self._busy or self._shifting is None:
            return False
        self._shifting ^= 0xFF
        return True

    def _shift(self, byte: int | None, cycle: int) -> None:
        cycles = self._uart.frame_cycles()
        self._busy, self._shifting = True, byte
        if cycles is not None:
            self._event = self._chip.outside.at(cycle + cycles, self._sent)
        else:
            self._timer = self._chip.after(FRAME_BITS / self._uart.baud(), self._sent_now, soft=True)

    def _sent_now(self) -> None:
        self._sent(self._chip.now())

    def _sent(self, cycle: int) -> None:
        byte, self._busy = self._shifting, False
        self._event = self._timer = None
        if self._next is not None:
            waiting, self._next = self._next, None
            self._uart.value["ISR"] |= TXE
            self._shift(waiting, cycle)
        elif byte is not None:
            self._uart.value["ISR"] |= TC
        self._uart.sent(byte)
