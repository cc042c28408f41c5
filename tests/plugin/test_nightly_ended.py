"""``hil nightly`` that is ended by a signal: nothing goes on, and what there is until then is kept. Real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from hil.nightly.history import load_history

pytest_plugins = ["pytester"]

SLOW = """
import time
from pathlib import Path

def test_first(dut):
    pass

def test_second(dut):
    Path("running").touch()
    time.sleep(300)
"""


def parents() -> dict[int, int]:
    """Of each process that runs, the one that started it."""
    found = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = each.read_text().rpartition(")")[2].split()[:2]
            if state not in {"Z", "X"}:
                found[int(each.parent.name)] = int(parent)
    return found


def started_by(pid: int) -> set[int]:
    """All that a process started, and what that did."""
    started, of = {pid}, parents()
    while more := {child for child, parent in of.items() if parent in started} - started:
        started |= more
    return started - {pid}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_goes_on_and_what_there_is_is_kept(project: pytest.Pytester, number: signal.Signals) -> None:
    project.makepyfile(test_slow=SLOW)
    folder = Path(project.path)
    command = [sys.executable, "-m", "hil", "nightly", "--board", "host", "--board", "microbit", "--", "test_slow.py"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as night:
        deadline = time.monotonic() + 200
        while not (folder / "running").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        started = started_by(night.pid)
        assert len(started) >= 2  # pytest and the board
        night.send_signal(number)
        text, _ = night.communicate(timeout=100)
    deadline = time.monotonic() + 20
    while (left := started & parents().keys()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == set()
    if number == signal.SIGKILL:
        assert night.returncode == -signal.SIGKILL
        return
    assert night.returncode == 128 + number, text
    assert f"board 'host': {number.name} ended the night while its tests ran" in text
    assert f"{number.name} ended the night before it came to microbit" in text
    (entry,) = load_history(folder / "night" / "history.jsonl").entries
    assert (entry.board, entry.case, entry.outcome) == ("host", "test_first[host]", "passed")
    assert f"ended early (exit code {128 + number})" in (folder / "night" / "report.html").read_text()
