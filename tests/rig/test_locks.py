"""One run at a time on a probe: real processes, one of them killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from hil.errors import RigError
from hil.probe.lock import (
    ANYWHERE,
    IMPATIENT,
    Holder,
    Patience,
    ProbeBusyError,
    ProbeLock,
    all_holders,
    holder_of,
    lock_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UID = "066DFF48:5550/75"
HOLD = f"""
import sys
from hil.probe.lock import IMPATIENT, ProbeLock
sys.argv = ["/usr/bin/pytest", "--board=nucleo-l031"]
with ProbeLock({UID!r}, "nucleo-l031", IMPATIENT):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another run that has the probe, until its input ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    assert process.stdin is not None
    with suppress(BrokenPipeError, ValueError):  # what a test has closed
        process.stdin.close()
    process.stdout.close()


def test_a_second_run_fails_at_once_where_it_must_not_wait(other: subprocess.Popen[str]) -> None:
    with pytest.raises(ProbeBusyError) as caught:
        ProbeLock(UID, "nucleo-l031", IMPATIENT)
    assert f"probe {UID} of board 'nucleo-l031' is in use by process {other.pid} (" in caught.value.message
    assert "pytest --board=nucleo-l031)" in caught.value.message
    assert caught.value.exit_code == 10
    assert caught.value.hint is not None
    assert "--wait SECONDS" in caught.value.hint


def test_a_second_run_waits_with_a_sentence_and_for_no_longer_than_it_was_told(other: subprocess.Popen[str]) -> None:
    told: list[str] = []
    begun = time.monotonic()
    with pytest.raises(ProbeBusyError, match=r"and was for 0\.3 s"):
        ProbeLock(UID, "nucleo-l031", Patience(0.3, told.append))
    assert time.monotonic() - begun >= 0.3
    (sentence,) = told
    assert f"in use by process {other.pid} " in sentence
    assert sentence.endswith("waiting for it, for at most 0.3 s")


def test_a_holder_that_is_killed_frees_it(other: subprocess.Popen[str]) -> None:
    def kill(_: str) -> None:
        os.kill(other.pid, signal.SIGKILL)

    with ProbeLock(UID, "nucleo-l031", Patience(60.0, kill)):
        assert other.wait(10) == -signal.SIGKILL
        mine = holder_of(UID)
    assert mine is not None
    assert mine.pid == os.getpid()


def test_a_holder_that_ends_frees_it(other: subprocess.Popen[str]) -> None:
    def end(_: str) -> None:
        assert other.stdin is not None
        other.stdin.close()

    with ProbeLock(UID, "nucleo-l031", Patience(60.0, end)):
        pass
    assert holder_of(UID) is None


def test_never_two_at_once(tmp_path: Path) -> None:
    """Each of four processes takes it ten times, and writes down when it came and went."""
    script = """
import os, sys, time
from hil.probe.lock import Patience, ProbeLock
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
for _ in range(10):
    with ProbeLock("one", "b", Patience(60.0)):
        os.write(log, b"in\\n")
        time.sleep(0.002)
        os.write(log, b"out\\n")
"""
    log = tmp_path / "log"
    log.touch()
    running = [subprocess.Popen([sys.executable, "-c", script, str(log)]) for _ in range(4)]
    assert [each.wait(60) for each in running] == [0] * 4
    assert log.read_text() == "in\nout\n" * 40


def test_other_probes_are_free(other: subprocess.Popen[str]) -> None:
    with ProbeLock("0672FF", "nucleo-l031", IMPATIENT):
        held = {holder.uid: holder for holder in all_holders()}
    assert set(held) == {UID, "0672FF"}
    assert held[UID].pid == other.pid
    assert held[UID].what == "pytest --board=nucleo-l031"


def test_in_one_process_nobody_waits_for_himself() -> None:
    told: list[str] = []
    with ProbeLock("x", "b", IMPATIENT), pytest.raises(ProbeBusyError, match=f"process {os.getpid()}"):
        ProbeLock("x", "b", Patience(60.0, told.append))
    assert told == []


def test_the_record_of_a_dead_holder_counts_for_nothing() -> None:
    path = lock_path("x")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(Holder("x", "b", 1, "root", "init", 0.0).__dict__))
    assert holder_of("x") is None
    assert all_holders() == []
    with ProbeLock("x", "b", IMPATIENT):
        path.write_text(json.dumps(Holder("x", "b", 1, "root", "init", 0.0).__dict__))
        assert holder_of("x") is None  # the lock is another's
        path.write_text("{")  # not a record
        assert holder_of("x") is None
        with pytest.raises(ProbeBusyError, match=f"in use by process {os.getpid()}\n"):
            ProbeLock("x", "b", IMPATIENT)


def test_all_users_can_take_it() -> None:
    before = os.umask(0o077)
    try:
        with ProbeLock("x", "b", IMPATIENT):
            assert lock_path("x").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)


@pytest.mark.parametrize(("mode", "same"), [(0o1777, True), (0o755, False)])
def test_all_users_come_to_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, *, same: bool
) -> None:
    """Where root alone may write to /run/lock, as on Fedora, root uses /tmp as well; whatever $TMPDIR says."""
    monkeypatch.delenv("HIL_LOCK_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("hil.probe.lock.LOCKS", locks := tmp_path / "lock")
    locks.mkdir()
    locks.chmod(mode)
    assert lock_path("x").parent == (locks if same else ANYWHERE)
    locks.rmdir()
    assert lock_path("x").parent == ANYWHERE


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path = lock_path("x")
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "precious").write_text("kept")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(RigError, match="the lock of a probe cannot be made"):
        ProbeLock("x", "b", IMPATIENT)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_program_that_this_process_becomes_keeps_it() -> None:
    script = f"""
import os, sys
from hil.probe.lock import IMPATIENT, ProbeLock
ProbeLock({UID!r}, "b", IMPATIENT).keep_over_exec()
os.execv(sys.executable, [sys.executable, "-c", "print('became', flush=True); input()"])
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"became\n"
        holder = holder_of(UID)
        assert holder is not None
        assert holder.pid == process.pid
        process.communicate(b"\n", timeout=10)
    assert holder_of(UID) is None
