"""What the firmware stores on an emulated board, over a power cut and over another firmware."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.power import power
from hil.errors import TargetFault
from hil.link.client import AgentClient
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

BOARD = load_board("nucleo-l031")
KEPT = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def _own_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def talk(act: str) -> bytes:
    """Power the board with what is in its flash, and write to its store or read it."""
    with power(BOARD) as powered, AgentClient(powered.serial_path, board_name=BOARD.name) as client:
        assert client.identify().store_bytes == len(KEPT)
        if act == "write":
            client.write_store(0, KEPT)
        return client.read_store(0, len(KEPT))


def test_it_survives_power_and_another_firmware(tmp_path: Path) -> None:
    with open_dut(BOARD) as dut:
        first = dut.artefact.build_id
    assert talk("write") == KEPT
    assert talk("read") == KEPT
    shutil.copytree(REPO / "firmware", tmp_path / "firmware")
    with (tmp_path / "firmware/agent/main.c").open("a") as file:
        file.write("/* another */\n")
    with open_dut(BOARD, DutOptions(firmware_root=tmp_path / "firmware")) as dut:
        assert dut.artefact.build_id != first
        assert dut.provenance.flashed.bytes_written
    assert talk("read") == KEPT


@pytest.mark.parametrize("name", ["microbit", "host"])
def test_a_board_without_says_so(name: str) -> None:
    with open_dut(load_board(name)) as dut:
        assert dut.identity.store_bytes == 0
        client = dut._connection.client
        with pytest.raises(TargetFault, match=r"STORE_RANGE.* beyond the 0 bytes"):
            client.write_store(0, bytes(4))
        with pytest.raises(TargetFault, match=r"STORE_RANGE.* beyond the 0 bytes"):
            client.read_store(0, 4)
        with pytest.raises(TargetFault, match=r"STOP_RANGE.* stop for 0 ms at most \(0: it has no Stop mode"):
            client.stop(0)
        assert client.echo(b"on") == b"on"
