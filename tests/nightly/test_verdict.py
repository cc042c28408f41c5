"""What a night ends with, and what quarantine excuses of a board whose run has no end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from hil.nightly.board_run import BoardRun
from hil.nightly.entries import entries_of_run
from hil.nightly.verdict import excuse, exit_code, verdict_words
from hil.quarantine import Quarantine, Quarantined
from tests.nightly.lab import time_of

TODAY = dt.date(2026, 11, 29)
LONG = "board 'desk': the run took longer than 120 min and was ended"


def quarantine(case: str | None = None, since: dt.date = TODAY) -> Quarantine:
    entry = Quarantined(board="desk", case=case, reason="it hangs", since=since, until=TODAY + dt.timedelta(days=9))
    return Quarantine((entry,), today=TODAY)


def ended(code: int | None = None, said: str = LONG, *outcomes: str, uncollected: int = 0, **more: Any) -> BoardRun:
    tests = [{"outcome": outcome} for outcome in outcomes]
    return BoardRun("desk", code, {"tests": tests, "runs": {}, "uncollected": uncollected}, said, **more)


def test_a_board_in_quarantine_may_hang() -> None:
    run = ended()
    assert exit_code([run], Quarantine()) == 1
    assert exit_code([run], quarantine()) == 0
    assert excuse(run, quarantine()).endswith("it hangs (its run did not come to its end, not counted)")
    assert verdict_words(run, quarantine()) == "no end, not counted"
    (entry,) = entries_of_run(run, quarantine(), time_of(0), "00ff")
    assert (entry.outcome, entry.verdict, entry.message) == ("quarantined", "no end", LONG)


@pytest.mark.parametrize(
    ("run", "held"),
    [
        (ended(), quarantine("bridge")),
        (ended(), quarantine(since=TODAY + dt.timedelta(days=1))),
        (ended(2, "board 'desk': pytest ended with exit code 2: ERROR"), quarantine()),
        (ended(5, "board 'desk': there is no test for it here"), quarantine()),
        (ended(None, LONG, "quarantined", "failed"), quarantine()),
        (ended(None, LONG, uncollected=1), quarantine()),
        (ended(None, "SIGTERM ended the night", stopped=True), quarantine()),
    ],
)
def test_what_no_board_does_is_not_excused(run: BoardRun, held: Quarantine) -> None:
    assert exit_code([run], held) == 1
    assert excuse(run, held) == ""
    assert verdict_words(run, held) == "no end"
    assert [entry.outcome for entry in entries_of_run(run, held, time_of(0), "")] == ["error"] * (not run.stopped)


@pytest.mark.parametrize(("codes", "code"), [((0, 0), 0), ((0, 10), 10), ((10, 1), 1), ((0, 3), 1), ((), 0)])
def test_one_board_makes_a_night_red(codes: tuple[int, ...], code: int) -> None:
    assert exit_code([ended(each, "") for each in codes], Quarantine()) == code
