"""Runs of the twin, each recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.power.twin_runs import stopped_run, streamed_run

if TYPE_CHECKING:
    from tests.power.runs import Run


@pytest.fixture(scope="session")
def streamed() -> Run:
    return streamed_run(steps=3)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return stopped_run(tmp_path_factory.mktemp("stopped"), steps=3)
