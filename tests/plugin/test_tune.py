"""``hil tune`` on the twin, with a few of the recordings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.cycle_golden import load_golden
from hil.resources import examples_dir
from tests.host_c import REPO
from tests.plugin.test_profile import hil

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"
MODEL = NETWORKS / "basicmotions.model.npz"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def recordings(folder: Path, count: int, *, without: str = "") -> Path:
    """The first recordings."""
    path = folder / "few.vectors.npz"
    with np.load(NETWORKS / "basicmotions_test.vectors.npz") as archive:
        cut = {key: archive[key][:count] for key in ("inputs", "elapsed", "states", "outputs")}
        whole = {"labels": archive["labels"][:count], "label_names": archive["label_names"]}
        arrays = {key: value for key, value in (cut | whole).items() if key != without}
    np.savez(path, **arrays)
    return path


def test_tune_finds_the_cheapest_that_keeps_the_decisions(tmp_path: Path) -> None:
    vectors = recordings(tmp_path, 4)
    out, picture = tmp_path / "rows.json", tmp_path / "rows.svg"
    done = hil("tune", MODEL, vectors, "--json", out, "--picture", picture)
    assert done.returncode == 0, done.stderr
    rows = {row["solver"]: row for row in json.loads(out.read_text())}
    own, fewest = rows["fused, 6 unfolds"], rows["exponential, 1 unfold"]
    assert own["where"] == "twin (emulated)"
    assert own["decisions_kept"] == own["decisions"] == 4
    assert own["max_output_error"] < 0.01 < fewest["max_output_error"]
    assert fewest["keeps"]
    assert 2 * fewest["cycles_per_step"] < own["cycles_per_step"] <= own["longest_step"]
    assert rows["euler"]["refused"].startswith("neuron 0 has no capacitance")
    assert rows["euler"]["cycles_per_step"] is None
    kept = min((row for row in rows.values() if row["keeps"]), key=lambda row: row["cycles_per_step"])
    factor = own["cycles_per_step"] / kept["cycles_per_step"]
    assert (
        f"{kept['solver']} keeps all 4 decisions of these vectors with {factor:.2f} times fewer cycles" in done.stdout
    )
    assert "exponential, 1 unfold" in picture.read_text()


@pytest.mark.parametrize(
    ("case", "solver"),
    [("basicmotions_recordings", "fused, 6 unfolds *"), ("basicmotions_exponential", "exponential, 1 unfold")],
)
def test_the_readme_s_cycles_are_the_goldens(case: str, solver: str) -> None:
    golden = load_golden(REPO / "tests" / "hil" / f"{case}.cycles.json")
    entry = next(each for each in golden.entries if each.platform.board == "nucleo-l031")
    steps = np.array([count for each in entry.vectors.values() for row in each.per_step for count in row])
    line = next(line for line in (REPO / "README.md").read_text().splitlines() if line.strip().startswith(solver))
    assert line.strip().removeprefix(solver).split()[:2] == [f"{steps.mean():.0f}", f"{steps.max()}"]


def test_tune_leaves_a_network_alone_whose_outputs_no_cheaper_solver_keeps(tmp_path: Path) -> None:
    files = NETWORKS / "tiny_dense.model.npz", tmp_path / "short.npz"
    with np.load(NETWORKS / "tiny_dense.vectors.npz") as archive:
        np.savez(files[1], **{key: archive[key][:12] for key in ("inputs", "elapsed", "outputs")})
    done = hil("tune", *files, "--atol=0.0005", "--board=microbit")
    assert done.returncode == 0, done.stderr
    assert "none that is cheaper keeps every output as near as was asked for: leave the solver as it is" in done.stdout
    hopeless = hil("tune", *files, "--atol=1e-9", "--board=microbit")
    assert "no solver keeps what was asked for, the network's own included" in hopeless.stdout


@pytest.mark.parametrize(
    ("without", "arguments", "said"),
    [
        ("labels", (), "nothing says which answers must be kept"),
        ("outputs", ("--atol=0.1",), "key 'outputs': missing, and --atol is about them"),
        ("", ("--atol=0",), "--atol is 0, wanted a difference above 0"),
        ("", ("--board=host",), "nothing counts cycles on board 'host'"),
    ],
)
def test_what_tune_refuses(tmp_path: Path, without: str, arguments: tuple[str, ...], said: str) -> None:
    done = hil("tune", MODEL, recordings(tmp_path, 2, without=without), *arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["tune", "bench"])
def test_the_rows_take_the_place_of_no_file_that_is_read(tmp_path: Path, command: str) -> None:
    vectors = recordings(tmp_path, 2)
    before = vectors.read_bytes()
    done = hil(command, MODEL, vectors, "--json", vectors)
    assert done.returncode == 2
    assert "is a file that the run reads" in done.stderr
    assert vectors.read_bytes() == before


def test_a_solver_on_the_command_line(tmp_path: Path) -> None:
    files = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
    done = hil("run", *files, "--board=host", "--solver=rk4", "--unfolds=12", "--json", tmp_path / "run.json")
    assert done.returncode == 0, done.stderr
    assert "holds: 32000 bits equal to the exact integer model" in done.stdout
    assert "of an expected output; not promised with another solver" in done.stdout
    assert json.loads((tmp_path / "run.json").read_text())["solver"] == "rk4, 12 unfolds"
    converted = hil("convert", files[0], "-o", tmp_path / "net.bin", "--solver=adaptive", "--error-bound=0.01")
    assert "solver: adaptive, 32 unfolds" in converted.stdout
    assert "LTC_STAGED_MEMORY(memory, 4, 2)" in converted.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--solver=rk5",), "--solver: input should be 'fused', 'euler', 'rk4', 'adaptive' or 'exponential'"),
        (("--solver=rk4", "--unfolds=0"), "--unfolds: input should be greater than or equal to 1"),
        (("--solver=adaptive",), "--solver: the adaptive solver needs an error_bound"),
        (("--error-bound=0.1",), "--error-bound goes with --solver"),
        (("--unfolds=3",), "--unfolds goes with --solver"),
        (("--solver=rk4", "--error-bound=0.1"), "--solver: error_bound is of the adaptive solver"),
        (("--solver=euler", "--unfolds=2"), "an elapsed time of 1 is too long for an explicit solver with 2 unfolds"),
    ],
)
def test_what_a_command_refuses(arguments: tuple[str, ...], said: str) -> None:
    files = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
    done = hil("run", *files, "--board=host", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
