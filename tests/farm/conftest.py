"""One lab for the tests of one process; all of them are in one group, so that there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.farm.address import FarmAddress
from tests.farm.lab import EMULATED, LISTENING, Lab, lab_python, open_coordinator, open_lab

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/farm/" in item.path.as_posix() and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("farm"))


@pytest.fixture(autouse=True)
def _labgrid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LABGRID_PYTHON", lab_python())


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two emulated boards behind a coordinator and an exporter."""
    with open_lab(tmp_path_factory.mktemp("lab"), 2) as lab:
        yield lab


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarmAddress]:
    """The address of a coordinator with two places that have tags and no resources."""
    folder = tmp_path_factory.mktemp("farm")
    with open_coordinator(folder, {"one": EMULATED, "two": {"board": "microbit"}}) as run:
        yield FarmAddress.parse(run.line(LISTENING)[1])
