"""What had to be tried again while flashing is told wherever results are: terminal, JUnit file, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from pyocd.core import exceptions

from hil import flash

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]


@pytest.fixture
def lose_the_probe_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = flash.MemoryLoader
    losses = iter([exceptions.TransferError("the cable is loose")])

    class Losing(real):
        def commit(self) -> None:
            for loss in losses:
                raise loss
            super().commit()

    monkeypatch.setattr(flash, "MemoryLoader", Losing)


@pytest.mark.usefixtures("lose_the_probe_once")
def test_a_retry_is_told_in_every_report(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case()
    result = project.runpytest("--board=microbit", "--junitxml=junit.xml", "--hil-report=out")
    result.assert_outcomes(passed=1)
    retry = "cannot be written to board 'microbit' (the cable is loose); tried again with the core halted"
    result.stdout.fnmatch_lines([f"microbit on qemu *; firmware agent.hex {retry}"])
    result.stdout.fnmatch_lines(["recovered: board microbit, 1 time, as told above"])
    test = json.loads((project.path / "out/results.json").read_text())["tests"][0]
    assert test["flash_retries"] == f"firmware agent.hex {retry}"
    assert test["flash_bytes_written"] > 0
    assert test["recoveries"] == 1
    junit = ET.parse(project.path / "junit.xml")  # noqa: S314 - written by this test
    properties = {each.get("name"): each.get("value") for each in junit.iter("property")}
    assert properties["hil_flash_retries"] == f"firmware agent.hex {retry}"
    assert properties["hil_flash_bytes_written"] == str(test["flash_bytes_written"])
