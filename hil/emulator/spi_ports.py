"""What a supervisor offers of its board's SPI bus, beside the serial port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.spi_pins import SpiPinsServer

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
        self._pins = SpiPinsServer(bus, name) if bus else None

    def facts(self) -> dict[str, str]:
        """Where they are; empty without."""
        return {"spi_pins": self._pins.address if self._pins else ""}

    def interest(self) -> Sequence[Interest]:
        """What to poll for."""
        return self._pins.interest() if self._pins else ()

    def close(self) -> None:
        """End them."""
        if self._pins:
            self._pins.close()
