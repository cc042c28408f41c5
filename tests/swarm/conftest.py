"""What the tests of defects in nodes' firmware share."""

from __future__ import annotations

import pytest

from hil.board import load_board
from tests.hil.defects import Workshop


@pytest.fixture(scope="session")
def only_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The one of this process."""
    return Workshop(tmp_path_factory.mktemp("workshop"), load_board("nucleo-l031"), "spi")


@pytest.fixture
def workshop(only_workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Where defects are planted and built."""
    monkeypatch.setenv("HIL_CACHE_DIR", str(only_workshop.cache))
    return only_workshop
