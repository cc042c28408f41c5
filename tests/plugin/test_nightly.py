"""``hil nightly`` from end to end, on boards of this computer: what it leaves, prints and ends with."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from hil.commands.nightly import NightlyRequest, nightly
from hil.errors import InputError
from hil.nightly.board_run import BoardRun, run_board
from hil.nightly.commit import commit_of
from hil.nightly.history import append, load_history
from hil.quarantine import load_quarantine
from tests.nightly.made import entry
from tests.plugin.test_cli import hil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.nightly.entry import Entry

pytest_plugins = ["pytester"]

NOW = dt.datetime.now(tz=dt.UTC)
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def night(project: pytest.Pytester) -> Path:
    return Path(project.path, "night")


QUICK = ("--no-such-option",)  # pytest ends at once


def test_a_night_leaves_everything(project: pytest.Pytester, night: Path, write_case: Callable[[str], Path]) -> None:
    write_case("states: {}\n")
    for command in (("init", "-q"), ("add", "bridge.hil.yaml"), ("commit", "-qm", "a case")):
        subprocess.run([*GIT, *command], cwd=project.path, check=True)
    text = hil("nightly", "--board", "microbit")
    assert re.search(r"^microbit +qemu \(emulated\) +passed +2 promises held$", text, re.MULTILINE)
    assert text.endswith("report: night/report.html, history: night/history.jsonl\n")
    left = {"results.json", "report.html", "junit.xml", "pytest.txt", "firmware.elf", "firmware.map", "firmware.txt"}
    assert {each.name for each in (night / "microbit").iterdir()} == left | {"firmware.hex"}
    run = next(iter(json.loads((night / "microbit" / "results.json").read_text())["runs"].values()))
    assert f"firmware {run['firmware']} for microbit" in (night / "microbit" / "firmware.txt").read_text()
    page = (night / "report.html").read_text()
    assert "<h1>passed</h1>" in page
    assert "2 promises held" in page
    (entry,) = load_history(night / "history.jsonl").entries
    assert (entry.board, entry.case, entry.vectors, entry.outcome) == ("microbit", "bridge", "tiny_dense", "passed")
    assert entry.figures["flash_bytes"] == run["size"]["flash_bytes"]
    assert 0 < entry.figures["outputs_error"] == run["outputs_error"] < 1
    junit = (night / "microbit" / "junit.xml").read_text()
    assert f'name="hil_outputs_error" value="{run["outputs_error"]}"' in junit
    assert (entry.place.emulated, entry.place.backend) == (True, "qemu")  # type: ignore[union-attr]

    head = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=project.path, check=True, capture_output=True, text=True)
    assert entry.commit == commit_of(project.path) == head.stdout.strip()
    write_case("")  # changed, and not committed
    assert commit_of(project.path) == f"{entry.commit}+"
    assert commit_of(Path("/proc/1")) == ""


def make_night(*boards: str, code: int = 0, **more: Any) -> str:
    """As `hil nightly` does, in this process: what it prints."""
    printed = io.StringIO()
    request = NightlyRequest(boards, Path("night"), **more)
    assert nightly(request, Console(file=printed, width=200)) == code, printed.getvalue()
    return printed.getvalue()


def test_a_broken_promise_makes_it_red_whatever_the_rig_does(night: Path, write_case: Callable[[str], Path]) -> None:
    write_case("outputs: {atol: 0.000001}\n")
    hardware = ("--hil-backend=hardware",)
    text = make_night("microbit", arguments=hardware, code=10)
    assert re.search(r"^microbit +no result +no verdict \(rig\) +2 without a verdict$", text, re.MULTILINE)
    assert "<h1>no verdict (rig)</h1>" in (night / "report.html").read_text()
    text = make_night("host", code=1)
    assert re.search(r"^host +native process +failed +1 promise held, 1 broken$", text, re.MULTILINE)
    assert "<h1>failed</h1>" in (night / "report.html").read_text()
    verdicts = [(each.board, each.verdict) for each in load_history(night / "history.jsonl").entries]
    assert verdicts == [("microbit", "rig"), ("host", "numeric")]


def test_a_night_that_is_ended_keeps_what_it_has_until_then(
    night: Path, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case("")

    def run(given: str, *arguments: Any, **more: Any) -> BoardRun:
        if given == "microbit":
            raise KeyboardInterrupt
        return run_board(given, *arguments, **more)

    monkeypatch.setattr("hil.commands.nightly.run_board", run)
    with pytest.raises(KeyboardInterrupt):
        make_night("host", "microbit")
    assert [each.board for each in load_history(night / "history.jsonl").entries] == ["host"]


def test_a_tree_that_is_changed_while_the_night_runs_is_told_and_no_other_firmware_is_kept(
    project: pytest.Pytester, night: Path, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case("")
    for command in (("init", "-q"), ("add", "bridge.hil.yaml"), ("commit", "-qm", "a case")):
        subprocess.run([*GIT, *command], cwd=project.path, check=True)
    begun = commit_of(project.path)

    def run(*arguments: Any, **more: Any) -> BoardRun:
        done = run_board(*arguments, **more)
        write_case("timeout_s: 100\n")
        for each in done.results["runs"].values():
            each["firmware"] = "0123456789ab"
        return done

    monkeypatch.setattr("hil.commands.nightly.run_board", run)
    text = make_night("host")
    assert f"the working directory was at {begun} when the night began, and is at {begun}+ now\n" in text
    assert "no firmware of board 'host' is kept: its sources were changed meanwhile; 0123456789ab ran, and" in text
    assert not (night / "host" / "firmware.elf").exists()
    (entry,) = load_history(night / "history.jsonl").entries
    assert entry.commit == begun


def flaky_nights() -> list[Entry]:
    """Twenty nights of the host board until now, some of them disturbed, with a step of its flash."""
    made = []
    for number in range(20):
        fields: dict[str, Any] = {"time": NOW - dt.timedelta(days=20 - number), "board": "host"}
        if number in {9, 11, 12, 15}:
            fields |= {"outcome": "error", "verdict": "rig", "message": "rig: gone", "figures": {}, "place": None}
        else:
            fields |= {"figures": {"flash_bytes": 108.0 if number > 12 else 100.0}}
        made.append(entry(**fields))
    return made


def test_a_flaky_board_is_proposed_and_put_into_quarantine_when_asked(night: Path) -> None:
    append(night / "history.jsonl", flaky_nights())
    with (night / "history.jsonl").open("a") as file:
        file.write('{"format": "hil his')
    text = make_night("host", arguments=QUICK, code=1)
    assert "board 'host' was disturbed on 4 of its last 14 nights" in text
    assert "or say --add-flaky:\nquarantine:\n  - board: host\n    reason:" in text
    assert "flash that the firmware takes in bytes steps from 100 to 108 (+8.00%), since" in text
    assert "history night/history.jsonl, line 21 is left out: it is not JSON" in text
    page = (night / "report.html").read_text()
    assert "proposed for quarantine until" in page
    assert "steps from 100 to 108" in page

    bad = Path("bad.yaml")
    assert "put into bad.yaml" in make_night("host", quarantine=bad, add_flaky=True, arguments=QUICK, code=1)
    assert load_quarantine(bad, NOW.date()).find("host", "bridge") is not None


def test_a_board_in_quarantine_leaves_the_night_green(night: Path, write_case: Callable[[str], Path]) -> None:
    until = (NOW + dt.timedelta(days=2)).date()
    days = f"reason: x, since: 2026-01-01, until: {until}"
    Path("bad.yaml").write_text(f"quarantine:\n- {{board: host, {days}}}\n- {{board: host, case: brdge, {days}}}\n")
    write_case("outputs: {atol: 0.000001}\n")
    append(night / "history.jsonl", flaky_nights())
    text = make_night("host", quarantine=Path("bad.yaml"))
    assert "1 promise held, 1 failed in quarantine" in text
    assert "host is in quarantine from 2026-01-01" in text
    assert "--add-flaky" not in text  # it is there already
    assert "line 3, key 'quarantine.1.case': no test on host was of a case 'brdge'; did you mean 'bridge'?" in text
    assert load_history(night / "history.jsonl").entries[-1].outcome == "quarantined"


def test_a_board_in_quarantine_that_hangs_leaves_the_night_green_and_is_told(
    night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = {"tests": [], "runs": {}, "not_measured": [], "uncollected": 0}
    run = BoardRun("host", None, results, "board 'host': the run took longer than 120 min and was ended")
    monkeypatch.setattr("hil.commands.nightly.run_board", lambda *_, **__: run)
    (night / "host").mkdir(parents=True)
    until = (NOW + dt.timedelta(days=2)).date()
    Path("bad.yaml").write_text(f"quarantine: [{{board: host, reason: x, since: 2026-01-01, until: {until}}}]")
    text = make_night("host", quarantine=Path("bad.yaml"))
    assert re.search(r"^host +no result +no end, not counted", text, re.MULTILINE)
    words = f"host is in quarantine from 2026-01-01 to {until}: x (its run did not come to its end, not counted)"
    assert words in text
    assert words in (night / "report.html").read_text()
    make_night("host", code=1)
    verdicts = [(each.outcome, each.verdict) for each in load_history(night / "history.jsonl").entries]
    assert verdicts == [("quarantined", "no end"), ("error", "no end")]


def test_a_fresh_quarantine_beside_one_that_ended_leaves_the_night_green(write_case: Callable[[str], Path]) -> None:
    write_case("")
    until = (NOW + dt.timedelta(days=2)).date()
    old = "- {board: host, reason: x, since: 2026-01-01, until: 2026-01-02}"
    fresh = f"- {{board: host, reason: again, since: 2026-01-03, until: {until}}}"
    Path("bad.yaml").write_text(f"quarantine:\n{old}\n{fresh}\n")
    assert "count again" not in make_night("host", quarantine=Path("bad.yaml"))
    Path("bad.yaml").write_text(f"quarantine:\n{old}\n")
    assert "count again" in make_night("host", quarantine=Path("bad.yaml"), code=1)


def test_a_history_that_can_be_written_no_more_is_told_on_the_page(
    night: Path, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case("")

    def full(path: Path, entries: Sequence[Entry]) -> None:
        if entries:
            raise InputError(f"{path} cannot be written", cause="No space left on device")

    monkeypatch.setattr("hil.commands.nightly.append", full)
    text = make_night("host", code=2)
    assert "board 'host' has no night in the history: night/history.jsonl cannot be written" in text
    assert "No space left on device" in (night / "report.html").read_text()


UNKNOWN = "quarantine: [{board: hots, reason: x, since: 2026-01-01, until: 2026-01-02}]"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("boards", "more", "said"),
    [
        (("host", "nucleo-l301"), {}, "there is no board 'nucleo-l301'"),
        (("host",), {"history": Path("/proc/nope/h")}, "/proc/nope/h cannot be written"),
        (("host",), {"history": Path("/proc/cpuinfo")}, "/proc/cpuinfo cannot be written"),
        (("host",), {"quarantine": Path("bad.yaml")}, "line 1, key 'quarantine.0.board': there is no board 'hots'"),
        (("host", "host"), {}, "a board was named twice"),
        (("host",), {"add_flaky": True}, "--add-flaky needs to know the file"),
        (("host",), {"quarantine": Path("no.yaml")}, "quarantine file no.yaml cannot be read"),
        (("host",), {"history": Path()}, "history . cannot be read"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(boards: tuple[str, ...], more: dict[str, Any], said: str) -> None:
    Path("bad.yaml").write_text(UNKNOWN)
    with pytest.raises(InputError, match=said):
        make_night(*boards, **more)
    assert not Path("night").exists()
