"""`hil bench`: five programs for one network, in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hil.bench.contestants import CONTESTANTS
from hil.bench.energy import run_energy
from hil.bench.measure import measure
from hil.board import load_board
from hil.errors import InputError
from hil.model import load_model
from hil.resources import boards_dir
from hil.solver import Solver
from hil.vectors import load_vectors
from tests.host_c import REPO

HIL = Path(sys.executable).with_name("hil")
README = (REPO / "README.md").read_text()
KEYS = {"name", "case", "cycles_per_step", "recurrent_cycles_per_step", "text_bytes", "ram_bytes", "max_error"}


def test_the_runtime_beside_its_peers(tmp_path: Path) -> None:
    rows_file, picture = tmp_path / "rows.json", tmp_path / "rows.svg"
    done = subprocess.run(
        [HIL, "bench", "--json", rows_file, "--picture", picture], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(rows_file.read_text())}
    assert list(rows) == ["hil", "float32 naive", "float32 lists", "Q16.16", "int16x8"]
    for row in rows.values():
        assert row.keys() >= KEYS
        assert row["case"] == "ncp19_lane"
        assert 0 < row["recurrent_cycles_per_step"] < row["cycles_per_step"]
        assert f"{row['recurrent_cycles_per_step']:.0f}" in done.stdout
    ours = rows["hil"]
    assert ours["recurrent_cycles_per_step"] <= 18_900
    assert ours["max_error"] <= 2.0**-10
    for name, error, factor in (
        ("float32 naive", 1e-6, 100),
        ("float32 lists", 1e-6, 90),
        ("Q16.16", 2.0**-10, 8),
        ("int16x8", 0.05, 4),
    ):
        # A contestant that computes something else would be no comparison.
        assert rows[name]["max_error"] < error
        assert rows[name]["recurrent_cycles_per_step"] > factor * ours["recurrent_cycles_per_step"]
    table = [line.rstrip() for line in done.stdout.splitlines()[1:7]]
    assert "\n".join(f"    {line}" for line in table) in README, "the README has another table than hil bench prints"
    assert "emulated" in done.stdout
    assert {row["energy_uJ_per_step"] for row in rows.values()} == {None}
    assert "energy: not modelled: the file of board 'microbit' has no 'run' at 16 MHz in key 'currents'" in done.stdout
    assert picture.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("current", "joules", "said"),
    [
        (
            "typical_uA: 1500.0, supply_V: 3.0",
            1500 * 3.0 * 0.01,
            "modelled, typical, 1500 uA from flash at 16 MHz and 3 V: run 1500 uA (a page)",
        ),
        (
            "typical_uA: unknown, supply_V: 3.0",
            None,
            "not modelled: key 'currents.0.typical_uA' of board 'own' (run) is unknown: a page",
        ),
        ("typical_uA: 1500.0", None, "no key 'currents.….supply_V' of board 'own' says at which supply"),
    ],
)
def test_energy_is_cycles_times_what_the_board_s_file_says(
    tmp_path: Path, current: str, joules: float | None, said: str
) -> None:
    row = f"  - {{state: run, clock_hz: 16000000, memory: flash, {current}, maximum_uA: unknown, source: a page}}\n"
    text = (boards_dir() / "microbit.yaml").read_text().replace("name: microbit", "name: own")
    path = tmp_path / "own.yaml"
    path.write_text(f"{text}\ncurrents:\n{row}")
    energy, source = run_energy(load_board(str(path)), 160_000)  # 10 ms
    assert energy == (joules if joules is None else pytest.approx(joules))
    assert said in source


def test_other_solvers_are_not_what_the_peers_compute() -> None:
    model = load_model(REPO / "examples" / "networks" / "tiny_dense.model.npz").solved_by(Solver(method="rk4"))
    vectors = load_vectors(REPO / "examples" / "networks" / "tiny_dense.vectors.npz", model)
    with pytest.raises(InputError, match="its peers compute the fused solver alone"):
        next(measure(load_board("microbit"), "tiny_dense", model, vectors, CONTESTANTS))


def test_a_model_needs_its_vectors() -> None:
    model = REPO / "examples" / "networks" / "ncp19_lane.model.npz"
    done = subprocess.run([HIL, "bench", model], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "'hil bench' takes a model and its vectors, or nothing" in done.stderr
