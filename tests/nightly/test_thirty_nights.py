"""Thirty nights of one made-up lab; `tests.nightly.bench_thirty_nights` has more of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.nightly.night import look_back
from hil.nightly.night_page import night_page
from hil.quarantine import Quarantine
from hil.report.page import render
from tests.nightly.lab import time_of
from tests.nightly.made import entry
from tests.nightly.thirty_nights import FLAKY, FLAKY_FROM, NIGHTS, PLANTED, RED, compare, make_lab, run_nights

if TYPE_CHECKING:
    from pathlib import Path


def test_what_happens_in_thirty_nights_is_told_and_nothing_else(tmp_path: Path) -> None:
    """One test, as its nights are made once."""
    told = run_nights(make_lab(3, healthy=1), tmp_path)
    found = compare(told)
    assert len(found) == 3 * len(PLANTED)
    assert [each for each in found if not each.holds] == []
    assert told.wrong == []

    assert set(told.quarantined) == FLAKY
    for board, (night, *again) in told.quarantined.items():
        assert night >= FLAKY_FROM + 3
        codes = told.board_codes[board]
        assert {1 if board == "hanging" else 10} == set(codes[: night + 1]) - {0}
        assert set(codes[night + 1 : night + 15]) == {0}
        assert codes[night + 15 : night + 16] == [1] * len(again)  # it has ended, which excuses nothing
        assert again == ([night + 15] if night + 15 < NIGHTS else [])
        assert set(codes[night + 16 :]) <= {0}
        assert min(told.not_counted[board]) > night
    assert set(told.not_counted) == FLAKY

    assert told.red_without_cause == []
    assert set(told.red) == {"broken", "hung", *FLAKY} - ({"flaky"} - set(told.red))
    assert set(told.red["broken"]) == RED["broken"]
    assert set(told.red["hung"]) == RED["hung"]
    assert 0 in told.codes


def test_the_page_of_a_night_shows_what_changed_and_what_did_not() -> None:
    entries = [
        entry(night, figures={"cycles_max": 7000.0 + 9 * (night >= 20), "flash_bytes": 15012.0}) for night in range(30)
    ]
    outlook = look_back(entries, Quarantine(), time_of(29).date())
    text = render(night_page((), outlook, time=time_of(29), commit="00ff" * 10, code=1, said=("a sentence",)))
    assert "longest step in cycles steps from 7000 to 7009 (+0.13%), since 2026-03-21" in text
    assert "over 30 nights" in text
    assert "flash that the firmware takes in bytes" in text
    assert text.count("<polyline") == 1
    assert "commit 00ff00ff00ff" in text
