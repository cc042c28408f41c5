"""``hil profile`` on an emulated micro:bit."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from hil.resources import examples_dir

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NETWORKS = examples_dir() / "networks"
FILES = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"


def hil(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from hil.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_profile_shows_functions_and_writes_flame_graph_and_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    case = tmp_path / "tiny.hil.yaml"
    case.write_text(f"model: {FILES[0]}\nvectors: {FILES[1]}\ncycles: {{per_step: 60000}}\n")
    done = hil("profile", case, "--board=microbit", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["tiny.folded", "tiny.svg"]
    own = {row[0]: int(row[1]) for row in re.findall(r"^(\w+) .* (\d+)$", done.stdout, re.MULTILINE)}
    assert own.keys() >= {"ltc_step", "add_synapses", "ltc_sigmoid", "all"}
    lines = (tmp_path / "out" / "tiny.folded").read_text().splitlines()
    assert all(line.startswith("ltc_step") for line in lines)
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == own["all"]
    assert sum(cycles for name, cycles in own.items() if name != "all") == own["all"]
    assert "budget 60000" in (tmp_path / "out" / "tiny.svg").read_text()


def test_profile_without_a_cycle_source_is_an_error(tmp_path: Path) -> None:
    done = hil("profile", *FILES, "--board=host", "-o", tmp_path)
    assert done.returncode == 7
    assert "error (cycles): cycles of tiny_dense not measured: no cycle source on board 'host'" in done.stderr
    assert list(tmp_path.iterdir()) == []
