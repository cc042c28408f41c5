"""UART0 (nRF51 Series Reference Manual v3.0.1, 29): 8 data bits, no parity, one stop bit, no flow control.

Registers and bits: Nordic's nrf51.svd. From memory are: RXD and what waits behind it are six bytes; RXDRDY happens when
a byte gets to RXD, so also when RXD is read and another one waits; TXDRDY happens when a byte has left; a byte that
finds the FIFO full is lost (OVERRUN); the pins that it is told of are its own, whatever PIN_CNF says. A frame is
sampled as the STM32's receiver does it (`wire.sample`).
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.nrf51.block import POWER, Block, event, interrupts, task
from hil.emulator.twin.nrf51.gpio import pin_number
from hil.emulator.twin.registers import NotModelledError, Register
from hil.emulator.twin.wire import FRAME_BITS, Wire, sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event
    from hil.emulator.twin.nrf51.power import PowerClock

BASE: Final = 0x40002000
_CLOCK_HZ: Final = 16_000_000
_ENABLED: Final = 4
_FIFO: Final = 6  # RXD and what waits behind it
_NOWHERE: Final = 0xFFFFFFFF
OVERRUN, FRAMING = 1, 4
_TOLERANCE: Final = Fraction(375, 10_000)  # of either end, taken to be like an STM32's USART


class Uart(Block):
    """UART0.

    Args:
        chip: whose.
        power: its clock.
        baud: what the host's end of its line is set to.
        pins: where the host's line ends: TX and RX of the chip, as in ``P0.24``.

    Attributes:
        wire: the line.
    """

    EVENTS: ClassVar[Mapping[str, int]] = {"RXDRDY": 0x108, "TXDRDY": 0x11C, "ERROR": 0x124, "RXTO": 0x144}
    REGISTERS: ClassVar[Sequence[Register]] = (
        task("STARTRX", 0x000),
        task("STOPRX", 0x004),
        task("STARTTX", 0x008),
        task("STOPTX", 0x00C),
        Register("TASKS_SUSPEND", 0x01C, refused=True),
        Register("EVENTS_CTS", 0x100, refused=True),
        Register("EVENTS_NCTS", 0x104, refused=True),
        *(event(name, offset) for name, offset in EVENTS.items()),
        Register("SHORTS", 0x200, unmodelled=0x18),
        *interrupts(EVENTS, 0x3),
        Register("ERRORSRC", 0x480, acts=0xF),
        Register("ENABLE", 0x500, writable=7),
        Register("PSELRTS", 0x508, reset=_NOWHERE, unmodelled=_NOWHERE),
        Register("PSELTXD", 0x50C, reset=_NOWHERE, writable=_NOWHERE),
        Register("PSELCTS", 0x510, reset=_NOWHERE, unmodelled=_NOWHERE),
        Register("PSELRXD", 0x514, reset=_NOWHERE, writable=_NOWHERE),
        Register("RXD", 0x518),
        Register("TXD", 0x51C, acts=0xFF),
        Register("BAUDRATE", 0x524, reset=0x04000000, writable=_NOWHERE),
        Register("CONFIG", 0x56C, unmodelled=0xF),
        POWER,
    )

    def __init__(self, chip: Chip, power: PowerClock, *, baud: int, pins: tuple[str, str]) -> None:
        self._power = power
        self._names = pins
        self._tx, self._rx = (pin_number(name) for name in pins)
        self._sending: Event | None = None
        self.wire = Wire(chip, baud, self)
        super().__init__(chip, "UART0", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._fifo: deque[int] = deque()
        self._receives = self._transmits = False
        self._chip.outside.cancel(self._sending)
        self._sending = None

    def baud(self) -> Fraction:
        """Its baud rate; 0 where it makes none."""
        return Fraction(self.value["BAUDRATE"] * _CLOCK_HZ, 1 << 32)

    def _fits(self) -> bool:
        """Whether each end bears the other's baud rate."""
        return abs(self.baud() / self.wire.baud - 1) <= _TOLERANCE

    def _note_baud(self) -> None:
        words = f"UART0 runs at {float(self.baud()):.0f} baud, the other end at {self.wire.baud}"
        self._chip.note("UART0 baud", words)

    def _note_clock(self) -> None:
        if not self._power.crystal:
            self._chip.note("UART0 clock", "UART0 is used while HFCLK is the RC oscillator, which is not exact enough")

    # Receiver

    def _why_lost(self) -> str:
        if self.value["ENABLE"] != _ENABLED or not self._receives:
            return "its receiver is off"
        if self._rx is None or self.value["PSELRXD"] != self._rx:
            return f"PSELRXD is not {self._names[1]}"
        return ""

    def starts(self) -> None:
        """See `Port`."""

    def idle(self) -> None:
        """See `Port`."""

    def receive(self, byte: int) -> None:
        """See `Port`."""
        if why := self._why_lost():
            self._chip.note("UART0 RX", f"a byte for UART0 is lost: {why}")
            return
        self._note_clock()
        if not self.baud():
            return
        if not self._fits():
            self._note_baud()
            byte, broken, _ = sample(byte, Fraction(self.wire.baud), self.baud())
            if broken:
                self._err(FRAMING)
        if len(self._fifo) == _FIFO:
            self._err(OVERRUN)
            return
        self._fifo.append(byte)
        if len(self._fifo) == 1:
            self.happen("RXDRDY")

    def _err(self, source: int) -> None:
        self.value["ERRORSRC"] |= source
        self.happen("ERROR")

    def read_rxd(self) -> int:
        """The byte in RXD; the next one takes its place."""
        if not self._fifo:
            return self.value["RXD"]
        self.value["RXD"] = self._fifo.popleft()
        if self._fifo:
            self.happen("RXDRDY")
        return self.value["RXD"]

    def write_rxd(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def write_tasks_startrx(self, word: int, _mask: int) -> None:
        """Receive."""
        self._receives = self._receives or bool(word)

    def write_tasks_stoprx(self, word: int, _mask: int) -> None:
        """Receive no more; the manual lets some bytes come in yet, for which RXTO is the end."""
        if word and self._receives:
            self._receives = False
            self.happen("RXTO")

    # Transmitter

    def write_tasks_starttx(self, word: int, _mask: int) -> None:
        """Transmit."""
        self._transmits = self._transmits or bool(word)

    def write_tasks_stoptx(self, word: int, _mask: int) -> None:
        """Transmit no more."""
        self._transmits = self._transmits and not word

    def write_txd(self, word: int, _mask: int) -> None:
        """Send a byte."""
        if self.value["ENABLE"] != _ENABLED or not self._transmits:
            self._chip.note("UART0 TXD", "UART0_TXD is written while its transmitter is off")
        elif self._sending is not None:
            self._chip.note("UART0 TXD", "UART0_TXD is written before the byte in it has left: one is lost")
        elif not self.baud():
            raise NotModelledError("sends through UART0 with a BAUDRATE of 0")
        else:
            self._note_clock()
            cycles = round(FRAME_BITS / self.baud() * self._chip.clock_hz)
            self._sending = self._chip.outside.at(self._chip.now() + cycles, lambda _cycle: self._sent(word & 0xFF))

    def _sent(self, byte: int) -> None:
        self._sending = None
        if self._tx is None or self.value["PSELTXD"] != self._tx:
            self._chip.note("UART0 TX", f"a byte of UART0 is lost: PSELTXD is not {self._names[0]}")
        else:
            if not self._fits():
                self._note_baud()
                byte = sample(byte, self.baud(), Fraction(self.wire.baud))[0]
            self.wire.to_host.append(byte)
        self.happen("TXDRDY")

    # Registers

    def write_errorsrc(self, word: int, _mask: int) -> None:
        """A 1 forgets an error."""
        self.value["ERRORSRC"] &= ~word

    def write_enable(self, word: int, mask: int) -> None:
        """Off, or on."""
        if word not in {0, _ENABLED}:
            raise NotModelledError(f"writes {word} to UART0_ENABLE")
        self.store("ENABLE", word, mask)
        if not word:
            self._receives = self._transmits = False
            self._fifo.clear()
