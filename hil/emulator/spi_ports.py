"""What a supervisor offers of its board's SPI bus, beside the serial port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.spi_pins import SpiPinsServer
from hil.emulator.spidriver_port import SpiDriverPort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.emulator.spi_bus import SpiBus
    from hil.emulator.spi_pins import Interest


class SpiPorts:
    """Of them one is to be used at a time: both masters drive the same wires.

    Args:
        bus: the board's; None where it has none, and nothing is offered.
        name: the board's.
    """

    def __init__(self, bus: SpiBus | None, name: str) -> None:
        self._ports = (SpiPinsServer(bus, name), SpiDriverPort(bus)) if bus else None

    def facts(self) -> dict[str, str]:
        """Where they are: ``spi_pins``, an address for `SpiPins`, and ``spi_path``, a pty; empty without a bus."""
        if self._ports is None:
            return {"spi_pins": "", "spi_path": ""}
        pins, driver = self._ports
        return {"spi_pins": pins.address, "spi_path": driver.path}

    def interest(self) -> Sequence[Interest]:
        """What to poll for."""
        return [each for port in self._ports or () for each in port.interest()]

    def close(self) -> None:
        """End them."""
        for port in self._ports or ():
            port.close()
