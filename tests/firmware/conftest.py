"""What several tests of the runtime share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.firmware.ltc_driver import Driver
from tests.host_c import LTC_SOURCES, build_program

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """The driver, for the tests of one file."""
    source = Path(__file__).with_name("ltc_driver.c")
    driver = Driver(build_program(tmp_path_factory.mktemp("ltc") / "driver", source, *LTC_SOURCES))
    yield driver
    driver.close()
