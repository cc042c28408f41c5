"""What every bridge must do, whatever it is made of."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from hil.errors import RigError
from hil.link.spi.blocks import BLOCK_BYTES
from hil.link.spi.wire import SpiWire

if TYPE_CHECKING:
    from hil.link.spi.bridge import Bridge
    from tests.instruments.recording_bus import RecordingBus


def exchange_blocks(bridge: Bridge, bus: RecordingBus, *, mode: int, count: int = 20) -> None:
    """Random blocks of all lengths pass unchanged both ways, a transaction each, in this mode, at its clock."""
    random = Random(mode)
    lengths = [1, 4, BLOCK_BYTES, *(random.randint(1, BLOCK_BYTES) for _ in range(count))]
    sent = [random.randbytes(length) for length in lengths]
    heard = [bridge.exchange(block) for block in sent]
    assert bus.heard == sent
    assert bus.said == heard
    assert bus.released.wait(1)  # an instrument may answer first
    assert bus.clocks == {(bridge.clock_hz, mode)}


def diagnose(bridge: Bridge) -> str:
    """What a session's wire says of one that is wrong; nothing but the board's first empty frame comes over it."""
    heard = b""
    try:
        with SpiWire(bridge, "m", board_hz=16_000_000) as wire:
            wire.write(b"hello\0")
            end = time.monotonic() + 0.15
            while time.monotonic() < end:
                heard += wire.read()
            said = wire.diagnosis()
    except RigError as error:
        said = str(error)
    assert not heard.strip(b"\0")
    return said


def check_hold(bridge: Bridge, bus: RecordingBus, select_s: float) -> None:
    """Chip select is low for so long before the first clock of each transaction; None is for as long as it takes."""
    bus.heard.clear()
    bus.said.clear()
    bus.holds.clear()
    exchange_blocks(bridge, bus, mode=0, count=5)
    assert len(bus.holds) == len(bus.heard)
    assert all(held_s is None or held_s >= select_s for held_s in bus.holds), bus.holds
