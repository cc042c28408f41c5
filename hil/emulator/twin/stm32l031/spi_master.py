"""A master on the wires of SPI1: the world outside, clocking in the chip's time."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.spi_master import PULSES, Clocking, Master
from hil.emulator.twin.stm32l031.pins import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.gpio import Gpio
    from hil.emulator.twin.stm32l031.pins import Pins
    from hil.emulator.twin.stm32l031.spi import Spi

_OFF: Final = "SPI1 is off or not selected"


def _unconnected() -> str:
    return "the wires end nowhere"


class SpiMaster(Master):
    """The master.

    Args:
        chip: whose time.
        spi: the chip's SPI.
        pins: what its pins are connected to, inside.
        pclk: the frequency of its bus.
    """

    def __init__(self, chip: Chip, spi: Spi, pins: Pins, pclk: Callable[[], int]) -> None:
        super().__init__(chip)
        self._spi = spi
        self._pins = pins
        self._pclk = pclk
        self._selected = False
        self._select: tuple[Gpio, int] | None = None  # the pin that chip select ends at
        self._nss = self._sck = self._miso = self._mosi = _unconnected

    def connect(self, wiring: SpiWiring) -> None:
        """See `Master`."""
        paths = {}
        for signal, pin in (("NSS", wiring.nss), ("SCK", wiring.sck), ("MISO", wiring.miso), ("MOSI", wiring.mosi)):
            offered = FUNCTIONS[f"SPI1_{signal}"]
            if pin not in offered:
                raise ValueError(f"SPI1_{signal} is on {', '.join(offered)}, not on {pin or 'no pin'}")
            paths[signal] = self._pins.path(f"SPI1_{signal}", pin)
        if wiring.data_ready:
            self._pins.port(wiring.data_ready)
        self._nss, self._sck, self._miso, self._mosi = (paths[each] for each in ("NSS", "SCK", "MISO", "MOSI"))
        self._select = self._pins.port(wiring.nss)
        self.select(on=False)

    def selected(self) -> bool:
        """Whether NSS is low and gets to the SPI."""
        return self._selected and not self._nss()

    def level(self, pin: str) -> bool:
        """The level of any pin, as in ``PB1``, as IDR reads it: that of an analog pin is low."""
        port, number = self._pins.port(pin)
        return port.level(number)

    def select(self, *, on: bool) -> None:
        """See `Master`."""
        if self._select is not None:
            self._selected = on
            port, pin = self._select
            port.drive(pin, level=not on)

    def begin_clock(
        self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None
    ) -> Clocking:
        """See `Master`; the chip needs no time before the first pulse."""
        count = len(data) * PULSES if pulses is None else pulses
        clocking = Clocking(data, count, clock_hz, self._chip.seconds() + (lead or 0))
        self._later(clocking, 0, lambda: self._run(clocking))
        return clocking

    def _ends(self, clocking: Clocking) -> Fraction:
        return self._at(clocking, 2 * clocking.pulses)

    def _at(self, clocking: Clocking, halves: int) -> Fraction:
        """Time after so many half pulses: a pulse is sampled in its middle, and with CPHA all is half a pulse later."""
        return clocking.start + (halves + (self.mode & 1)) * clocking.half

    def _later(self, clocking: Clocking, halves: int, call: Callable[[], None]) -> None:
        clocking.timer = self._chip.at_second(self._at(clocking, halves), call, soft=True, lasting=True)

    def _run(self, clocking: Clocking) -> None:
        """A frame begins, or all is over."""
        if clocking.at == clocking.pulses:
            clocking.done = True
            return
        if not self._why_not(clocking):
            self._spi.begin()
        self._sample(clocking)

    def _sample(self, clocking: Clocking) -> None:
        """A frame's pulses are carried out when the last of them is sampled."""
        count = min(self._spi.left(), clocking.pulses - clocking.at)
        self._later(clocking, 2 * (clocking.at + count) - 1, lambda: self._clock(clocking, count))

    def _clock(self, clocking: Clocking, count: int) -> None:
        """The last pulse of a frame, or of all, is sampled."""
        ones = (1 << count) - 1
        if why := self._why_not(clocking):
            if why != _OFF:  # a slave may take no part
                self._chip.note("SPI1", f"what the master clocks is lost: {why}")
            clocking.keep(count, ones)
        else:
            connected_in, connected_out = not self._mosi(), not self._miso()
            word = self._pass(clocking, clocking.next(count) if connected_in else ones, count)
            clocking.keep(count, word if connected_out else ones)
            if connected_in and connected_out:
                self._stretch(clocking)
                if self._spi.prefetched() and clocking.at < clocking.pulses:
                    # What the next frame sends is fixed: it may as well begin half a pulse early.
                    self._spi.begin()
                    self._sample(clocking)
                    return
        self._later(clocking, 2 * clocking.at, lambda: self._run(clocking))

    def _pass(self, clocking: Clocking, word: int, count: int) -> int:
        """Pulses within a frame: bits on MOSI to those on MISO. A slave that was off meanwhile has missed some."""
        missed = 0
        if not self._spi.begun:
            missed = math.ceil((self._spi.enabled - self._at(clocking, 2 * clocking.at)) * clocking.clock_hz)
        if missed <= 0 and count == self._spi.frame:
            return self._spi.exchange(word)
        out = 0
        for n in range(count):
            out = out << 1 | (1 if n < missed else self._spi.clock(word >> (count - 1 - n) & 1))
        return out

    def _stretch(self, clocking: Clocking) -> None:
        """Frames during which the core sleeps on and the DMA does all are carried out at once."""
        left = self._chip.idle_until() - self._chip.now()
        many = self._spi.stretch() if left else 0
        if not many:
            return
        time = self._chip.seconds() + Fraction(left, self._chip.clock_hz) - self._at(clocking, 2 * clocking.at)
        data = clocking.next_bytes(max(0, min(many, int(time * clocking.clock_hz) // PULSES)))
        if data and (heard := self._spi.exchange_all(data)) is not None:
            clocking.keep_bytes(heard)

    def _why_not(self, clocking: Clocking) -> str:
        """Why the slave does not take part; empty where it does."""
        if self._chip.standing_still:
            return "the chip is in Stop mode"
        if why := self._sck():
            return why
        if not self._spi.listening():
            return (self._nss() if self._selected else "") or _OFF
        if self._spi.mode != self.mode:
            return f"the master clocks in mode {self.mode}, SPI1 is set to mode {self._spi.mode}"
        if self._pclk() < 2 * clocking.clock_hz:  # RM0377 26.1: a slave's clock is half of PCLK at most
            return "the clock is faster than half of SPI1's bus clock"
        return ""
