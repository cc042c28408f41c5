"""A master on the wires of SPI1: the world outside, clocking in the chip's time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.pins import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.pins import Pins
    from hil.emulator.twin.stm32l031.spi import Spi
    from hil.emulator.twin.timebase import Timer

_PULSES: Final = 8  # in a byte
_OFF: Final = "SPI1 is off or not selected"


@dataclass(frozen=True)
class SpiWires:
    """Pins that the master's wires end at."""

    nss: str = "PA4"
    sck: str = "PA5"
    miso: str = "PA6"
    mosi: str = "PA7"


class Transfer:
    """What is on its way.

    Args:
        data: to send, the most significant bit of each byte first.
        pulses: how many bits of it.
        clock_hz: of SCK.
        start: when the first pulse begins, in s of the chip's time.

    Attributes:
        half: half of a clock pulse, in s.
        at: pulses that are over.
        timer: what happens next.
        done: all is over.
        heard: what was received; the last byte may lack its lower bits.
    """

    def __init__(self, data: bytes, pulses: int, clock_hz: int, start: Fraction) -> None:
        self._data = data
        self.pulses = pulses
        self.clock_hz = clock_hz
        self.half = Fraction(1, 2 * clock_hz)
        self.start = start
        self.at = 0
        self.timer: Timer | None = None
        self.done = False
        self.heard = bytearray((pulses + 7) // _PULSES)

    def next(self, count: int) -> int:
        """So many bits to send, the first one highest."""
        first, last = self.at // _PULSES, (self.at + count + 7) // _PULSES
        word = int.from_bytes(self._data[first:last], "big") >> (last * _PULSES - self.at - count)
        return word & ((1 << count) - 1)

    def keep(self, count: int, word: int) -> None:
        """So many bits were received."""
        first, last = self.at // _PULSES, (self.at + count + 7) // _PULSES
        shifted = word << (last * _PULSES - self.at - count)
        old = int.from_bytes(self.heard[first:last], "big")
        self.heard[first:last] = (old | shifted).to_bytes(last - first, "big")
        self.at += count

    def keep_ones(self) -> None:
        """All that is left was received as ones."""
        count = self.pulses - self.at
        self.keep(count, (1 << count) - 1)

    def next_bytes(self, count: int) -> bytes:
        """So many bytes to send; none where a byte has begun."""
        first, rest = divmod(self.at, _PULSES)
        return b"" if rest else self._data[first : min(first + count, self.pulses // _PULSES)]

    def keep_bytes(self, data: bytes) -> None:
        """So many bytes were received."""
        first = self.at // _PULSES
        self.heard[first : first + len(data)] = data
        self.at += len(data) * _PULSES


class SpiMaster:
    """The master. Most significant bit first. A reset of the chip does not end what it does.

    Args:
        chip: whose time.
        spi: the chip's SPI.
        pins: what its pins are connected to, inside.
        pclk: the frequency of its bus.

    Attributes:
        wires: where they end.
        mode: CPOL and CPHA as modes are numbered.
    """

    def __init__(self, chip: Chip, spi: Spi, pins: Pins, pclk: Callable[[], int]) -> None:
        self._chip = chip
        self._spi = spi
        self._pins = pins
        self._pclk = pclk
        self._selected = False
        self.mode = 0
        self.connect(SpiWires())

    def connect(self, wires: SpiWires) -> None:
        """Have the wires end at other pins.

        Raises:
            ValueError: a pin does not have the signal.
        """
        paths = {}
        for signal, pin in (("NSS", wires.nss), ("SCK", wires.sck), ("MISO", wires.miso), ("MOSI", wires.mosi)):
            offered = FUNCTIONS[f"SPI1_{signal}"]
            if pin not in offered:
                raise ValueError(f"SPI1_{signal} is on {', '.join(offered)}, not on {pin or 'no pin'}")
            paths[signal] = self._pins.path(f"SPI1_{signal}", pin)
        self.wires = wires
        self._nss, self._sck, self._miso, self._mosi = (paths[each] for each in ("NSS", "SCK", "MISO", "MOSI"))
        self.select(on=False)

    def selected(self) -> bool:
        """Whether NSS is low and gets to the SPI."""
        return self._selected and not self._nss()

    def level(self, pin: str) -> bool:
        """The level of any pin, as in ``PB1``: what an output drives; low where nothing does."""
        port, number = self._pins.port(pin)
        return port.level(number)

    def select(self, *, on: bool) -> None:
        """Pull NSS low, or release it."""
        self._selected = on
        port, pin = self._pins.port(self.wires.nss)
        port.drive(pin, level=not on)

    def clock(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)) -> bytes:
        """Exchange data, whether the chip is selected or not; the chip runs meanwhile, and no longer.

        Args:
            data: what to send.
            clock_hz: of SCK.
            pulses: how many bits to clock, where it is not all of them.
            lead: how long to wait before the first pulse, in s.

        Returns:
            What was received meanwhile: ones where the chip takes no part.

        Raises:
            RuntimeError: the chip stopped.
        """
        transfer = self.begin_clock(data, clock_hz, pulses=pulses, lead=lead)
        while not transfer.done:
            stop = self._chip.run(self.end(transfer))
            if self._chip.trouble or stop not in {Stop.DUE, Stop.ASLEEP}:
                raise RuntimeError(self._chip.trouble or f"the chip has stopped: {stop.name}")
        return bytes(transfer.heard)

    def transfer(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)) -> bytes:
        """As `clock`, with the chip selected before and released behind, also in the middle of a frame."""
        self.select(on=True)
        heard = self.clock(data, clock_hz, pulses=pulses, lead=lead)
        self.select(on=False)
        return heard

    def begin(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)) -> Transfer:
        """Begin a transfer that goes on while the chip runs, and releases the chip at its end."""
        self.select(on=True)
        return self._begin(data, clock_hz, pulses, lead, lambda: self.select(on=False))

    def begin_clock(
        self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)
    ) -> Transfer:
        """As `clock`, going on while the chip runs."""
        return self._begin(data, clock_hz, pulses, lead, lambda: None)

    def abort(self, transfer: Transfer) -> None:
        """The chip's time stands still: what it has not answered is ones, and it hears no more of it."""
        self._chip.cancel(transfer.timer)
        transfer.keep_ones()
        transfer.done = True

    def end(self, transfer: Transfer) -> int:
        """Cycle at which a transfer will be over, if the core's clock goes on as it does."""
        left = self._at(transfer, 2 * transfer.pulses) - self._chip.seconds()
        return self._chip.now() + max(1, self._chip.cycles(left))

    def _begin(
        self, data: bytes, clock_hz: int, pulses: int | None, lead: Fraction, at_end: Callable[[], None]
    ) -> Transfer:
        count = len(data) * _PULSES if pulses is None else pulses
        transfer = Transfer(data, count, clock_hz, self._chip.seconds() + lead)
        self._later(transfer, 0, lambda: self._run(transfer, at_end))
        return transfer

    def _at(self, transfer: Transfer, halves: int) -> Fraction:
        """Time after so many half pulses: a pulse is sampled in its middle, and with CPHA all is half a pulse later."""
        return transfer.start + (halves + (self.mode & 1)) * transfer.half

    def _later(self, transfer: Transfer, halves: int, call: Callable[[], None]) -> None:
        transfer.timer = self._chip.at_second(self._at(transfer, halves), call, soft=True, lasting=True)

    def _run(self, transfer: Transfer, at_end: Callable[[], None]) -> None:
        """A frame begins, or all is over."""
        if transfer.at == transfer.pulses:
            at_end()
            transfer.done = True
            return
        if not self._why_not(transfer):
            self._spi.begin()
        self._sample(transfer, at_end)

    def _sample(self, transfer: Transfer, at_end: Callable[[], None]) -> None:
        """A frame's pulses are carried out when the last of them is sampled."""
        count = min(self._spi.left(), transfer.pulses - transfer.at)
        self._later(transfer, 2 * (transfer.at + count) - 1, lambda: self._clock(transfer, count, at_end))

    def _clock(self, transfer: Transfer, count: int, at_end: Callable[[], None]) -> None:
        """The last pulse of a frame, or of all, is sampled."""
        ones = (1 << count) - 1
        if why := self._why_not(transfer):
            if why != _OFF:  # a slave may take no part
                self._chip.note("SPI1", f"what the master clocks is lost: {why}")
            transfer.keep(count, ones)
        else:
            connected_in, connected_out = not self._mosi(), not self._miso()
            word = self._pass(transfer, transfer.next(count) if connected_in else ones, count)
            transfer.keep(count, word if connected_out else ones)
            if connected_in and connected_out:
                self._stretch(transfer)
                if self._spi.prefetched() and transfer.at < transfer.pulses:
                    # What the next frame sends is fixed: it may as well begin half a pulse early.
                    self._spi.begin()
                    self._sample(transfer, at_end)
                    return
        self._later(transfer, 2 * transfer.at, lambda: self._run(transfer, at_end))

    def _pass(self, transfer: Transfer, word: int, count: int) -> int:
        """Pulses within a frame: bits on MOSI to those on MISO. A slave that was off meanwhile has missed some."""
        missed = 0
        if not self._spi.begun:
            missed = math.ceil((self._spi.enabled - self._at(transfer, 2 * transfer.at)) * transfer.clock_hz)
        if missed <= 0 and count == self._spi.frame:
            return self._spi.exchange(word)
        out = 0
        for n in range(count):
            out = out << 1 | (1 if n < missed else self._spi.clock(word >> (count - 1 - n) & 1))
        return out

    def _stretch(self, transfer: Transfer) -> None:
        """Frames during which the core sleeps on and the DMA does all are carried out at once."""
        left = self._chip.idle_until() - self._chip.now()
        many = self._spi.stretch() if left else 0
        if not many:
            return
        time = self._chip.seconds() + Fraction(left, self._chip.clock_hz) - self._at(transfer, 2 * transfer.at)
        data = transfer.next_bytes(max(0, min(many, int(time * transfer.clock_hz) // _PULSES)))
        if data and (heard := self._spi.exchange_all(data)) is not None:
            transfer.keep_bytes(heard)

    def _why_not(self, transfer: Transfer) -> str:
        """Why the slave does not take part; empty where it does."""
        if self._chip.standing_still:
            return "the chip is in Stop mode"
        if why := self._sck():
            return why
        if not self._spi.listening():
            return (self._nss() if self._selected else "") or _OFF
        if self._spi.mode != self.mode:
            return f"the master clocks in mode {self.mode}, SPI1 is set to mode {self._spi.mode}"
        if self._pclk() < 2 * transfer.clock_hz:  # RM0377 26.1: a slave's clock is half of PCLK at most
            return "the clock is faster than half of SPI1's bus clock"
        return ""
