"""``hil nightly``: the tests on each board, what changed since the nights before, and a report of it all."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.board import board_label
from hil.errors import RUN_ENDS, InputError, RigError
from hil.nightly.artefacts import keep_artefact
from hil.nightly.board_run import BoardRun, run_board
from hil.nightly.commit import commit_of
from hil.nightly.entries import entries_of
from hil.nightly.entry import Entry
from hil.nightly.history import append, load_history
from hil.nightly.night import Outlook, look_back
from hil.nightly.night_page import night_page
from hil.quarantine import Quarantine, add_quarantined, load_quarantine, quarantine_text
from hil.report.json_file import PAGE_FILE
from hil.report.page_views import counts
from hil.report.quarantined import not_counted
from hil.report.session_page import write_page
from hil.report.terminal import table

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


def nightly(request: NightlyRequest, console: Console) -> int:
    """Make a night; returns 0, 1 where a promise is broken or a run did not come to its end, 10 for the rig alone.

    Raises:
        InputError: a file that cannot be used.
    """
    names = {board_label(given): given for given in request.boards}
    if len(names) < len(request.boards):
        raise InputError("a board was named twice", hint="each --board once; their order is that of the run")
    if request.add_flaky and request.quarantine is None:
        raise InputError("--add-flaky needs to know the file", hint="name it with --quarantine FILE")
    today = dt.datetime.now(tz=dt.UTC).date()
    quarantine = _quarantine(request, today)
    history = request.history or request.output / HISTORY_FILE
    load_history(history)  # one that cannot be read is told before the boards have worked for hours
    time, commit = dt.datetime.now(tz=dt.UTC), commit_of(Path.cwd())
    runs = []
    for name, given in names.items():
        run = _run(name, given, request, console)
        append(history, _entries(run, time, commit))  # whatever becomes of the night, this board has had its own
        runs.append(run)
    known = load_history(history)
    outlook = look_back(known.entries, quarantine, today)
    expired = quarantine.expired_for(names)
    code = exit_code(runs)
    said = [*(run.said for run in runs if run.said), *_moved(commit), *expired, *known.skipped]
    page = request.output / PAGE_FILE
    write_page(page, night_page(runs, outlook, time=time, commit=commit, code=code, said=said))
    for line in [*_board_lines(runs), *said, *_outlook_lines(outlook, today), *_add(request, outlook)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"report: {page}, history: {history}", markup=False, highlight=False, soft_wrap=True)
    return code


def exit_code(runs: Sequence[BoardRun]) -> int:
    """The night's: 1 where one board's run is broken or has no end, 10 where nothing but the rig failed, else 0."""
    codes = [run.code if run.has_verdict else 1 for run in runs]
    if any(code not in {0, RigError.exit_code} for code in codes):
        return 1
    return RigError.exit_code if RigError.exit_code in codes else 0


def _quarantine(request: NightlyRequest, today: dt.date) -> Quarantine:
    """What is in quarantine; with ``--add-flaky`` the file need not be there yet."""
    path = request.quarantine
    if path is None or (request.add_flaky and not path.exists()):
        return Quarantine()
    return load_quarantine(path, today)


def _run(name: str, given: str, request: NightlyRequest, console: Console) -> BoardRun:
    folder = (request.output / name).resolve()
    path = request.quarantine
    more = [f"--hil-quarantine={path}"] if path is not None and path.exists() else []
    arguments = [*more, f"--hil-link={request.link}", *request.arguments]
    console.print(f"{name}: running, at most {request.minutes:g} min", markup=False, highlight=False)
    run = run_board(given, name, folder, arguments, timeout_s=60 * request.minutes)
    ran = {each["firmware"] for each in run.results["runs"].values()}
    console.print(keep_artefact(given, request.link, folder, ran), markup=False, highlight=False, soft_wrap=True)
    return run


def _moved(commit: str) -> list[str]:
    """A sentence where the tree was changed while the boards ran: nobody knows which of them ran what."""
    now = commit_of(Path.cwd())
    return [] if now == commit else [f"the working directory was at {commit} when the night began, and is at {now} now"]


def _entries(run: BoardRun, time: dt.datetime, commit: str) -> list[Entry]:
    """The board's entries; of a run without any the fact that there are none."""
    found = entries_of(run.results, time, commit)
    if run.said and not found:
        found = [Entry(time=time, board=run.board, case="", outcome="error", verdict="internal", message=run.said)]
    return found


def _board_lines(runs: Sequence[BoardRun]) -> list[str]:
    rows = []
    for run in runs:
        tests = run.results["tests"]
        verdict = "no end" if run.said else RUN_ENDS.get(run.code or 0, "failed")
        where = ", ".join(Counter(each["where"] for each in run.results["runs"].values())) or "no result"
        rows.append([run.board, where, verdict, counts(tests)])
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
