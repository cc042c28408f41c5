"""A master on the wires of SPI1: the world outside, clocking in the chip's time."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.twin.core import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.pins import Pins
    from hil.emulator.twin.stm32l031.spi import Spi

_SLICE: Final = 100_000
_PULSES: Final = 8  # in a byte


@dataclass(frozen=True)
class SpiWires:
    """Pins that the master's wires end at."""

    nss: str = "PA4"
    sck: str = "PA5"
    miso: str = "PA6"
    mosi: str = "PA7"


@dataclass
class Transfer:
    """What is on its way.

    Attributes:
        out: bits to send, one for each clock pulse.
        done: all is over, and the chip deselected.
    """

    out: list[int]
    period: Fraction
    start: Fraction
    received: list[int] = field(default_factory=list)
    done: bool = False

    @property
    def data(self) -> bytes:
        """What was received; the last byte may lack its lower bits."""
        bits = [*self.received, *[0] * (-len(self.received) % _PULSES)]
        return bytes(
            sum(bit << (7 - n) for n, bit in enumerate(bits[at : at + _PULSES])) for at in range(0, len(bits), _PULSES)
        )


class SpiMaster:
    """The master. Most significant bit first.

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
        self._wires = SpiWires()
        self._selected = False
        self.mode = 0
        self.connect(self._wires)

    def connect(self, wires: SpiWires) -> None:
        """Have the wires end at other pins."""
        self._wires = wires
        self.select(on=False)

    def selected(self) -> bool:
        """Whether NSS is low and gets to the SPI."""
        return self._selected and not self._pins.why_not("SPI1_NSS", self._wires.nss)

    def select(self, *, on: bool) -> None:
        """Pull NSS low, or release it."""
        self._selected = on
        port, pin = self._pins.port(self._wires.nss)
        port.drive(pin, level=not on)

    def transfer(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)) -> bytes:
        """Select the chip, exchange data, and release it; the chip runs meanwhile.

        Args:
            data: what to send.
            clock_hz: of SCK.
            pulses: how many bits to clock, where it is not all of them: NSS is released in the middle of a frame.
            lead: how long NSS is low before the first pulse, in s.

        Returns:
            What was received meanwhile.

        Raises:
            RuntimeError: the chip stopped.
        """
        transfer = self.begin(data, clock_hz, pulses=pulses, lead=lead)
        while not transfer.done:
            stop = self._chip.run(self._chip.now() + _SLICE)
            if self._chip.trouble or stop not in {Stop.DUE, Stop.ASLEEP}:
                raise RuntimeError(self._chip.trouble or f"the chip has stopped: {stop.name}")
        return transfer.data

    def begin(self, data: bytes, clock_hz: int, *, pulses: int | None = None, lead: Fraction = Fraction(0)) -> Transfer:
        """Begin a transfer that goes on while the chip runs."""
        bits = [byte >> (7 - n) & 1 for byte in data for n in range(_PULSES)]
        transfer = Transfer(bits[:pulses], Fraction(1, clock_hz), self._chip.seconds() + lead)
        self.select(on=True)
        self._chip.at_second(self._at(transfer, 0, Fraction(0)), lambda: self._run(transfer), soft=True)
        return transfer

    def _at(self, transfer: Transfer, pulse: int, part: Fraction) -> Fraction:
        """Time within a pulse: its edges are in its middle and at its end, and with CPHA all is half a pulse later."""
        return transfer.start + (pulse + part + Fraction(self.mode & 1, 2)) * transfer.period

    def _run(self, transfer: Transfer) -> None:
        """A frame begins; its pulses are carried out when the last of them is sampled."""
        pulse = len(transfer.received)
        if pulse == len(transfer.out):
            self.select(on=False)
            transfer.done = True
            return
        count = min(self._spi.left(), len(transfer.out) - pulse)
        if not self._why_not(transfer):
            self._spi.begin()
        at = self._at(transfer, pulse + count - 1, Fraction(1, 2))
        self._chip.at_second(at, lambda: self._clock(transfer, count), soft=True)

    def _clock(self, transfer: Transfer, count: int) -> None:
        why = self._why_not(transfer)
        if why:
            self._chip.note("SPI1", f"what the master clocks is lost: {why}")
        for bit in transfer.out[len(transfer.received) :][:count]:
            if why:
                transfer.received.append(1)
                continue
            mosi = bit if not self._pins.why_not("SPI1_MOSI", self._wires.mosi) else 1
            miso = self._spi.clock(mosi)
            transfer.received.append(miso if not self._pins.why_not("SPI1_MISO", self._wires.miso) else 1)
        at = self._at(transfer, len(transfer.received), Fraction(0))
        self._chip.at_second(at, lambda: self._run(transfer), soft=True)

    def _why_not(self, transfer: Transfer) -> str:
        """Why the slave does not take part; empty where it does."""
        if self._chip.standing_still:
            return "the chip is in Stop mode"
        if why := self._pins.why_not("SPI1_SCK", self._wires.sck):
            return why
        if not self._spi.listening():
            return "SPI1 is off or not selected"
        if self._spi.mode != self.mode:
            return f"the master clocks in mode {self.mode}, SPI1 is set to mode {self._spi.mode}"
        if transfer.period * self._pclk() < 2:  # noqa: PLR2004 # RM0377 26.1: a slave's clock is half of PCLK at most
            return "the clock is faster than half of SPI1's bus clock"
        return ""
