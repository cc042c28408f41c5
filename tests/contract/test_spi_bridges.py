"""A network over every bridge there is: the real driver, a simulated instrument, and the twin's SPI pins behind it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.emulator.power import power
from hil.emulator.spi_pins import SpiPins
from hil.flash import FlashSession
from hil.link.client import AgentClient, SpiSettings
from tests.contract import mixing
from tests.instruments.attached import KINDS, attached
from tests.instruments.spidev_machine import build_shim
from tests.instruments.wiring import Fault, Wiring
from tests.link_spi.exchanges import diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact
    from hil.emulator.power import PoweredBoard
    from hil.emulator.spi_bus import SpiBus
    from hil.link.spi.bridge import Bridge

_BOARDS = ("nucleo-l031", "microbit")
_STEPS = 50
_MODEL = mixing.image(14, 6, 4, padding=1600)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module", params=_BOARDS)
def slave(request: pytest.FixtureRequest) -> Board:
    return load_board(request.param)


@pytest.fixture(scope="module")
def artefact(slave: Board, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return build(slave, link="spi", firmware_root=mixing.firmware(tmp_path_factory.mktemp("mixing")))


@pytest.fixture(scope="module")
def powered(slave: Board, artefact: Artefact) -> Iterator[PoweredBoard]:
    """A board with this firmware."""
    assert artefact.hex is not None
    with tempfile.TemporaryDirectory() as state, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIL_STATE_DIR", state)
        with power(slave, "twin") as powered:
            with FlashSession(slave, powered.probe_uid) as session:
                session.program(artefact.hex)
            yield powered


@contextmanager
def _attached(kind: str, bus: SpiBus, shim: Path, powered: PoweredBoard) -> Iterator[Bridge]:
    """A bridge as the board needs it."""
    spi = powered.board.links.spi
    assert spi is not None
    with attached(kind, bus, shim, clock_hz=spi.max_hz, select_s=spi.select_us * 1e-6) as bridge:
        yield bridge


@contextmanager
def _client(bridge: Bridge, board: Board) -> Iterator[AgentClient]:
    spi = SpiSettings(mode=0, max_hz=bridge.clock_hz, board_hz=board.clock_hz)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hil.link.spi.opening.open_bridge", lambda *_args, **_more: bridge)
        with AgentClient(bridge.address, board_name=board.name, spi=spi) as client:
            yield client


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_equal_bit_for_bit_and_without_a_retry(kind: str, powered: PoweredBoard, shim: Path) -> None:
    inputs, elapsed = mixing.sequence(_STEPS, 6)
    states, outputs = mixing.run(_MODEL, inputs, elapsed)
    with (
        SpiPins(powered.spi_pins) as bus,
        _attached(kind, bus, shim, powered) as bridge,
        _client(bridge, powered.board) as agent,
    ):
        assert agent.identify().board_name == powered.board.name
        agent.load_image(_MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries == 0


_STAYS_LOW = "has something to send, but data-ready stays low"
_NO_CLOCK = "data-ready does not react: do NSS and SCK reach the board"
_SAID = {
    Fault.MISO_HIGH: "MISO is stuck high: the board hears the host, and nothing comes back",
    Fault.MISO_LOW: "MISO is stuck low: the board hears the host, and nothing comes back",
    Fault.SWAPPED: "MISO and MOSI are swapped",
    Fault.MOSI_OPEN: "is MOSI connected?",
    Fault.READY_LOW: _STAYS_LOW,
    Fault.SCK_OPEN: _NO_CLOCK,
    Fault.NSS_OPEN: _NO_CLOCK,
}


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=fault.name) for fault in _SAID],
)
def test_a_wrong_wire_is_named(fault: Fault, powered: PoweredBoard, shim: Path) -> None:
    powered.machine.reset(halt=False)
    with (
        SpiPins(powered.spi_pins) as bus,
        _attached("ftdi", Wiring(bus, fault), shim, powered) as bridge,
    ):
        assert _SAID[fault] in diagnose(bridge)
