"""A board's pytest process: its verdict, its bounded time, and nothing that it leaves behind. Real processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hil.errors import InputError
from hil.nightly.board_run import BoardRun, run_board
from hil.nightly.ending import Ending

RESULTS = {"format": "hil results", "version": 1, "tests": [], "runs": {}, "not_measured": [], "uncollected": 0}

PROGRAM = """
import json, pathlib, signal, subprocess, sys, time
folder = pathlib.Path(next(a for a in sys.argv if a.startswith("--hil-report="))[13:])
def leave(code):
    (folder / "results.json").write_text({results!r})
    sys.exit(code)
{body}
"""


def run(tmp_path: Path, body: str, *, timeout_s: float = 30, ending: Ending | None = None) -> BoardRun:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(results=json.dumps(RESULTS), body=body))
    command = [sys.executable, str(program)]
    folder = tmp_path / "out"
    return run_board("desk", "desk", folder, ["-q"], timeout_s=timeout_s, ending=ending, command=command)


def is_there(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().split()[2] not in {"Z", "X"}
    return False


@pytest.mark.parametrize("code", [0, 1, 10])
def test_pytest_s_verdicts_are_taken_as_they_are(tmp_path: Path, code: int) -> None:
    found = run(tmp_path, f"leave({code})")
    assert (found.code, found.said, found.has_verdict, found.results) == (code, "", True, RESULTS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "print('ERROR: there is no board'); print('at all'); leave(4)",
            "exit code 4: ERROR: there is no board; all of it",
        ),
        ("print('odd'); leave(3)", "pytest ended with exit code 3: odd; all of it is in"),
        ("leave(5)", "there is no test for it here"),
        ("sys.exit(0)", "the run left no results.json; what it printed is in"),
        ("(folder / 'results.json').write_text('{'); sys.exit(0)", "the run left no results.json"),
        ("(folder / 'results.json').write_text('{\"version\": 1}'); sys.exit(1)", "the run left no results.json"),
    ],
)
def test_what_is_no_verdict_is_a_sentence(tmp_path: Path, body: str, said: str) -> None:
    found = run(tmp_path, body)
    assert said in found.said
    assert found.said.startswith("board 'desk': ")
    assert found.results["tests"] == []
    assert not found.has_verdict


def test_one_that_takes_too_long_reports_what_it_has(tmp_path: Path) -> None:
    body = "signal.signal(signal.SIGINT, lambda *_: leave(2))\ntime.sleep(300)"
    found = run(tmp_path, body, timeout_s=6)
    assert found.code is None
    assert "took longer than 0.1 min and was ended" in found.said
    assert found.results == RESULTS


def test_one_that_does_not_listen_is_ended_with_all_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hil.nightly.board_run as room  # noqa: PLC0415

    monkeypatch.setattr(room, "_ENDINGS", tuple((number, 0.3) for number, _ in room._ENDINGS))
    body = (
        "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)]\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "(folder / 'pids').write_text(f'{child.pid} {__import__(\"os\").getpid()}')\n"
        "time.sleep(300)"
    )
    began = time.monotonic()
    found = run(tmp_path, body, timeout_s=6)
    assert time.monotonic() - began < 30
    assert found.code is None
    deadline = time.monotonic() + 10
    pids = [int(word) for word in (tmp_path / "out" / "pids").read_text().split()]
    while any(map(is_there, pids)) and time.monotonic() < deadline:
        os.sched_yield()
    assert not any(map(is_there, pids))


def test_what_an_ended_run_leaves_running_is_ended(tmp_path: Path) -> None:
    body = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "(folder / 'pids').write_text(str(child.pid))\nleave(0)"
    )
    assert run(tmp_path, body).code == 0
    deadline = time.monotonic() + 10
    pid = int((tmp_path / "out" / "pids").read_text())
    while is_there(pid) and time.monotonic() < deadline:
        os.sched_yield()
    assert not is_there(pid)


def test_the_night_before_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text(json.dumps(RESULTS | {"tests": ["old"]}))
    assert run(tmp_path, "sys.exit(0)").results["tests"] == []


def test_what_others_keep_in_the_folder_stays(tmp_path: Path) -> None:
    kept = tmp_path / "out" / "deep" / "thesis.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("x")
    (tmp_path / "out" / "firmware.elf").touch()
    run(tmp_path, "leave(0)")
    assert kept.read_text() == "x"
    assert not (tmp_path / "out" / "firmware.elf").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_and_keeps_what_it_has(tmp_path: Path, number: signal.Signals) -> None:
    body = (
        "signal.signal(signal.SIGINT, lambda *_: leave(2))\n"
        f"__import__('os').kill(__import__('os').getppid(), {int(number)})\ntime.sleep(300)"
    )
    with Ending() as ending:
        found = run(tmp_path, body, ending=ending)
    assert (ending.number, ending.exit_code) == (number, 128 + number)
    assert (found.stopped, found.had_to_be_ended, found.has_verdict, found.code) == (True, False, False, None)
    assert f"board 'desk': {number.name} ended the night while its tests ran" in found.said
    assert found.results == RESULTS
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_further_signal_does_not_wait_for_one_that_does_not_listen(tmp_path: Path) -> None:
    body = (
        "import os\nsignal.signal(signal.SIGINT, lambda *_: os.kill(os.getppid(), signal.SIGINT))\n"
        "os.kill(os.getppid(), signal.SIGINT)\nwhile True: time.sleep(1)"
    )
    began = time.monotonic()
    with Ending() as ending:
        found = run(tmp_path, body, ending=ending)
    assert time.monotonic() - began < 40
    assert found.stopped


def test_one_that_was_killed_had_to_be_ended(tmp_path: Path) -> None:
    found = run(tmp_path, "import os\nos.kill(os.getpid(), signal.SIGKILL)")
    assert found.had_to_be_ended
    assert not run(tmp_path, "leave(2)").had_to_be_ended


def test_a_folder_that_cannot_be_made_is_told() -> None:
    with pytest.raises(InputError, match="/proc/1/there cannot be written"):
        run_board("desk", "desk", Path("/proc/1/there"), [], timeout_s=1)
