"""What is shown while a test waits, and what a failure says post mortem, in a run of pytest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest_plugins = ["pytester"]

WAITS = """
from hil.pytest_run.telling import tell_now

def test_waits(request, capfd):
    print("kept")
    tell_now(request.config, "probe 1 is in use; --wait is over soon")
    assert capfd.readouterr().out == "kept\\n"
"""
FAILS = """
from hil.errors import LinkError

def test_fails(dut_that_is_none=None):
    error = LinkError("silence", cause="nobody knows", hint="look")
    error.post_mortem = ("the core was running", "last heard: nothing")
    raise error
"""


@pytest.mark.parametrize("arguments", [(), ("-n1",), ("-s",)])
def test_a_sentence_is_shown_at_once(project: pytest.Pytester, arguments: Sequence[str]) -> None:
    project.makepyfile(WAITS)
    result = project.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1)
    shown = result.stdout.str() + result.stderr.str()
    assert shown.count("hil: probe 1 is in use; --hil-wait is over soon") == 1


def test_a_post_mortem_is_in_every_report(project: pytest.Pytester) -> None:
    project.makepyfile(FAILS)
    result = project.runpytest_subprocess("--junitxml=junit.xml", "--hil-report=out")
    result.assert_outcomes(failed=1)
    wanted = ("caused by: nobody knows", "post-mortem:", "the core was running", "last heard: nothing", "hint: look")
    result.stdout.fnmatch_lines([f"*{line}" for line in wanted])
    (test,) = json.loads((project.path / "out/results.json").read_text())["tests"]
    assert test["post_mortem"] == "the core was running\nlast heard: nothing"
    junit = ET.parse(project.path / "junit.xml")  # noqa: S314 - written by this test
    properties = {each.get("name"): each.get("value") for each in junit.iter("property")}
    assert properties["hil_post_mortem"] == test["post_mortem"]
