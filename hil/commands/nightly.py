"""``hil nightly``: the tests on each board, what changed since the nights before, and a report of it all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.board import board_label, load_board
from hil.errors import InputError
from hil.nightly.artefacts import keep_artefact
from hil.nightly.board_run import BoardRun, run_board
from hil.nightly.commit import commit_of
from hil.nightly.ending import Ending
from hil.nightly.entries import entries_of_run
from hil.nightly.history import History, append, load_history
from hil.nightly.night import Outlook, look_back
from hil.nightly.night_page import night_page
from hil.nightly.verdict import excuse, exit_code, verdict_words
from hil.quarantine import (
    Quarantine,
    add_quarantined,
    check_boards,
    load_quarantine,
    quarantine_text,
    unmatched_cases,
)
from hil.report.json_file import PAGE_FILE
from hil.report.page_views import counts
from hil.report.quarantined import not_counted
from hil.report.session_page import write_page
from hil.report.terminal import table
from hil.whole_file import check_writable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

HISTORY_FILE: Final = "history.jsonl"
RECENT: Final = dt.timedelta(days=14)
"""Changes that began before are in the report alone."""


@dataclass(frozen=True)
class NightlyRequest:
    """What ``hil nightly`` was asked for.

    Attributes:
        boards: as ``--board`` takes them.
        output: folder for everything that the night leaves.
        history: the history file; None for the one in that folder.
        quarantine: the quarantine file, if any.
        add_flaky: put flaky boards into it, instead of proposing to.
        minutes: bound on the time of each board.
        link: the link to the firmware.
        arguments: more arguments for pytest.
    """

    boards: Sequence[str]
    output: Path
    history: Path | None = None
    quarantine: Path | None = None
    add_flaky: bool = False
    minutes: float = 120.0
    link: str = "uart"
    arguments: Sequence[str] = field(default_factory=tuple)

    @property
    def history_file(self) -> Path:
        """The history file: the one named, or that of the folder."""
        return self.history or self.output / HISTORY_FILE


def nightly(request: NightlyRequest, console: Console) -> int:
    """Make a night.

    Returns:
        What `hil.nightly.verdict.exit_code` says, or 128 and the signal that ended it; 2 where nothing is wrong but a
        history that cannot be written any more.

    Raises:
        InputError: a board or a file that cannot be used; before anything runs.
    """
    today = dt.datetime.now(tz=dt.UTC).date()
    names, quarantine = _check(request, today)
    history = request.history_file
    with Ending() as ending:
        time, commit = dt.datetime.now(tz=dt.UTC), commit_of(Path.cwd())
        runs, lost = [], []
        for name, given in names.items():
            if ending.number is not None:
                break
            run = _run(name, given, request, ending, console)
            runs.append(run)
            lost += _keep(history, run, quarantine, time, commit)  # it has had its night, whatever becomes of the rest
        known = _known(history)
        outlook = look_back(known.entries, quarantine, today)
        code = ending.exit_code or exit_code(runs, quarantine) or (InputError.exit_code if lost else 0)
        said = [*_run_lines(runs, quarantine, ending, list(names)), *lost, *_moved(commit)]
        said += [*quarantine.expired_for(names), *_unmatched(request, runs, today), *known.skipped]
        page = request.output / PAGE_FILE
        write_page(page, night_page(runs, outlook, time=time, commit=commit, code=code, said=said))
        for line in [*_board_lines(runs, quarantine), *said, *_outlook_lines(outlook, today), *_add(request, outlook)]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print(f"report: {page}, history: {history}", markup=False, highlight=False, soft_wrap=True)
    return code


def _check(request: NightlyRequest, today: dt.date) -> tuple[dict[str, str], Quarantine]:
    """Boards by name with what each was given as, and what is in quarantine.

    Raises:
        InputError: what would otherwise be found when the boards have worked for hours.
    """
    names = {board_label(given): given for given in request.boards}
    if len(names) < len(request.boards):
        raise InputError("a board was named twice", hint="each --board once; their order is that of the run")
    for given in request.boards:
        load_board(given)
    if request.add_flaky and request.quarantine is None:
        raise InputError("--add-flaky needs to know the file", hint="name it with --quarantine FILE")
    quarantine = _quarantine(request, today)
    load_history(request.history_file)
    check_writable(request.history_file)
    append(request.history_file, ())  # takes its lock as well
    check_writable(request.output / PAGE_FILE)
    return names, quarantine


def _keep(history: Path, run: BoardRun, quarantine: Quarantine, time: dt.datetime, commit: str) -> list[str]:
    """Add a board's entries to the history, or say why it has none: a disk may have filled up since it was tried."""
    try:
        append(history, entries_of_run(run, quarantine, time, commit))
    except InputError as error:
        return [f"board '{run.board}' has no night in the history: {error}"]
    return []


