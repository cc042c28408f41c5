"""``hil profile`` on an emulated micro:bit."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hil.commands.profile import ProfileRequest, profile
from hil.dut.options import DutOptions
from hil.errors import RigError
from hil.resources import examples_dir
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"
README = (REPO / "README.md").read_text()
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
    assert own.keys() >= {"ltc_step", "ltc_unfold", "ltc_advance", "ltc_gather", "all"}
    lines = (tmp_path / "out" / "tiny.folded").read_text().splitlines()
    assert all(line.startswith("ltc_step") for line in lines)
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == own["all"]
    shown = next(block for block in README.split("\n\n") if "cycles a step" in block)
    for line in (line.strip() for line in shown.splitlines()):
        assert line in {"…", *map(str.strip, done.stdout.splitlines())}, "the README has other figures than hil profile"
    assert sum(cycles for name, cycles in own.items() if name != "all") == own["all"]
    assert "budget 60000" in (tmp_path / "out" / "tiny.svg").read_text()


def test_profile_without_a_cycle_source_is_an_error(tmp_path: Path) -> None:
    done = hil("profile", *FILES, "--board=host", "-o", tmp_path)
    assert done.returncode == 2
    assert "error (input): board 'host' has no cycles to profile: nothing counts them" in done.stderr
    (hint,) = [line for line in done.stderr.splitlines() if line.startswith("  hint: take a board with a 'timing'")]
    assert "microbit, " in hint
    assert list(tmp_path.iterdir()) == []


def test_profile_without_the_host_compiler_is_a_rig_error_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("hil.cycles.compiler.INSTALLED", ("no-such-gcc",))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.setattr("hil.cycles.library.FLAGS", ("-std=c11", "-O1", "-fPIC", "-shared"))  # so it is not cached
    with pytest.raises(RigError, match=r"cycles of tiny_dense not measured: .*no-such-gcc is not installed") as caught:
        profile(ProfileRequest(FILES, "microbit", tmp_path, "svg"), DutOptions(), Console(quiet=True))
    assert "sudo apt-get install --yes gcc libc6-dev" in str(caught.value)
    assert "leave" not in str(caught.value)


def test_profile_with_more_paths_of_calls_than_there_is_room_for_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("hil.cycles.counter_file.NODES", 8)
    console = Console(file=io.StringIO(), width=200)
    profile(ProfileRequest(FILES, "microbit", tmp_path, "svg"), DutOptions(), console)
    said = console.file.getvalue()
    assert "no functions: there are more paths of calls than the 8 that there is room for" in said
    assert not list(tmp_path.glob("*.folded"))
