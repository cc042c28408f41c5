"""``hil nightly`` from end to end, on boards of this computer: what it leaves, prints and ends with."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.nightly.history import append, load_history
from tests.nightly.made import PLACE, entry
from tests.plugin.test_cli import hil

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

NOW = dt.datetime.now(tz=dt.UTC)
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def night(project: pytest.Pytester) -> Path:
    return Path(project.path, "night")


def test_a_night_leaves_everything_and_two_nights_are_a_history(
    project: pytest.Pytester, night: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("states: {}\n")
    for command in (("init", "-q"), ("add", "bridge.hil.yaml"), ("commit", "-qm", "a case")):
        subprocess.run([*GIT, *command], cwd=project.path, check=True)
    text = hil("nightly", "--board", "host", "--board", "microbit")
    assert re.search(r"^host +native process +passed +2 promises held$", text, re.MULTILINE)
    assert re.search(r"^microbit +qemu \(emulated\) +passed +2 promises held$", text, re.MULTILINE)
    assert text.endswith("report: night/report.html, history: night/history.jsonl\n")
    left = {"results.json", "report.html", "junit.xml", "pytest.txt", "firmware.elf", "firmware.map", "firmware.txt"}
    assert {each.name for each in (night / "microbit").iterdir()} == left | {"firmware.hex"}
    assert {each.name for each in (night / "host").iterdir()} == left
    run = next(iter(json.loads((night / "microbit" / "results.json").read_text())["runs"].values()))
    assert f"firmware {run['firmware']} for microbit" in (night / "microbit" / "firmware.txt").read_text()
    page = (night / "report.html").read_text()
    assert "<h1>passed</h1>" in page
    assert "4 promises held" in page

    write_case("states: {}\noutputs: {atol: 0.01}\n")  # changed, and not committed
    assert "passed" in hil("nightly", "--board", "host")
    first, other, second = load_history(night / "history.jsonl").entries
    assert (first.board, other.board, second.board) == ("host", "microbit", "host")
    commit = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=project.path, check=True, capture_output=True, text=True)
    assert (first.commit, second.commit) == (commit.stdout.strip(), f"{commit.stdout.strip()}+")
    assert (second.case, second.vectors, second.outcome) == ("bridge", "tiny_dense", "passed")
    assert other.figures["flash_bytes"] == run["size"]["flash_bytes"]
    assert (other.place.emulated, other.place.backend) == (True, "qemu")  # type: ignore[union-attr]


def test_a_broken_promise_makes_it_red_and_the_rig_alone_leaves_it_without_a_verdict(
    night: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("outputs: {atol: 0.000001}\n")
    text = hil("nightly", "--board", "host", code=1)
    assert re.search(r"^host +native process +failed +1 promise held, 1 broken$", text, re.MULTILINE)
    assert "<h1>failed</h1>" in (night / "report.html").read_text()
    text = hil("nightly", "--board", "microbit", "--", "--hil-backend=hardware", code=10)
    assert re.search(r"^microbit +no result +no verdict \(rig\) +2 without a verdict$", text, re.MULTILINE)
    assert "<h1>no verdict</h1>" in (night / "report.html").read_text()
    entries = load_history(night / "history.jsonl").entries
    assert [(each.outcome, each.verdict) for each in entries] == [("failed", "numeric"), ("error", "rig")]


def test_a_run_without_an_end_is_red_with_a_sentence_and_in_the_history(
    project: pytest.Pytester, night: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    project.makepyfile("import time\ndef test_hangs():\n    time.sleep(300)\n")
    text = hil("nightly", "--board", "host", "--minutes", "0.2", code=1)
    assert "board 'host': the run took longer than 0.2 min and was ended" in text
    assert re.search(r"^host +native process +no end +1 promise held$", text, re.MULTILINE)  # what it had
    text = hil("nightly", "--board", "host", "--", "--no-such-option", code=1)
    assert "board 'host': pytest ended with exit code 4: ERROR" in text
    assert load_history(night / "history.jsonl").entries[-1].message.startswith("board 'host': pytest ended")
    assert hil("nightly", "--board", "nothing", code=1).count("there is no board 'nothing'") >= 1


def nights_of(*, bad: tuple[int, ...] = (), step: int = 99) -> list[object]:
    """Twenty nights of the host board until now, some of them disturbed."""
    made = []
    for number in range(20):
        fields = {"time": NOW - dt.timedelta(days=20 - number), "board": "host"}
        if number in bad:
            fields |= {"outcome": "error", "verdict": "rig", "message": "rig: gone", "figures": {}, "place": None}
        else:
            fields |= {"figures": {"flash_bytes": 100.0 + 8 * (number >= step)}, "place": PLACE}
        made.append(entry(**fields))
    return made


def test_a_flaky_board_is_proposed_and_put_into_quarantine_when_asked(
    night: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    append(night / "history.jsonl", nights_of(bad=(9, 11, 12, 15), step=12))  # type: ignore[arg-type]
    text = hil("nightly", "--board", "host")
    assert "board 'host' was disturbed on 4 of its last 14 nights" in text
    assert "or say --add-flaky:\nquarantine:\n  - board: host\n    reason:" in text
    assert "flash that the firmware takes in bytes steps from 100 to 108 (+8.00%), since" in text
    page = (night / "report.html").read_text()
    assert "proposed for quarantine until" in page
    assert "steps from 100 to 108" in page

    text = hil("nightly", "--board", "host", "--quarantine", "bad.yaml", "--add-flaky")
    assert "put into bad.yaml" in text
    write_case("outputs: {atol: 0.000001}\n")
    text = hil("nightly", "--board", "host", "--quarantine", "bad.yaml")
    assert "1 promise held, 1 failed in quarantine" in text
    assert "host is in quarantine from" in text
    assert "or say --add-flaky" not in text
    assert load_history(night / "history.jsonl").entries[-1].outcome == "quarantined"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--board", "host", "--board", "host"), "a board was named twice"),
        (("--board", "host", "--add-flaky"), "--add-flaky needs to know the file"),
        (("--board", "host", "--quarantine", "no.yaml"), "quarantine file no.yaml cannot be read"),
        (("--board", "host", "--history", "."), "history . cannot be read"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    project: pytest.Pytester, arguments: tuple[str, ...], said: str
) -> None:
    assert said in hil("nightly", *arguments, code=2)
    assert not Path(project.path, "night").exists()


def test_a_damaged_line_of_the_history_is_told_and_the_night_goes_on(
    night: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    night.mkdir()
    (night / "history.jsonl").write_text('{"format": "hil his')
    text = hil("nightly", "--board", "host")
    assert "history night/history.jsonl, line 1 is left out: it is not JSON" in text
    assert len(load_history(night / "history.jsonl").entries) == 1
