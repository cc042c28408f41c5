"""An error names options as whoever reads it can type them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hil
from hil.errors import RigError
from hil.report.spelling import PREFIXED, as_in_pytest, told_in_pytest


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("leave --probe and --port out", "leave --hil-probe and --hil-port out"),
        ("('--flash always')", "('--hil-flash always')"),
        ("name it with --port, e.g. --port /dev/x", "name it with --hil-port, e.g. --hil-port /dev/x"),
        (
            "'hil flash microbit --flash always', or --flash always",
            "'hil flash microbit --flash always', or --hil-flash always",
        ),
        ("check --board and --hil-strict", "check --board and --hil-strict"),
        ("no --flashing, no x--port", "no --flashing, no x--port"),
    ],
)
def test_options_are_called_as_pytest_knows_them(said: str, told: str) -> None:
    assert as_in_pytest(said) == told


def test_an_error_is_told_whole() -> None:
    error = RigError("no --probe", cause="USB", hint="leave --backend out")
    assert told_in_pytest(error) == "rig: no --hil-probe\n  caused by: USB\n  hint: leave --hil-backend out"
    assert "--hil" not in str(error)


def test_what_both_front_ends_can_raise_is_spelled_one_way() -> None:
    """Only what pytest alone reaches may use pytest's names."""
    root = Path(hil.__file__).parent
    pytest_alone = [root / "pytest_run", root / "plugin.py", root / "commands" / "nightly.py"]  # it starts pytest
    wrong = re.compile(rf"--hil-({'|'.join(PREFIXED)})\b")
    for path in root.rglob("*.py"):
        if not any(path.is_relative_to(each) for each in pytest_alone) and path.name != "spelling.py":
            assert not wrong.search(path.read_text(encoding="utf-8")), path
