"""A master on the wires of SPIS1: the world outside, clocking in the chip's time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.nrf51.gpio import pin_number
from hil.emulator.twin.nrf51.spis import FASTEST_HZ
from hil.emulator.twin.spi_master import PULSES, Clocking, Master

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.nrf51.gpio import Gpio
    from hil.emulator.twin.nrf51.spis import Spis

_OFF: Final = "SPIS1 is off or not selected"


class SpisMaster(Master):
    """The master.

    What it clocks is carried out when it is over, at once: neither core nor slave can tell. The first clock comes when
    CSN has been low for as long as the slave needs, unless something else is said.

    Args:
        chip: whose time.
        spis: the slave.
        gpio: its pins.
    """

    def __init__(self, chip: Chip, spis: Spis, gpio: Gpio) -> None:
        super().__init__(chip)
        self._spis = spis
        self._gpio = gpio
        self._csn: int | None = None
        self._lines: dict[str, int] = {}
        self._selected: Fraction | None = None  # since when
        self._heard = False  # by the slave, that CSN has fallen
        self._void = False  # the slave has lost track of this transaction

    def connect(self, wiring: SpiWiring) -> None:
        """See `Master`."""
        names = {"SCK": wiring.sck, "MISO": wiring.miso, "MOSI": wiring.mosi}
        self._csn = _number(wiring.nss)
        self._lines = {line: _number(pin) for line, pin in names.items()}
        if wiring.data_ready:
            _number(wiring.data_ready)
        self.select(on=False)
        self._gpio.drive(self._csn, level=True)

    def level(self, pin: str) -> bool:
        """The level of any pin, as in ``P0.20``: what an output drives, else what the world does, or the pull."""
        return self._gpio.level(_number(pin))

    def select(self, *, on: bool) -> None:
        """See `Master`."""
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

    def begin_clock(
        self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction | None = None
    ) -> Clocking:
        """See `Master`."""
        now = self._chip.seconds()
        needed = Fraction(0) if self._selected is None else self._spis.setup()
        held = needed if lead is None else lead
        start = max(now, (now if self._selected is None else self._selected) + held)
        clocking = Clocking(data, PULSES * len(data) if pulses is None else pulses, clock_hz, start)
        clocking.timer = self._chip.at_second(
            self._ends(clocking), lambda: self._over(clocking, early=held < needed), soft=True, lasting=True
        )
        return clocking

    def _ends(self, clocking: Clocking) -> Fraction:
        return clocking.start + Fraction(clocking.pulses, clocking.clock_hz)

    def _over(self, clocking: Clocking, *, early: bool) -> None:
        """All pulses are over; early: the first began sooner after CSN's fall than the slave bears."""
        clocking.done = True
        why = self._why_not(clocking, early=early)
        if why and why != _OFF:  # a slave may take no part
            self._chip.note("SPIS1", f"what the master clocks is lost: {why}")
        if why or self._void:
            self._void = True
            clocking.keep_ones()
            return
        deaf = self._spis.missing("MOSI", self._lines["MOSI"])
        heard = self._spis.exchange(b"\xff" * len(clocking.data) if deaf else clocking.data, clocking.pulses)
        if self._spis.missing("MISO", self._lines["MISO"]):
            clocking.keep_ones()
        else:
            clocking.keep_bytes(heard)

    def _why_not(self, clocking: Clocking, *, early: bool) -> str:
        """Why the slave does not take part; empty where it does."""
        if not self._heard:
            return _OFF
        if why := self._spis.missing("SCK", self._lines["SCK"]):
            return why
        if self._spis.mode != self.mode:
            return f"the master clocks in mode {self.mode}, SPIS1 is set to mode {self._spis.mode}"
        if clocking.clock_hz > FASTEST_HZ:
            return f"SCK is {clocking.clock_hz} Hz, and SPIS1 takes {FASTEST_HZ} Hz at most"
        if early:
            needs = float(self._spis.setup() * 10**6)
            return f"SCK begins before CSN has been low for the {needs:g} us that SPIS1 needs"
        return ""


def _number(pin: str) -> int:
    number = pin_number(pin)
    if number is None:
        raise ValueError(f"SPIS1 is on pins from P0.0 to P0.31, not on {pin or 'no pin'}")
    return number
