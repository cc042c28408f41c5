"""NUCLEO-L053R8 on its twin: flashed through a target that pyOCD has in a pack alone, and as fast as its sister."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.resources import examples_dir
from tests.boards.firmwares import firmwares

NETWORKS = examples_dir() / "networks"
GOLDENS = Path(__file__).parents[1] / "hil"


@pytest.mark.parametrize("link", ["uart", "spi"])
def test_it_computes_what_the_integer_model_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    board = load_board("nucleo-l053")
    with open_dut(board, DutOptions(backend="twin", link=link)) as dut:
        identity = dut.identity
        assert identity.slot_bytes == board.image_slot.bytes == 0x8000
        assert identity.store_bytes == 0x800
        result = dut.run(NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz")
        assert result.bits_equal
        assert result.retries == 0
        assert dut.provenance.flashed.bytes_written > 0
        assert not dut.provenance.noticed


def test_stock_pyocd_flashes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    hexfile = firmwares()["nucleo-l053"].hex
    assert hexfile is not None
    command = [sys.executable, "-m", "pyocd", "flash", "-u", "emulated:nucleo-l053", str(hexfile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Erased" in done.stderr + done.stdout


def test_the_same_core_at_the_same_clock_takes_the_same_cycles() -> None:
    """Record both when one is: pytest tests/hil --board=nucleo-l031 --board=nucleo-l053 --hil-update-golden."""
    boards = [load_board(name) for name in ("nucleo-l031", "nucleo-l053")]
    assert len({(board.core, board.clock_hz, str(board.memory.flash.fetch_wait_states)) for board in boards}) == 1
    files = sorted(GOLDENS.glob("*.cycles.json"))
    assert files
    for path in files:
        entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
        cycles = {
            entry["platform"]["board"]: {name: each["per_step"] for name, each in entry["vectors"].items()}
            for entry in entries
        }
        assert cycles["nucleo-l053"] == cycles["nucleo-l031"], path.name
