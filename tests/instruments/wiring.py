"""Wrong wiring, between an instrument and a board. A line that nobody drives reads high, as a pulled-up input does."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiBus


class Fault(enum.Enum):
    """What is wrong."""

    MISO_HIGH = "MISO stuck high, or not connected"
    MISO_LOW = "MISO stuck low"
    SWAPPED = "MISO and MOSI swapped"
    MOSI_OPEN = "MOSI not connected"
    READY_LOW = "data-ready not connected"
    READY_HIGH = "data-ready stuck high"
    SCK_OPEN = "SCK not connected"
    NSS_OPEN = "NSS not connected"


class Wiring:
    """A bus with a fault; None for none, and it may come and go."""

    def __init__(self, bus: SpiBus, fault: Fault | None = None) -> None:
        self._bus = bus
        self.fault = fault

    def select(self, *, on: bool) -> None:
        if self.fault is not Fault.NSS_OPEN:
            self._bus.select(on=on)

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        ones = b"\xff" * len(data)
        if self.fault in {Fault.SCK_OPEN, Fault.NSS_OPEN}:
            return ones
        sent = ones if self.fault in {Fault.SWAPPED, Fault.MOSI_OPEN} else data
        heard = self._bus.transfer(sent, clock_hz, mode, held_s=held_s)
        if self.fault in {Fault.MISO_HIGH, Fault.SWAPPED}:
            return ones
        return bytes(len(data)) if self.fault is Fault.MISO_LOW else heard

    def data_ready(self) -> bool:
        if self.fault in {Fault.READY_LOW, Fault.READY_HIGH}:
            return self.fault is Fault.READY_HIGH
        return self._bus.data_ready()
