"""Every bridge there is, open, on a simulated instrument with a bus at its pins."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import usb.backend.libusb1

from hil.emulator.spidriver import SpiDriver
from hil.link.spi.opening import open_bridge
from tests.instruments.bus_pirate import BusPirate
from tests.instruments.ft232h import Ft232h
from tests.instruments.pty_instrument import PtyInstrument
from tests.instruments.remote_bridge import RemoteBridge
from tests.instruments.spidev_machine import SpidevMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.emulator.spi_bus import SpiBus
    from hil.link.spi.bridge import Bridge

KINDS = ("buspirate", "spidriver", "ftdi", "ftdi polled", "spidev", "spidev polled")
"""Those that could have a data-ready line, with and without it."""


@contextmanager
def attached(
    kind: str, bus: SpiBus, shim: Path, *, clock_hz: int = 8_000_000, mode: int = 0, select_s: float = 0.0
) -> Iterator[Bridge]:
    """The bridge of this kind.

    Args:
        kind: one of KINDS.
        bus: what is at the instrument's pins; it is used by another thread where the instrument has one.
        shim: the compiled spidev_shim.c.
        clock_hz: as `open_bridge`.
        mode: as `open_bridge`.
        select_s: as `open_bridge`.
    """
    with ExitStack() as stack:
        if kind in {"buspirate", "spidriver"}:
            machine = BusPirate(bus) if kind == "buspirate" else SpiDriver(bus)
            port = stack.enter_context(PtyInstrument(machine))
            address = f"{kind}:{port.path}"
            yield stack.enter_context(open_bridge(address, clock_hz=clock_hz, mode=mode, select_s=select_s))
        elif kind.startswith("ftdi"):
            chip = Ft232h(bus, ready_pin=8)
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(usb.backend.libusb1, "get_backend", lambda *_args, **_more: chip)
            address = "ftdi://ftdi:232h/1" + ("" if "polled" in kind else "?data_ready=8")
            yield stack.enter_context(open_bridge(address, clock_hz=clock_hz, mode=mode, select_s=select_s))
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-"))  # a socket's path must be short
            computer = stack.enter_context(SpidevMachine(shim, Path(folder), bus))
            address = "spidev:/dev/spidev0.0" + ("" if "polled" in kind else "?data_ready=/dev/gpiochip0/25")
            yield stack.enter_context(
                RemoteBridge(address, clock_hz=clock_hz, mode=mode, select_s=select_s, environment=computer.environment)
            )
