"""The pty that is the serial port of a simulated SPIDriver."""

from __future__ import annotations

import os
import select
import time
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from hil.emulator.spidriver import SpiDriver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.emulator.spi_bus import SpiBus
    from hil.emulator.spi_pins import Interest

_CHUNK: Final = 4096


class SpiDriverPort:
    """Answers without ever waiting: no further command is taken while the host does not read.

    Args:
        bus: what the instrument is wired to.

    Attributes:
        path: of the pty.
    """

    def __init__(self, bus: SpiBus) -> None:
        since = time.monotonic()
        self._driver = SpiDriver(bus, lambda: time.monotonic() - since)
        self._master, self._slave = os.openpty()
        # The slave stays open here, so that its settings survive when the last program closes it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._answers = b""

    def interest(self) -> Sequence[Interest]:
        """What to poll for."""
        return ((self._master, select.POLLOUT if self._answers else select.POLLIN, self._ready),)

    def _ready(self) -> None:
        with suppress(BlockingIOError):
            if not self._answers:
                self._answers = self._driver.feed(os.read(self._master, _CHUNK))
            self._answers = self._answers[os.write(self._master, self._answers) :]

    def close(self) -> None:
        """Close the pty."""
        os.close(self._slave)
        os.close(self._master)
