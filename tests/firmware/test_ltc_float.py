"""The float32 build against ncps' own float32 run, on every single-sequence reference case."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.model import LtcModel, load_model
from tests.host_c import REPO, build_program

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = REPO / "examples" / "networks"
NAMES = sorted(path.name.removesuffix(".model.npz") for path in NETWORKS.glob("*.model.npz"))
SYNAPSE = np.dtype([("source", "<u2"), ("target", "<u2")] + [(key, "<f4") for key in ("w", "mu", "sigma", "erev")])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = REPO / "firmware" / "reference" / "ltc_float.c"
    out = tmp_path_factory.mktemp("float") / "driver"
    return build_program(out, REPO / "tests" / "firmware" / "float_driver.c", source)


def _synapses(model: LtcModel, prefix: str) -> np.ndarray:
    pairs = np.argwhere(getattr(model, f"{prefix}mask"))
    records = np.zeros(len(pairs), SYNAPSE)
    records["source"], records["target"] = pairs.T
    for key in ("w", "mu", "sigma", "erev"):
        records[key] = getattr(model, prefix + key)[tuple(pairs.T)]
    return records


def _stream(model: LtcModel, v: dict[str, np.ndarray]) -> bytes:
    sensory, synapse = _synapses(model, "sensory_"), _synapses(model, "")
    size = [model.inputs, model.neurons, model.outputs, model.unfolds, len(sensory), len(synapse), len(v["inputs"])]
    arrays = (model.gleak, model.vleak, model.cm, model.input_w, model.input_b, model.output_w, model.output_b)
    parts = [np.array(size, "<u4"), np.array([model.epsilon], "<f4"), *(a.astype("<f4") for a in arrays)]
    steps = np.column_stack([v["elapsed"], v["inputs"]]).astype("<f4")
    return b"".join(part.tobytes() for part in [*parts, sensory, synapse, v["state0"].astype("<f4"), steps])


@pytest.mark.parametrize("name", NAMES)
def test_float_build_equals_ncps_in_float32(program: Path, name: str) -> None:
    model = load_model(NETWORKS / f"{name}.model.npz")
    archive = np.load(NETWORKS / f"{name}.vectors.npz")
    v = {key: archive[key] for key in ("inputs", "elapsed", "state0")}
    done = subprocess.run([program], input=_stream(model, v), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    result = np.frombuffer(done.stdout, "<f4").reshape(len(v["inputs"]), model.neurons + model.outputs)
    wanted = np.load(NETWORKS / f"{name}.f32.npz")
    np.testing.assert_allclose(result[:, : model.neurons], wanted["states32"], rtol=0, atol=3e-5)
    np.testing.assert_allclose(result[:, model.neurons :], wanted["outputs32"], rtol=0, atol=3e-4)
