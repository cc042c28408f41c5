"""USART of the STM32L0: asynchronous mode (RM0377 24.8), and the wire to the host's serial port."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event

UE, RE, TE, RXNEIE, TCIE, TXEIE, PEIE, IDLEIE = 1, 1 << 2, 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 4
_OVER8: Final = 1 << 15
_CR1_KNOWN: Final = UE | RE | TE | RXNEIE | TCIE | TXEIE | PEIE | IDLEIE | _OVER8
_EIE, _OVRDIS, _ONEBIT = 1, 1 << 12, 1 << 11
_FE, _NF, _ORE, _IDLE, _RXNE, _TC, _TXE, _BUSY = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 16
_TEACK, _REACK = 1 << 21, 1 << 22
_CLEARS: Final = _FE | _NF | _ORE | _IDLE | _TC
_FRAME_BITS: Final = 10  # start, 8 data, stop
_TOLERANCE: Final = 0.0375  # RM0377 table "tolerance of the USART receiver", M = 8 bits, OVER8 = 0, ONEBIT = 0 (recalled)


class Wire:
    """The serial line between the host's port and the chip's pins: 8 data bits, no parity, one stop bit.

    Args:
        chip: whose clock paces it.
        baud: what the host's port is set to.
        deliver: takes a byte whose last bit has just arrived.
    """

    def __init__(self, chip: Chip, baud: int, deliver: Callable[[int], None]) -> None:
        self._chip = chip
        self.baud = baud
        self._deliver = deliver
        self._coming: deque[int] = deque()
        self._next: Event | None = None
        self._start = 0
        self._sent = 0
        self.to_host = bytearray()

    def waiting(self) -> int:
        """Bytes from the host that have not arrived."""
        return len(self._coming)

    def send(self, data: bytes) -> None:
        """The host sends."""
        self._coming.extend(data)
        if self._next is None and self._coming:
            self._start, self._sent = self._chip.core.shared.clock, 0
            self._schedule()

    def forget(self) -> None:
        """The bytes on their way are lost: a reset."""
        self._coming.clear()
        self._chip.outside.cancel(self._next)
        self._next = None

    def _schedule(self) -> None:
        self._sent += 1
        cycles = self._sent * _FRAME_BITS * self._chip.clock_hz // self.baud
        self._next = self._chip.outside.at(self._start + cycles, self._arrive)

    def _arrive(self, _cycle: int) -> None:
        self._next = None
        byte = self._coming.popleft()
        if self._coming:
            self._schedule()
        self._deliver(byte)


class Usart(Peripheral):
    """A USART in asynchronous mode with 8 data bits.

    Args:
        chip: whose.
        name: as in the manual.
        base: first address.
        interrupt: its number.
        kernel_hz: frequency that the baud rate is divided from, now.
        clocked: whether its bus clock is on.
        baud: what the host's port is set to.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CR1", 0x00, writable=_CR1_KNOWN, unmodelled=0xFFFFFFFF & ~_CR1_KNOWN),
        Register("CR2", 0x04, writable=0, unmodelled=0xFFFFFFFF),
        Register("CR3", 0x08, writable=_EIE | _OVRDIS | _ONEBIT, unmodelled=0x00FFFFFF & ~(_EIE | _OVRDIS | _ONEBIT)),
        Register("BRR", 0x0C, writable=0xFFFF),
        Register("RQR", 0x18, unmodelled=0x17),
        Register("ISR", 0x1C, reset=_TC | _TXE),
        Register("ICR", 0x20),
        Register("RDR", 0x24),
        Register("TDR", 0x28),
    )

    def __init__(
        self,
        chip: Chip,
        name: str,
        base: int,
        *,
        interrupt: int,
        kernel_hz: Callable[[], int],
        clocked: Callable[[], bool],
        baud: int,
    ) -> None:
        self._chip = chip
        self._interrupt = interrupt
        self._kernel_hz = kernel_hz
        self._clocked = clocked
        self.wire = Wire(chip, baud, self.receive)
        self._shifting: int | None = None
        self._done: Event | None = None
        super().__init__(name, base)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._chip.outside.cancel(self._done)
        self._shifting = None
        self._done = None
        self._next_byte: int | None = None

    # Baud rate

    def baud(self) -> float:
        """Baud rate that the registers make, in bit/s; 0 where they make none."""
        divider = self.value["BRR"]
        if self.value["CR1"] & _OVER8:
            divider = (divider & 0xFFF0) | (divider & 7) << 1
            return 2 * self._kernel_hz() / divider if divider >= 16 else 0.0  # noqa: PLR2004 # RM0377 24.5.4
        return self._kernel_hz() / divider if divider >= 16 else 0.0  # noqa: PLR2004 # RM0377 24.5.4

    def _matches(self) -> bool:
        """Whether both ends agree about the baud rate well enough."""
        return abs(self.baud() - self.wire.baud) <= _TOLERANCE * self.wire.baud

    # Receiver

    def receive(self, byte: int) -> None:
        """A byte has arrived at the RX pin."""
        if not (self.clocked() and self.value["CR1"] & UE and self.value["CR1"] & RE):
            return
        flags = 0
        if not self._matches():
            byte, flags = byte ^ 0xFF, _FE
        if self.value["ISR"] & _RXNE and not self.value["CR3"] & _OVRDIS:
            flags |= _ORE  # RM0377 24.5.3: the byte in the shift register is lost, RDR stays
        else:
            self.value["RDR"] = byte
            flags |= _RXNE
        self.value["ISR"] |= flags
        self._update()

    def read_rdr(self) -> int:
        """The received byte; reading it clears RXNE."""
        self.value["ISR"] &= ~_RXNE
        self._update()
        return self.value["RDR"]

    # Transmitter

    def write_tdr(self, word: int, _mask: int) -> None:
        """Send a byte."""
        if not (self.value["CR1"] & UE and self.value["CR1"] & TE):
            return
        self.value["ISR"] &= ~_TC
        if self._shifting is None:
            self._shift(word & 0xFF, self._chip.now())
        else:
            self._next_byte = word & 0xFF
            self.value["ISR"] &= ~_TXE
        self._update()

    def _shift(self, byte: int, cycle: int) -> None:
        baud = self.baud()
        if not baud:
            raise NotModelledError(f"sends through {self.name} with a baud rate register of {self.value['BRR']}")
        self._shifting = byte
        self._done = self._chip.outside.at(cycle + round(_FRAME_BITS * self._chip.clock_hz / baud), self._sent)

    def _sent(self, cycle: int) -> None:
        byte = self._shifting or 0
        self.wire.to_host.append(byte if self._matches() else byte ^ 0xFF)
        self._shifting = self._done = None
        if self._next_byte is not None:
            byte, self._next_byte = self._next_byte, None
            self.value["ISR"] |= _TXE
            self._shift(byte, cycle)
        else:
            self.value["ISR"] |= _TC
        self._update()

    # Registers

    def write_cr1(self, word: int, mask: int) -> None:
        """Enable and disable; turning UE off ends what is under way (RM0377 24.8.1)."""
        self.store("CR1", word, mask)
        if not self.value["CR1"] & UE:
            self._chip.outside.cancel(self._done)
            self._shifting = self._done = self._next_byte = None
            self.value["ISR"] = _TC | _TXE
        self._update()

    def read_isr(self) -> int:
        """Flags, and the acknowledges of enabled directions."""
        cr1 = self.value["CR1"]
        ready = (_TEACK if cr1 & TE else 0) | (_REACK if cr1 & RE else 0) if cr1 & UE else 0
        return self.value["ISR"] | ready

    def write_isr(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def write_rdr(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def write_icr(self, word: int, _mask: int) -> None:
        """Clear flags."""
        self.value["ISR"] &= ~(word & _CLEARS)
        self._update()

    def _update(self) -> None:
        """Drive the interrupt line (RM0377 24.7, table of interrupt requests)."""
        isr, cr1, cr3 = self.value["ISR"], self.value["CR1"], self.value["CR3"]
        level = (
            (isr & _TXE and cr1 & TXEIE)
            or (isr & _TC and cr1 & TCIE)
            or (isr & (_RXNE | _ORE) and cr1 & RXNEIE)
            or (isr & _IDLE and cr1 & IDLEIE)
            or (isr & (_FE | _NF | _ORE) and cr3 & _EIE)
        )
        self._chip.set_line(self._interrupt, level=bool(level))
