"""What is noted on a test's report: its subject, its run, where the device first differs, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.case_network import load_network
from hil.errors import HilError
from hil.pytest_run.collect import needs_board
from hil.pytest_run.harvest_item import HarvestItem
from hil.pytest_run.promise_item import PromiseItem
from hil.report.current_of import waveform_of
from hil.report.details import current_details, run_details
from hil.report.difference import first_difference
from hil.report.facts import run_title
from hil.report.noted import Noted, note
from hil.work import convert_for, digest_of

if TYPE_CHECKING:
    from typing import Any

    import pytest

    from hil.case import CaseFile, PromiseName
    from hil.pytest_run.state import State
    from hil.result import RunResult


@dataclass(frozen=True)
class _Judged:
    """What a test judged."""

    result: RunResult
    promise: PromiseName
    says: CaseFile | None


def take_notes(item: pytest.Item, report: pytest.TestReport, state: State, result: RunResult | None) -> None:
    """Note what one phase of a test gave; a failure in quarantine is told to pytest as one that was expected.

    Args:
        item: the test.
        report: pytest's, of this phase; its outcome may be changed.
        state: the run's.
        result: what a test in Python had from its DUT, the worst of several.
    """
    subject = subject_of(item)
    if not subject or (report.when != "call" and report.passed):
        return
    judged = _judged(item, result)
    entry = state.options.quarantine.find(subject["board"], subject["case"])
    failed = ("failed" if report.when == "call" else "error") if report.failed else ""
    run, details = _told(item, subject, judged, state)
    difference = first_difference(judged.promise, judged.says, judged.result) if judged and failed else None
    quarantine = "" if entry is None else entry.words
    if failed and judged is None and isinstance(item, PromiseItem) and not isinstance(item, HarvestItem):
        subject |= _tried(item, state)
    note(report, Noted(subject, quarantine, run, details, difference, failed if entry else ""))
    if failed and entry is not None:
        report.outcome = "skipped"
        report.wasxfail = quarantine


def subject_of(item: pytest.Item) -> dict[str, str]:
    """What a test is about: file, case, vectors and board; empty for one that needs no board."""
    file = item.nodeid.partition("::")[0]
    if isinstance(item, PromiseItem):
        about = item.subject
        return {"file": file, "case": about.case.name, "vectors": about.vectors_name, "board": about.board}
    board = item.callspec.params.get("board") if hasattr(item, "callspec") else None
    if not needs_board(item) or not isinstance(board, str):
        return {}
    return {"file": file, "case": getattr(item, "originalname", None) or item.name, "vectors": "", "board": board}


def _tried(item: PromiseItem, state: State) -> dict[str, str]:
    """Firmware and model image that gave no result, as far as they are known."""
    about = item.subject
    try:
        firmware = state.bench.artefact(about.board).build_id
        image = digest_of(convert_for(*load_network(about.case, about.vectors_path)).image)
    except HilError:
        return {}
    return {"firmware": firmware, "image": image}


def _judged(item: pytest.Item, result: RunResult | None) -> _Judged | None:
    if isinstance(item, PromiseItem):
        found = item.result
        return None if found is None else _Judged(found, item.subject.promise, item.subject.case.says)
    return None if result is None else _Judged(result, "bits", None)


def _told(
    item: pytest.Item, subject: dict[str, str], judged: _Judged | None, state: State
) -> tuple[str, dict[str, Any] | None]:
    """What the run is called, and its details where this process has not told them yet.

    The promises about one run share its name; a test in Python has its runs for itself.
    """
    if judged is None:
        return "", None
    name = item.nodeid
    if isinstance(item, PromiseItem):
        name = f"{subject['file']}::{run_title(subject['case'], subject['vectors'])}[{subject['board']}]"
    if name in state.told:
        return name, None
    state.told.add(name)
    details = run_details(judged.result, state.bench.artefact(subject["board"]))
    return name, subject | details | {"current": _current(subject["board"], judged, state)}


def _current(board: str, judged: _Judged, state: State) -> list[dict[str, Any]] | None:
    """The current over time of a promise's run, which has just been made; None where nobody knows it."""
    energy, dut = judged.result.energy.found, state.bench.dut(board)
    if judged.says is None or energy is None or dut.last_current is None:
        return None
    return current_details(waveform_of(dut.last_current, energy, dut.marker_channel))
