"""Public cases on the twin over a bridge: the harness' own path, the real driver, a simulated instrument."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.power import power
from hil.emulator.spi_pins import SpiPins
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors
from tests.instruments.attached import attached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.board import Board
    from hil.dut.dut import Dut
    from hil.link.spi.bridge import Bridge
    from hil.result import RunResult

BOARD = load_board("nucleo-l031")
NETWORKS = examples_dir() / "networks"


@contextmanager
def over(kind: str, shim: Path, board: Board = BOARD) -> Iterator[Dut]:
    """The twin through a bridge of this kind, as for someone who keeps a board powered and names its bridge."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        state = stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-"))
        patch.setenv("HIL_STATE_DIR", state)  # the run's own boards may be powered
        powered = stack.enter_context(power(board, "twin"))
        pins = stack.enter_context(SpiPins(powered.spi_pins))
        opened = stack.enter_context(ExitStack())

        def open_bridge(_address: str, *, clock_hz: int, mode: int, select_s: float) -> Bridge:
            opened.close()
            return opened.enter_context(attached(kind, pins, shim, clock_hz=clock_hz, mode=mode, select_s=select_s))

        address = f"{kind.split(maxsplit=1)[0]}:simulated"
        patch.setattr("hil.link.spi.opening.open_bridge", open_bridge)
        yield stack.enter_context(open_dut(board, DutOptions(probe=powered.probe_uid, port=address, link="spi")))


def run(dut: Dut, name: str) -> RunResult:
    """All of a case; raises unless every bit is equal."""
    own = NETWORKS / f"{name}.model.npz"
    model = load_model(own if own.exists() else NETWORKS / f"{name.rpartition('_')[0]}.model.npz")
    return dut.run(model, load_vectors(NETWORKS / f"{name}.vectors.npz", model))
