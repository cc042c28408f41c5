"""What the tests of planted defects share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hil.defects import Workshop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def only_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The one of this process."""
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture
def workshop(only_workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Where defects are planted and built; boards start with empty flash."""
    monkeypatch.setenv("HIL_CACHE_DIR", str(only_workshop.cache))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    return only_workshop
