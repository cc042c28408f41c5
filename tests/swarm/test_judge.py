"""What a verdict says of the float64 reference, which is told and fails nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hil.golden import run_reference
from hil.model import load_model
from hil.swarm.judge import judge
from hil.vectors import load_vectors
from tests.swarm.small import NETWORKS, built, run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_float64_reference_is_beside_the_verdict(tmp_path: Path) -> None:
    (tiny,) = built(tmp_path, ["tiny"])
    told = run([tiny]).nodes["tiny"]
    reference = tiny.prepared.reference
    places = [(sequence, step) for sequence, step, _ in reference.anomalies]
    other = replace(reference, float64=(*places[1:], (0, 999), (0, 1000)))
    verdict = judge(replace(tiny.prepared, reference=other), told)
    assert (verdict.float64_same, verdict.float64_more) == (len(places) - 1, 2)
    assert verdict.problems == ()


def test_the_float64_reference_is_ncps_own_over_the_same_steps(tmp_path: Path) -> None:
    # Above 0.579 for two steps in a row, from the numbers themselves.
    (tiny,) = built(tmp_path, ["tiny"])
    model = load_model(NETWORKS / "tiny_dense.model.npz")
    vectors = load_vectors(NETWORKS / "tiny_dense.vectors.npz", model)
    _, outputs = run_reference(model, vectors.inputs[:, :60], vectors.elapsed[:, :60], vectors.state0)
    above = np.concatenate([[False, False], outputs[0, :, 0] > 0.579])
    ends = np.flatnonzero(above[2:] & above[1:-1] & ~above[:-2])
    assert [step for _, step in tiny.prepared.reference.float64] == ends.tolist()
    assert len(ends) == 6
