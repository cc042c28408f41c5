"""`hil bench`: five programs for one network, in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.host_c import REPO

HIL = Path(sys.executable).with_name("hil")
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
    assert "emulated" in done.stdout
    assert picture.read_text().startswith("<?xml")


def test_a_model_needs_its_vectors() -> None:
    model = REPO / "examples" / "networks" / "ncp19_lane.model.npz"
    done = subprocess.run([HIL, "bench", model], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "'hil bench' takes a model and its vectors, or nothing" in done.stderr
