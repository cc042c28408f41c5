"""Probe and port of two boards: nothing that the one holds is told of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.power import power
from hil.errors import RigError
from hil.resources import examples_dir

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"
FILES = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
BOARD = load_board("microbit")


def test_the_port_of_another_board_gives_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with power(BOARD) as one, power(BOARD, instance="2") as other:
        for probed, port in ((one, one), (other, other), (one, one)):  # both hold the firmware; flashed, then not
            with open_dut(BOARD, DutOptions(probe=probed.probe_uid, port=port.serial_path)) as dut:
                assert dut.run(*FILES).retries == 0
        # Both are there with the right firmware; one has been talked to since it started, the other has not.
        other.machine.reset(halt=False)
        for probed, port in ((one, other), (other, one), (one, other)):
            words = f"on port {port.serial_path} has not been restarted by probe {probed.probe_uid}: they belong to two"
            with (
                pytest.raises(RigError, match=words) as caught,
                open_dut(BOARD, DutOptions(probe=probed.probe_uid, port=port.serial_path)),
            ):
                pass
            assert caught.value.exit_code == 10
