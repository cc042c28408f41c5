"""What USART2 and LPUART1 share: asynchronous frames of 8 data bits, no parity, one stop bit (RM0377, 24 and 25).

Bits: ST's stm32l031xx.h. RM0367, 29 and 30, the manual of bigger parts with the same blocks, was read in part: framing
error, baud rates, wake-up. Overrun, idle frames, TEACK and what may change only while UE is clear are RM0377's
(recalled); that no byte is received while ORE is set, users tell as well (efton.sk, STM32 gotchas, 24).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError
from hil.emulator.twin.stm32l031 import clock_tree as tree
from hil.emulator.twin.stm32l031.transmitter import TC, TXE, Transmitter
from hil.emulator.twin.stm32l031.uart_clock import UE, UESM, UartClock
from hil.emulator.twin.wire import FRAME_BITS, Wire, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.rcc import Rcc

RE, TE, IDLEIE, RXNEIE, TCIE, TXEIE, PEIE = (1 << n for n in range(2, 9))
EIE, OVRDIS, WUS, WUFIE = 1, 1 << 12, 3 << 20, 1 << 22
PE, FE, NF, ORE, IDLE, RXNE = (1 << n for n in range(6))
BUSY, WUF, TEACK, REACK = 1 << 16, 1 << 20, 1 << 21, 1 << 22
CR1_MODELLED: Final = UE | UESM | RE | TE | IDLEIE | RXNEIE | TCIE | TXEIE | PEIE
CR3_MODELLED: Final = EIE | OVRDIS | WUS | WUFIE
RXFRQ: Final = 8
_CLEARS: Final = PE | FE | NF | ORE | IDLE | TC | WUF
_ENABLED_ALIKE: Final = TXE | TC | RXNE | IDLE  # flags of ISR whose bits in CR1 that enable them lie as they do
_WUS_START, _WUS_RXNE = 2, 3
_HOST_TOLERANCE: Final = Fraction(375, 10000)  # what the receiver of the host's end bears, taken to be like USART2's
_WAKE: Final = Fraction(5, 1_000_000)  # tWUUSART: until HSI16 runs after a start bit in Stop mode (DS10668; recalled)


@dataclass(frozen=True)
class _Fit:
    """How a baud rate fits that of the host's end.

    Attributes:
        receives: what the host sends is near enough to it.
        sends: it is near enough to what the host receives.
        frame_cycles: core cycles of a frame; None where its clock is not the core's.
    """

    receives: bool
    sends: bool
    frame_cycles: int | None


class Uart(UartClock):
    """A UART.

    Args:
        chip: whose.
        rcc: clocks it.
        name: as in the manual.
        base: first address.
        bit: of APB1ENR.
        select: position of its clock's field in CCIPR.
        interrupt: its number.
        rx: why the line does not get to the receiver through the pins; empty where it does.
        tx: the same of the transmitter.
        on_wake: its interrupt is raised in Stop mode.
        on_start: a start bit falls at the receiver's pin. (Of the edges within a byte EXTI hears nothing.)
        baud: what the host's end of its line is set to.

    Attributes:
        wire: the line.
    """

    FIXED_CR3: ClassVar[int] = OVRDIS | WUS

    def __init__(
        self,
        chip: Chip,
        rcc: Rcc,
        name: str,
        base: int,
        *,
        bit: int,
        select: int,
        interrupt: int,
        rx: Callable[[], str],
        tx: Callable[[], str],
        on_wake: Callable[[], None],
        on_start: Callable[[], None],
        baud: int,
    ) -> None:
        self._interrupt = interrupt
        self._rx = rx
        self._tx = tx
        self._on_wake = on_wake
        self._on_start = on_start
        self._unsampled = False
        self.wire = Wire(chip, baud, self)
        self._sender = Transmitter(chip, self)
        self._fit_baud: Fraction | None = None
        self._fit_at: tuple[int, ...] = ()
        self._fit_known = _Fit(receives=False, sends=False, frame_cycles=None)
        super().__init__(chip, rcc, name, base, bit=bit, select=select)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._sender.stop()
        self._chip.set_line(self._interrupt, level=False)

    # Receiver

    def _why_lost(self) -> str:
        cr1 = self.value["CR1"]
        if not (self.clocked() and cr1 & UE and cr1 & RE):
            return "its receiver is off"
        return self._rx() or self._kernel_off() or ("" if self.baud() else "its baud rate register is too small")

    def starts(self) -> None:
        """See `Port`."""
        self._unsampled = self._chip.standing_still and bool(self._why_lost())
        if self._chip.standing_still and self._wakes_by() == _WUS_START and not self._unsampled:
            self.value["ISR"] |= WUF
            self._update()
        self._on_start()

    def _wakes_by(self) -> int:
        return (self.value["CR3"] & WUS) >> 20 if self.value["CR1"] & UESM else 0

    def receive(self, byte: int) -> None:
        """See `Port`."""
        if why := self._why_lost():
            self._chip.note(f"{self.name} RX", f"a byte for {self.name} is lost: {why}")
            return
        if self._unsampled:
            return  # its start bit came in Stop mode, and something else has woken the chip up by it
        if self.value["ISR"] & ORE:
            return  # the receiver stands still until ORECF is written
        flags = RXNE
        if not self._fit().receives:
            byte, broken, _ = sample(byte, Fraction(self.wire.baud), self.baud())
            flags |= NF | (FE if broken else 0)
            self._chip.note(f"{self.name} baud", self._baud_words())
        if self.value["ISR"] & RXNE and not self.value["CR3"] & OVRDIS:
            flags = ORE  # the byte in the shift register is lost, RDR stays
        else:
            self.value["RDR"] = byte
        if self._chip.standing_still and self._wakes_by() == _WUS_RXNE:
            flags |= WUF
        self.value["ISR"] |= flags
        self._update()

    def _fit(self) -> _Fit:
        """How the baud rate fits the other end's: worked out when something has changed, as bytes are many."""
        baud, at = self.baud(), (self._chip.standing_still, self._chip.clock_hz)
        if baud is not self._fit_baud or at != self._fit_at:
            off = woken = abs(baud / self.wire.baud - 1)
            if self._chip.standing_still and self._kernel() == tree.KERNEL_HSI16:
                woken += _WAKE * self.wire.baud / FRAME_BITS  # DWU (RM0367 30.4.5)
            own = self._kernel() not in {tree.PCLK, tree.SYSCLK}
            cycles = None if own or not baud else round(FRAME_BITS / baud * self._chip.clock_hz)
            self._fit_known = _Fit(woken <= self.tolerance(), off <= _HOST_TOLERANCE, cycles)
            self._fit_baud, self._fit_at = baud, at
        return self._fit_known

    def _baud_words(self) -> str:
        stop = ", woken from Stop mode" if self._chip.standing_still else ""
        return f"{self.name} runs at {float(self.baud()):.0f} baud{stop}, the other end at {self.wire.baud}"

    def idle(self) -> None:
        """See `Port`."""
        if not self._why_lost() and not self._chip.standing_still:
            self.value["ISR"] |= IDLE
            self._update()

    def read_rdr(self) -> int:
        """The received byte; reading it clears RXNE."""
        self.value["ISR"] &= ~RXNE
        self._update()
        return self.value["RDR"]

    # Transmitter

    def write_tdr(self, word: int, _mask: int) -> None:
        """Send a byte."""
        if not (self.value["CR1"] & UE and self.value["CR1"] & TE):
            self._chip.note(f"{self.name} TDR", f"{self.name}_TDR is written while its transmitter is off")
            return
        self._sender.send(word & 0xFF)
        self._update()

    def frame_cycles(self) -> int | None:
        """Core cycles of a frame that is about to be sent; None where its clock is not the core's.

        Raises:
            NotModelledError: it would never end.
        """
        if not self.baud():
            raise NotModelledError(f"sends through {self.name} with a baud rate register of {self.value['BRR']}")
        if why := self._kernel_off():
            raise NotModelledError(f"sends through {self.name} while {why}")
        return self._fit().frame_cycles

    def sent(self, byte: int | None) -> None:
        """A frame has left the pin; None: an idle frame."""
        if byte is not None:
            self._deliver(byte)
        self._update()

    def _deliver(self, byte: int) -> None:
        if why := self._tx():
            self._chip.note(f"{self.name} TX", f"a byte of {self.name} is lost: {why}")
            return
        if not self._fit().sends:
            self._chip.note(f"{self.name} baud", self._baud_words())
            byte = sample(byte, self.baud(), Fraction(self.wire.baud))[0]
        self.wire.to_host.append(byte)

    def enter_stop(self) -> None:
        """Stop mode begins: a frame that is on its way is broken."""
        if self._sender.break_frame():
            self._chip.note(f"{self.name} Stop", f"Stop mode is entered while {self.name} sends: the byte is broken")

    # Registers

    def write_cr1(self, word: int, mask: int) -> None:
        """Enable and disable; turning UE off ends what is under way."""
        old = self.value["CR1"]
        if old & UE and word & UE and (word ^ old) & mask & self.FIXED_CR1:
            raise NotModelledError(f"changes OVER8 of {self.name}_CR1 while UE is set")
        self.store("CR1", word, mask)
        cr1 = self.value["CR1"]
        if not cr1 & UE:
            self._sender.stop()
            self.value["ISR"] = TC | TXE
        elif cr1 & TE and not (old & TE and old & UE):
            self._sender.idle()
        self._update()

    def write_cr3(self, word: int, mask: int) -> None:
        """Errors, overrun and wake-up."""
        if self.value["CR1"] & UE and (word ^ self.value["CR3"]) & mask & self.FIXED_CR3:
            raise NotModelledError(f"changes bits of {self.name}_CR3 that may change only while UE is clear")
        self.store("CR3", word, mask)
        self._update()

    def write_brr(self, word: int, mask: int) -> None:
        """The divider."""
        if self.value["CR1"] & UE:
            raise NotModelledError(f"writes {self.name}_BRR while UE is set")
        self.store("BRR", word, mask)

    def write_rqr(self, word: int, mask: int) -> None:
        """Drop the received byte."""
        if word & mask & RXFRQ:
            self.value["ISR"] &= ~RXNE
        self._update()

    def read_isr(self) -> int:
        """Flags, what the line does, and the acknowledges of enabled directions."""
        cr1 = self.value["CR1"]
        ready = (TEACK if cr1 & TE else 0) | (REACK if cr1 & RE else 0) if cr1 & UE else 0
        return self.value["ISR"] | ready | (BUSY if self.wire.arriving and not self._why_lost() else 0)

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
        level = bool(
            isr & cr1 & _ENABLED_ALIKE
            or (isr & ORE and cr1 & RXNEIE)
            or (isr & (FE | NF | ORE) and cr3 & EIE)
            or (isr & WUF and cr3 & WUFIE)
        )
        self._chip.set_line(self._interrupt, level=level)
        if level and self._chip.standing_still:
            self._on_wake()
