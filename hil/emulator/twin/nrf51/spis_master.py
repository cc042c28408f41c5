"""A master on the wires of SPIS1: the world outside, clocking in the chip's time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.core import Stop
from hil.emulator.twin.nrf51.gpio import pin_number
from hil.emulator.twin.nrf51.spis import FASTEST_HZ

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.nrf51.gpio import Gpio
    from hil.emulator.twin.nrf51.spis import Spis
    from hil.emulator.twin.timebase import Timer

_PULSES: Final = 8  # of a byte
_OFF: Final = "SPIS1 is off or not selected"


@dataclass
class Clocking:
    """Bits that are on their way.

    Attributes:
        data: to send, the most significant bit of each byte first.
        pulses: how many bits of it.
        clock_hz: of SCK.
        early: it begins sooner after CSN's fall than the slave bears.
        ends: when the last bit is over, in s of the chip's time.
        timer: what happens then.
        done: it has.
        heard: what was received; the last byte may lack its lower bits.
    """

    data: bytes
    pulses: int
    clock_hz: int
    early: bool
    ends: Fraction
    timer: Timer | None = None
    done: bool = False
    heard: bytes = b""


class SpisMaster:
    """The master. Most significant bit first. A reset of the chip does not end what it does.

    What it clocks is carried out when it is over, at once: neither core nor slave can tell. The first clock comes when
    CSN has been low for as long as the slave needs, unless something else is said.

    Args:
        chip: whose time.
        spis: the slave.
        gpio: its pins.

    Attributes:
        mode: CPOL and CPHA as modes are numbered.
    """

    def __init__(self, chip: Chip, spis: Spis, gpio: Gpio) -> None:
        self._chip = chip
        self._spis = spis
        self._gpio = gpio
        self._csn: int | None = None
        self._lines: dict[str, int] = {}
        self._selected: Fraction | None = None  # since when
        self._heard = False  # by the slave, that CSN has fallen
        self._void = False  # the slave has lost track of this transaction
        self.mode = 0

    def connect(self, wiring: SpiWiring) -> None:
        """Have the wires end at other pins.

        Raises:
            ValueError: one is no pin of the chip.
        """
        names = {"SCK": wiring.sck, "MISO": wiring.miso, "MOSI": wiring.mosi}
        self._csn = _number(wiring.nss)
        self._lines = {line: _number(pin) for line, pin in names.items()}
        if wiring.data_ready:
            _number(wiring.data_ready)
        self.select(on=False)

    def level(self, pin: str) -> bool:
        """The level of any pin, as in ``P0.20``: what an output drives; low where nothing does."""
        return self._gpio.level(_number(pin))

    def select(self, *, on: bool) -> None:
        """Pull CSN low, or release it."""
        if self._csn is None or on == (self._selected is not None):
            return
        self._selected = self._chip.seconds() if on else None
        self._gpio.drive(self._csn, level=not on)
        if on:
            self._void = False
            self._heard = not self._spis.missing("CSN", self._csn)
            if self._heard:
                self._spis.falls()
        elif self._heard:
            self._heard = False
            self._spis.rises()

    def clock(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None) -> bytes:
        """Exchange data, whether the chip is selected or not; the chip runs meanwhile, and no longer.

        Args:
            data: what to send.
            clock_hz: of SCK.
            pulses: how many bits to clock, where it is not all of them.
            lead: how long to wait before the first pulse, in s, where it is not as long as the slave needs.

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
        return clocking.heard

    def transfer(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None) -> bytes:
        """As `clock`, with the chip selected before and released behind, also in the middle of a byte."""
        self.select(on=True)
        heard = self.clock(data, clock_hz, pulses=pulses, lead=lead)
        self.select(on=False)
        return heard

    def begin_clock(
        self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None
    ) -> Clocking:
        """As `clock`, going on while the chip runs."""
        now = self._chip.seconds()
        ready = now if self._selected is None else max(now, self._selected + self._spis.setup())
        start = ready if lead is None else now + lead
        count = _PULSES * len(data) if pulses is None else pulses
        clocking = Clocking(data, count, clock_hz, start < ready, start + Fraction(count, clock_hz))
        clocking.timer = self._chip.at_second(clocking.ends, lambda: self._over(clocking), soft=True, lasting=True)
        return clocking

    def end(self, clocking: Clocking) -> int:
        """Cycle at which it will be over."""
        return self._chip.now() + max(1, self._chip.cycles(clocking.ends - self._chip.seconds()))

    def abort(self, clocking: Clocking) -> None:
        """The chip's time stands still: what it has not answered is ones, and it hears no more of it."""
        self._chip.cancel(clocking.timer)
        clocking.heard = _ones(clocking.pulses)
        clocking.done = True

    def _over(self, clocking: Clocking) -> None:
        clocking.done = True
        why = self._why_not(clocking)
        if why and why != _OFF:  # a slave may take no part
            self._chip.note("SPIS1", f"what the master clocks is lost: {why}")
        if why or self._void:
            self._void = True
            clocking.heard = _ones(clocking.pulses)
            return
        deaf = self._spis.missing("MOSI", self._lines["MOSI"])
        heard = self._spis.exchange(_ones(clocking.pulses) if deaf else clocking.data, clocking.pulses)
        clocking.heard = _ones(clocking.pulses) if self._spis.missing("MISO", self._lines["MISO"]) else heard

    def _why_not(self, clocking: Clocking) -> str:
        """Why the slave does not take part; empty where it does."""
        if not self._heard:
            return _OFF
        if why := self._spis.missing("SCK", self._lines["SCK"]):
            return why
        if self._spis.mode != self.mode:
            return f"the master clocks in mode {self.mode}, SPIS1 is set to mode {self._spis.mode}"
        if clocking.clock_hz > FASTEST_HZ:
            return f"SCK is {clocking.clock_hz} Hz, and SPIS1 takes {FASTEST_HZ} Hz at most"
        if clocking.early:
            needs = float(self._spis.setup() * 10**6)
            return f"SCK begins before CSN has been low for the {needs:g} us that SPIS1 needs"
        return ""


def _number(pin: str) -> int:
    number = pin_number(pin)
    if number is None:
        raise ValueError(f"SPIS1 is on pins from P0.0 to P0.31, not on {pin or 'no pin'}")
    return number


def _ones(pulses: int) -> bytes:
    whole, rest = divmod(pulses, _PULSES)
    return b"\xff" * whole + (bytes([0xFF << (_PULSES - rest) & 0xFF]) if rest else b"")
