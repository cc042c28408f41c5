"""Ctrl-C: exit code 130 (or pytest's own 2), no trace, nothing left behind, and the next run passes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.interrupt import Hold, pass_on, was_interrupted
from hil.resources import examples_dir

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

NETWORKS = examples_dir() / "networks"
RUN = ["run", NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz", "--board=microbit"]
PHASES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85)  # of the time that a whole run takes

INTERRUPT_ITSELF = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from hil.__main__ import main
main()
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def alive(state: Path) -> list[str]:
    """The processes, other than this one, that boards in this folder have brought."""
    marker, found = f"HIL_STATE_DIR={state}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "environ").read_bytes() and entry.name != str(os.getpid()):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("module", ["pydantic", "numpy", "hil.commands.run", "pyocd.core.helpers"])
def test_ctrl_c_while_modules_are_imported(module: str, state: Path) -> None:
    process = start("-c", INTERRUPT_ITSELF.format(module=module), *RUN)
    assert (process.communicate(timeout=60), process.returncode) == (("", ""), 130)
    assert alive(state) == []


def test_ctrl_c_at_any_time_of_a_run_leaves_nothing(state: Path) -> None:
    def whole() -> float:
        begun = time.monotonic()
        process = start("-m", "hil", *RUN)
        said = "".join(process.communicate(timeout=120))
        assert process.returncode == 0, said
        return time.monotonic() - begun

    whole()  # the firmware is built
    duration = whole()
    ends = []
    for phase in PHASES:
        process = start("-m", "hil", *RUN)
        time.sleep(phase * duration)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert (said, process.returncode) in {("", 130), ("", 0)}, phase
        ends.append(process.returncode)
        deadline = time.monotonic() + 10
        while alive(state) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert alive(state) == [], phase
    assert ends.count(130) >= len(PHASES) // 2
    whole()


def test_ctrl_c_while_pytest_imports_conftest_files(project: pytest.Pytester) -> None:
    project.makeconftest("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    result = project.runpytest_subprocess()
    assert result.ret == 130
    assert "KeyboardInterrupt" not in "\n".join(result.outlines + result.errlines)


@pytest.mark.parametrize("hook", ["pytest_terminal_summary(terminalreporter)", "pytest_sessionfinish(session)"])
def test_ctrl_c_while_pytest_ends(project: pytest.Pytester, write_case: Callable[..., Path], hook: str) -> None:
    write_case()
    project.makeconftest(f"import os, signal\ndef {hook}:\n    os.kill(os.getpid(), signal.SIGINT)\n")
    result = project.runpytest_subprocess("--board=host")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "Traceback" not in "\n".join(result.outlines + result.errlines)


def test_ctrl_c_when_pytest_has_ended(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case()
    project.makeconftest("import os, signal\ndef pytest_unconfigure():\n    os.kill(os.getpid(), signal.SIGINT)\n")
    result = project.runpytest_subprocess("--board=host")
    assert result.ret == pytest.ExitCode.OK
    assert "Traceback" not in "\n".join(result.outlines + result.errlines)


def test_a_hold_notes_the_first_and_lets_the_second_through() -> None:
    with Hold() as hold:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert hold.interrupted
    with pytest.raises(SystemExit) as ended:
        hold.leave()
    assert ended.value.code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_somebody_else_stays() -> None:
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Hold() as hold:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        hold.leave()
    finally:
        signal.signal(signal.SIGINT, previous)


def test_an_error_on_the_way_out_is_no_verdict() -> None:
    def fail() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise OSError

    with pytest.raises(OSError) as caught:  # noqa: PT011 - which one is clear
        fail()
    assert was_interrupted(caught.value)
    assert not was_interrupted(OSError())


def test_ctrl_c_in_a_finaliser_is_not_lost(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    class Finalised:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "unraisablehook", pass_on)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes while the second line waits
        Finalised()
        time.sleep(10)
    assert capsys.readouterr().err == ""
