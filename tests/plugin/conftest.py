"""A user's project in a folder of its own, with the build cache of the person who runs these tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hil.dut.opening  # noqa: F401 - with pyOCD; imported in a run of pytester, it would be half taken out again after it
from hil.report.page_pictures import difference_svg, series_svg
from hil.resources import cache_dir, examples_dir

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS = examples_dir() / "networks"
CACHE = cache_dir()  # asked for now, as pytester changes HOME


@pytest.fixture(scope="session", autouse=True)
def _drawn() -> None:
    """As with pyOCD above: matplotlib is there as a whole before a run of pytester draws the pictures of its report."""
    one = {"sequences": 1, "steps": 2, "first": [0, 1], "low": [1, 2], "median": [1, 2], "high": [2, 2]}
    series_svg(one, "nothing")
    difference = {"array": "x", "unit": "LSB", "step": 1, "element": 0, "allowed": 1, "first": 0}
    difference_svg(difference | {"obtained": [1, 2], "expected": [1, 1]})


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the smallest network; emulated boards start with empty flash in it."""
    monkeypatch.setenv("HIL_CACHE_DIR", str(CACHE))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("HIL_STATE_DIR", str(pytester.path / "state"))
    for name in ("tiny_dense.model.npz", "tiny_dense.vectors.npz"):
        (pytester.path / name).write_bytes((NETWORKS / name).read_bytes())
    return pytester


@pytest.fixture
def change_vectors(project: pytest.Pytester) -> Callable[..., None]:
    """Write the vectors again with some arrays changed, added, or (None) taken out."""

    def change(**arrays: object) -> None:
        path = Path(project.path, "tiny_dense.vectors.npz")
        with np.load(path) as archive:
            kept = {key: archive[key] for key in archive.files} | arrays
        np.savez(path, **{key: value for key, value in kept.items() if value is not None})

    return change


@pytest.fixture
def write_case(project: pytest.Pytester) -> Callable[[str], Path]:
    """Write ``bridge.hil.yaml``: the smallest network and further lines."""

    def write(lines: str = "") -> Path:
        path = Path(project.path, "bridge.hil.yaml")
        path.write_text(f"model: tiny_dense.model.npz\nvectors: tiny_dense.vectors.npz\n{lines}", encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_network(project: pytest.Pytester) -> Callable[..., None]:
    """Replace the network by a dense one of any size, and its vectors by three steps."""

    def write(*, neurons: int, inputs: int) -> None:
        rng = np.random.default_rng(1)
        square, wide = (neurons, neurons), (inputs, neurons)
        np.savez(
            project.path / "tiny_dense.model.npz",
            **{name: np.ones(neurons) for name in ("gleak", "cm")},
            vleak=np.zeros(neurons),
            **{name: rng.uniform(0.1, 1, square) for name in ("w", "mu", "sigma", "erev")},
            **{f"sensory_{name}": rng.uniform(0.1, 1, wide) for name in ("w", "mu", "sigma", "erev")},
            input_w=np.ones(inputs),
            output_w=np.ones(1),
            ode_unfolds=1,
            epsilon=1e-8,
        )
        np.savez(project.path / "tiny_dense.vectors.npz", inputs=rng.uniform(-1, 1, (3, inputs)))

    return write
