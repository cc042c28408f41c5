"""A pytest plugin that writes down which worker of xdist had which probe, in each test: ``-p tests.farm.recorder``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the process that hands tests out: one line of JSON for each part of each test that had a board."""
    properties = dict(report.user_properties)
    if not hasattr(report, "node") or "hil_probe" not in properties:  # the process that hands out knows the node
        return
    facts = {
        "worker": getattr(report, "worker_id", ""),
        "probe": properties["hil_probe"],
        "emulated": properties["hil_emulated"],
    }
    with Path(os.environ["FARM_RECORD"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")