def _known(history: Path) -> History:
    try:
        return load_history(history)
    except InputError as error:
        return History(skipped=(str(error),))


def _quarantine(request: NightlyRequest, today: dt.date) -> Quarantine:
    """What is in quarantine; with ``--add-flaky`` the file need not be there yet."""
    path = request.quarantine
    if path is None or (request.add_flaky and not path.exists()):
        return Quarantine()
    check_boards(path, request.boards)
    return load_quarantine(path, today)


def _run(name: str, given: str, request: NightlyRequest, ending: Ending, console: Console) -> BoardRun:
    folder = (request.output / name).resolve()
    path = request.quarantine
    more = [f"--hil-quarantine={path}"] if path is not None and path.exists() else []
    arguments = [*more, f"--hil-link={request.link}", *request.arguments]
    console.print(f"{name}: running, at most {request.minutes:g} min", markup=False, highlight=False)
    run = run_board(given, name, folder, arguments, timeout_s=60 * request.minutes, ending=ending)
    if run.stopped:
        return run
    ran = {each["firmware"] for each in run.results["runs"].values()}
    console.print(keep_artefact(given, request.link, folder, ran), markup=False, highlight=False, soft_wrap=True)
    return run


def _moved(commit: str) -> list[str]:
    """A sentence where the tree was changed while the boards ran: nobody knows which of them ran what."""
    now = commit_of(Path.cwd())
    return [] if now == commit else [f"the working directory was at {commit} when the night began, and is at {now} now"]


def _run_lines(runs: Sequence[BoardRun], quarantine: Quarantine, ending: Ending, names: Sequence[str]) -> list[str]:
    """Sentences about runs without an end, and about boards that had none."""
    said = [line for run in runs for line in (run.said, excuse(run, quarantine)) if line]
    left = names[len(runs) :]
    if ending.number is not None and left:
        said.append(f"{ending.number.name} ended the night before it came to {', '.join(left)}")
    return said


def _unmatched(request: NightlyRequest, runs: Sequence[BoardRun], today: dt.date) -> list[str]:
    """Cases in quarantine that no board has, as far as runs came to their end."""
    path = request.quarantine
    tests = [test for run in runs if run.has_verdict for test in run.results["tests"] if test.get("board")]
    if path is None or not path.exists():
        return []
    return unmatched_cases(path, today, [(test["board"], test["case"]) for test in tests])


def _board_lines(runs: Sequence[BoardRun], quarantine: Quarantine) -> list[str]:
    rows = []
    for run in runs:
        tests = run.results["tests"]
        where = ", ".join(Counter(each["where"] for each in run.results["runs"].values())) or "no result"
        rows.append([run.board, where, verdict_words(run, quarantine), counts(tests)])
    lines = table(("board", "on", "verdict", "tests"), rows)
    for run in runs:
        lines += not_counted((test["quarantine"], test["outcome"]) for test in run.results["tests"])
    return lines


def _outlook_lines(outlook: Outlook, today: dt.date) -> list[str]:
    changes = [(row.nights[change.began], row.words(change)) for row, change in outlook.changes]
    recent = [words for began, words in changes if began >= (today - RECENT).isoformat()]
    older = len(changes) - len(recent)
    return [*recent, *([f"{older} older {'change' if older == 1 else 'changes'} in the report"] if older else [])]


def _add(request: NightlyRequest, outlook: Outlook) -> list[str]:
    """Put flaky boards into the quarantine file, or say what to put there."""
    if not outlook.proposals:
        return []
    words = [proposal.words for proposal in outlook.proposals]
    if request.add_flaky and request.quarantine is not None:
        add_quarantined(request.quarantine, [proposal.entry for proposal in outlook.proposals])
        return [*words, f"put into {request.quarantine}"]
    where = request.quarantine or "a quarantine file"
    lines = quarantine_text([proposal.entry for proposal in outlook.proposals]).splitlines()
    return [*words, f"to have its failures not count, put into {where}, or say --add-flaky:", *lines]
