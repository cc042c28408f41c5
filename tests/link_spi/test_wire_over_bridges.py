"""The byte stream over each bridge to a board that echoes it, with every wire right, and with each of them wrong."""

from __future__ import annotations

import re
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from hil.errors import RigError
from hil.link.spi.wire import SpiWire
from tests.instruments.attached import KINDS, attached
from tests.instruments.model_board import ModelBoard
from tests.instruments.spidev_machine import build_shim
from tests.instruments.wiring import Fault, Wiring
from tests.link_spi.exchanges import diagnose

if TYPE_CHECKING:
    from pathlib import Path


_BOARD_HZ = 16_000_000


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


def _read(wire: SpiWire, count: int, timeout_s: float) -> bytes:
    heard = b""
    end = time.monotonic() + timeout_s
    while len(heard) < count and time.monotonic() < end:
        heard += wire.read()
    return heard


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_passes_whole_and_in_order(kind: str, shim: Path) -> None:
    random = Random(kind)
    sent = random.randbytes(3000)
    board = ModelBoard()
    with attached(kind, board, shim) as bridge, SpiWire(bridge, "model", board_hz=_BOARD_HZ) as wire:
        rest = sent
        while rest:
            count = random.randint(1, 600)
            wire.write(rest[:count])
            rest = rest[count:]
        assert _read(wire, 1 + len(sent), 5) == b"\0" + sent


@pytest.mark.parametrize("kind", ["buspirate", "ftdi", "spidev", "spidriver"])
def test_a_wrong_mode_is_told(kind: str, shim: Path) -> None:
    with attached(kind, ModelBoard(mode=1), shim, mode=2) as bridge, SpiWire(bridge, "m", board_hz=_BOARD_HZ) as wire:
        assert _read(wire, 1, 0.1) == b""
        assert "is the mode right" in wire.diagnosis()


_SAID_WITH_READY = {
    Fault.MISO_HIGH: "MISO is stuck high: the board hears the host, and nothing comes back",
    Fault.MISO_LOW: "MISO is stuck low: the board hears the host, and nothing comes back",
    Fault.SWAPPED: "MISO and MOSI are swapped",
    Fault.MOSI_OPEN: "is heard, but hears nothing.*is MOSI connected",
    Fault.READY_LOW: "has something to send, but data-ready stays low",
    Fault.SCK_OPEN: "data-ready does not react: do NSS and SCK reach the board",
    Fault.NSS_OPEN: "data-ready does not react: do NSS and SCK reach the board",
}


@pytest.mark.parametrize("kind", ["ftdi", "spidev"])
@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=fault.name) for fault in _SAID_WITH_READY],
)
def test_a_wrong_wire_is_named(kind: str, fault: Fault, shim: Path) -> None:
    with attached(kind, Wiring(ModelBoard(), fault), shim) as bridge:
        said = diagnose(bridge)
        assert re.search(_SAID_WITH_READY[fault], said, re.DOTALL), said


@pytest.mark.parametrize("kind", ["ftdi", "spidev"])
def test_data_ready_stuck_high_is_named_once_there_is_nothing_to_send(kind: str, shim: Path) -> None:
    with (
        attached(kind, Wiring(ModelBoard(), Fault.READY_HIGH), shim) as bridge,
        SpiWire(bridge, "m", board_hz=_BOARD_HZ) as wire,
    ):
        assert _read(wire, 1, 5) == b"\0"
        with pytest.raises(RigError, match="has nothing to send, but data-ready stays high"):
            _read(wire, 1, 5)


_SAID_WITHOUT = {
    Fault.MISO_HIGH: "MISO is stuck high",
    Fault.MISO_LOW: "MISO is stuck low",
    Fault.SWAPPED: "MISO is stuck high: not connected, swapped with MOSI",
    Fault.MOSI_OPEN: "is heard, but hears nothing: is MOSI connected",
    Fault.SCK_OPEN: "MISO is stuck high.*is not selected",
    Fault.NSS_OPEN: "MISO is stuck high.*is not selected",
}


@pytest.mark.parametrize("kind", ["buspirate", "spidriver", "spidev polled"])
@pytest.mark.parametrize("fault", list(_SAID_WITHOUT), ids=lambda fault: fault.name)
def test_a_wrong_wire_without_data_ready(kind: str, fault: Fault, shim: Path) -> None:
    with attached(kind, Wiring(ModelBoard(), fault), shim) as bridge:
        assert re.search(_SAID_WITHOUT[fault], diagnose(bridge))
