"""A computer of a test's own, and locks of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rig.trees import Computer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """Nothing is plugged in yet."""
    made = Computer(tmp_path / "computer")
    made.install(monkeypatch)
    return made


@pytest.fixture(autouse=True)
def _own_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("HIL_RIG", raising=False)
