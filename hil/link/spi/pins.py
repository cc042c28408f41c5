"""An emulated board's own SPI pins: no instrument between, data-ready connected, SCK as fast as the board takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.machine import MachineError
from hil.emulator.spi_pins import SpiPins
from hil.errors import LinkError
from hil.link.spi.managed import ManagedBridge

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress


class PinsBridge(ManagedBridge):
    """`hil.link.spi.bridge.Bridge` to the pins of a board that ``hil emulate`` keeps powered.

    Args:
        address: ``pins:`` and what ``hil emulate`` says behind it.
        clock_hz: fastest clock that the board takes.
        mode: SPI mode.
        select_s: how long chip select is low before the first clock, in s.

    Raises:
        RigError: there is no such board, or another program has its pins.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> None:
        address.allow("hz")
        self.address = address.text
        self.clock_hz = address.slowed(clock_hz)
        self._mode = mode
        self._select_s = select_s
        self._pins = SpiPins(address.device)

    def close(self) -> None:
        """See `Bridge`."""
        self._pins.close()

    def exchange(self, data: bytes) -> bytes:
        """See `Bridge`."""
        try:
            self._pins.select(on=True)
            heard = self._pins.transfer(data, self.clock_hz, self._mode, held_s=self._select_s)
            self._pins.select(on=False)
        except MachineError as error:
            raise self._gone(error) from error
        return heard

    def data_ready(self) -> bool | None:
        """See `Bridge`."""
        try:
            return self._pins.data_ready()
        except MachineError as error:
            raise self._gone(error) from error

    def _gone(self, error: MachineError) -> LinkError:
        return LinkError(
            f"bridge {self.address} went away while it was in use: {error.message}",
            cause=error.cause,
            hint="is the emulated board still powered?",
        )
