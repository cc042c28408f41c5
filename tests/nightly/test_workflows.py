"""The workflows of GitHub Actions: valid, and doing nothing that `make` and `hil nightly` do not do without GitHub."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))
OURS = re.compile(r"make (test|nightly)( BOARDS=\"[\w -]+\")?")
BEFORE = re.compile(r"apt-get update .* ca-certificates git make|git config --global --add safe.directory .*")


def test_there_is_one_for_each_push_and_one_for_each_night() -> None:
    assert [path.stem for path in WORKFLOWS] == ["emulators", "nightly"]


def test_they_are_valid_by_github_s_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *WORKFLOWS], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_that_the_schema_would_see_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "run-on:"))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", broken]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_they_call_nothing_but_make(path: Path) -> None:
    (job,) = YAML(typ="safe").load(path.read_text())["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert [command for command in commands if not (OURS.fullmatch(command) or BEFORE.search(command))] == []
    assert any(OURS.fullmatch(command) for command in commands)
    assert job["timeout-minutes"] <= 600


def test_make_gives_the_script_its_boards_history_and_arguments() -> None:
    command = ["make", "-n", "nightly", "BOARDS=a b", "HISTORY=~/h.jsonl", "PYTEST=--hil-backend=hardware"]
    text = " ".join(subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True).stdout.split())
    said = ".venv/bin/hil nightly --board a --board b --minutes 120 --history ~/h.jsonl \\ -- --hil-backend=hardware"
    assert f"{said} tests/hil/" in text
