"""Reference and integer model against the states that ncps itself computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hil.convert import convert
from hil.golden import run_integer, run_reference
from hil.model import LtcModel, load_model
from tests.host_c import REPO

NETWORKS = REPO / "examples" / "networks"
CASES = sorted(path.name.removesuffix(".vectors.npz") for path in NETWORKS.glob("*.vectors.npz"))
LIMITS = json.loads((NETWORKS / "limits.json").read_text())


def _load(case: str) -> tuple[str, LtcModel, dict[str, np.ndarray]]:
    name = max((p.name.removesuffix(".model.npz") for p in NETWORKS.glob("*.model.npz")), key=lambda n: _fits(case, n))
    archive = np.load(NETWORKS / f"{case}.vectors.npz")
    vectors = {key: archive[key] for key in archive.files}
    if vectors["inputs"].ndim == 2:
        for key in ("inputs", "elapsed", "states", "outputs"):
            vectors[key] = vectors[key][None]
    return name, load_model(NETWORKS / f"{name}.model.npz"), vectors


def _fits(case: str, name: str) -> int:
    return len(name) if case == name or case.startswith(name + "_") else -1


def test_every_case_is_here() -> None:
    assert len(CASES) == 14


@pytest.mark.parametrize("case", CASES)
def test_reference_equals_ncps(case: str) -> None:
    _, model, v = _load(case)
    states, outputs = run_reference(model, v["inputs"], v["elapsed"], v["state0"])
    np.testing.assert_allclose(states, v["states"], rtol=0, atol=1e-13)
    np.testing.assert_allclose(outputs, v["outputs"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_integer_model_is_near_ncps(case: str) -> None:
    name, model, v = _load(case)
    c = convert(model, state_bound=float(np.abs(v["state0"]).max()))
    assert not c.notes
    states, _ = run_integer(
        c.image, c.quantise_inputs(v["inputs"]), c.quantise_elapsed(v["elapsed"]), c.quantise_state(v["state0"])
    )
    error = np.abs(c.state_to_float(states) - v["states"]).max() / c.state_bound
    assert error <= LIMITS.get(name, 2.0**-10) / 2  # twice as near as what is asked for
