"""One board's part of a night: a pytest process of its own, which ends in time with all that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from hil.errors import NOTHING_RAN, RUN_ENDS, InputError
from hil.nightly.artefacts import ARTEFACT_FILES
from hil.nightly.ending import Ended, Ending
from hil.orphan import die_with_parent
from hil.report.json_file import PAGE_FILE, SESSION_FILE, SESSION_FORMAT, SESSION_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

JUNIT_FILE: Final = "junit.xml"
WORDS_FILE: Final = "pytest.txt"

_LEFT: Final = (SESSION_FILE, PAGE_FILE, JUNIT_FILE, WORDS_FILE, *ARTEFACT_FILES)
"""All that a night writes into a board's folder."""

_ENDINGS: Final = ((signal.SIGINT, 60.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
"""How a process is ended, and how long it may take to obey, in s: at first so that it reports what it has."""


@dataclass(frozen=True)
class BoardRun:
    """What came of it.

    Attributes:
        board: the board's name.
        code: pytest's exit code; None where it had to be ended.
        results: contents of results.json.
        said: what is wrong with the run as a whole, in a sentence; empty where nothing is.
        stopped: it was ended with the night by a signal, which says nothing about the board.
    """

    board: str
    code: int | None
    results: dict[str, Any]
    said: str
    stopped: bool = False

    @property
    def had_to_be_ended(self) -> bool:
        """Whether it took too long or was killed, as where a board hangs."""
        return bool(self.said) and not self.stopped and (self.code is None or self.code < 0)

    @property
    def has_verdict(self) -> bool:
        """Whether the run came to its end and says something about the firmware or about the bench."""
        return not self.said


def run_board(
    given: str,
    name: str,
    folder: Path,
    arguments: Sequence[str],
    *,
    timeout_s: float,
    ending: Ending | None = None,
    command: Sequence[str] = (),
) -> BoardRun:
    """Run the tests of the working directory on one board.

    Args:
        given: the board, as ``--board`` takes it.
        name: its name.
        folder: where results.json, report.html, JUnit and what pytest prints go; older ones are removed, nothing else.
        arguments: more arguments for pytest.
        timeout_s: after that the run is ended; what it has until then is reported.
        ending: of the night; a signal ends the run.
        command: instead of this Python's pytest.

    Raises:
        InputError: the folder cannot be made.
    """
    ending = ending or Ending()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in _LEFT:
            (folder / left).unlink(missing_ok=True)
        with (folder / WORDS_FILE).open("wb") as words:
            started = [*(command or (sys.executable, "-m", "pytest")), f"--board={given}", f"--hil-report={folder}"]
            code = _run([*started, f"--junitxml={folder / JUNIT_FILE}", *arguments], words, timeout_s, ending)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written", cause=error.strerror, hint="name a folder of yours with --output"
        ) from error
    results = _results(folder / SESSION_FILE)
    if code is None and ending.number is not None:
        told = f"it is told in {folder / WORDS_FILE}"
        said = f"board '{name}': {ending.number.name} ended the night while its tests ran; {told}"
        return BoardRun(name, code, results or _nothing(), said, stopped=True)
    return BoardRun(name, code, results or _nothing(), _said(name, code, results, folder, timeout_s))


def _run(command: Sequence[str], words: IO[bytes], timeout_s: float, ending: Ending) -> int | None:
    """The process's exit code, or None where it took too long, or a signal ended the night.

    It is in a group of its own, of which nothing is left afterwards, and dies with this process.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=words,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_prepare(),  # noqa: PLW1509 - one thread here, and what it calls takes no lock
    )
    try:
        with ending.raising(noted=True):
            return process.wait(timeout_s)
    except (subprocess.TimeoutExpired, Ended):
        return None
    finally:
        _end(process, ending)


def _prepare() -> Callable[[], None]:
    """What the child runs before it becomes pytest; it listens to Ctrl-C even where this process was told not to."""
    die = die_with_parent()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        die()

    return prepare


def _end(process: subprocess.Popen[bytes], ending: Ending) -> None:
    """End a process with its group; a further signal meanwhile has it ended in the next, less patient way."""
    try:
        for number, patience_s in _ENDINGS:
            if process.poll() is not None:
                break
            _tell(process.pid, number)
            with suppress(subprocess.TimeoutExpired, Ended), ending.raising():
                process.wait(patience_s)
    finally:
        _tell(process.pid, signal.SIGKILL)  # what it may have left behind


def _tell(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _results(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(data, dict) and (data.get("format"), data.get("version")) == (SESSION_FORMAT, SESSION_VERSION)
    return data if is_ours else None


def _nothing() -> dict[str, Any]:
    return {"tests": [], "runs": {}, "not_measured": [], "uncollected": 0}


def _said(name: str, code: int | None, results: dict[str, Any] | None, folder: Path, timeout_s: float) -> str:
    """What is wrong with the run as a whole: those of `RUN_ENDS` are verdicts."""
    words = folder / WORDS_FILE
    if code is None:
        return f"board '{name}': the run took longer than {timeout_s / 60:g} min and was ended; it is told in {words}"
    if code == NOTHING_RAN:
        return f"board '{name}': there is no test for it here"
    if code not in RUN_ENDS:
        last = _last_line(words)
        return (
            f"board '{name}': pytest ended with exit code {code}{f': {last}' if last else ''}; all of it is in {words}"
        )
    if results is None:
        return f"board '{name}': the run left no {SESSION_FILE}; what it printed is in {words}"
    return ""


def _last_line(path: Path) -> str:
    """What pytest says of an end without tests: its line of an error, else the last one."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        lines = []
    said = [line for line in lines if line]
    return next((line for line in said if line.startswith("ERROR")), said[-1] if said else "no word")
