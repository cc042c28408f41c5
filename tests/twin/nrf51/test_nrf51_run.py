"""``hil run`` of public cases on the micro:bit: the twin over either link, whose bits are the exact model's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hil.resources import examples_dir

if TYPE_CHECKING:
    from pathlib import Path

CASES = ("tiny_dense", "unfold1")


def run(name: str, tmp_path: Path, *options: str) -> dict[str, Any]:
    """The result as JSON."""
    folder, report = examples_dir() / "networks", tmp_path / "result.json"
    files = (folder / f"{name}.model.npz", folder / f"{name}.vectors.npz")
    command = [sys.executable, "-m", "hil", "run", "--board", "microbit", *options, "--json", report, *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(report.read_text())
    return result


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize("name", CASES)
def test_each_bit_over_either_link_and_the_cycles_of_qemu(name: str, tmp_path: Path) -> None:
    uart = run(name, tmp_path, "--backend", "twin")
    spi = run(name, tmp_path, "--link", "spi")  # QEMU has none: the twin is taken
    qemu = run(name, tmp_path)
    assert (uart["backend"], spi["backend"], qemu["backend"]) == ("twin", "twin", "qemu")
    for result in (uart, spi, qemu):
        assert result["bits_equal"] is True
        assert result["retries"] == 0
        assert result["noticed"] == []
    assert uart["cycles"]["per_step"] == spi["cycles"]["per_step"] == qemu["cycles"]["per_step"]
