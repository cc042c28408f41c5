"""A user's project in a folder of its own, with the build cache of the person who runs these tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import importlib_metadata  # noqa: F401 - pyOCD imports it, and it replaces a finder that pytester would take out again
import numpy as np
import pytest

from hil.build import cache_dir
from hil.resources import examples_dir

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS = examples_dir() / "networks"
CACHE = cache_dir()  # asked for now, as pytester changes HOME


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
