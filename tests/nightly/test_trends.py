"""Like is compared with like alone, and a change is told with its night and commit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from hil.nightly.trends import WINDOW, Row, find_rows
from tests.nightly.made import PLACE, entry


def row_of(rows: list[Row], figure: str = "cycles_median") -> Row:
    return next(row for row in rows if row.figure.name == figure)


def test_a_step_is_told_with_its_night_and_commit() -> None:
    entries = [
        entry(night, commit=f"{night:040d}", figures={"cycles_median": 6436.0 + 5 * (night >= 12)})
        for night in range(20)
    ]
    row = row_of(find_rows(entries))
    (change,) = row.changes
    assert row.words(change) == (
        "bridge on desk, hardware: median step in cycles steps from 6436 to 6441 (+0.08%), since 2026-03-13, commit "
        "000000000000"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"compiler": "gcc 13"},
        {"flags": "-O2"},
        {"backend": "twin", "emulated": True},
        {"link": "spi"},
        {"cycles": "model: x"},
    ],
)
def test_figures_of_another_kind_begin_a_new_row(other: dict[str, Any]) -> None:
    entries = [
        entry(
            night,
            place=PLACE.model_copy(update=other) if night >= 12 else PLACE,
            figures={"cycles_median": 7000.0 if night >= 12 else 6436.0},
        )
        for night in range(24)
    ]
    row = row_of(find_rows(entries))
    assert (len(row.entries), row.changes) == (12, ())


def test_another_source_of_energy_leaves_the_cycles_as_they_are() -> None:
    figures = {"cycles_median": 6436.0, "average_uA": 900.0}
    entries = [
        entry(night, figures=figures, place=PLACE.model_copy(update={"energy": "measured: B" if night >= 12 else "A"}))
        for night in range(24)
    ]
    rows = find_rows(entries)
    assert len(row_of(rows).entries) == 24
    assert len(row_of(rows, "average_uA").entries) == 12


def test_a_night_without_a_figure_is_left_out_and_not_taken_for_nothing() -> None:
    entries = [entry(night, **({"figures": {}, "place": None} if night in {9, 10} else {})) for night in range(20)]
    row = row_of(find_rows(entries))
    assert (len(row.values), row.changes) == (18, ())


def test_what_has_no_results_any_more_is_not_told_of() -> None:
    gone = [entry(night, case="gone", figures={"cycles_median": 1.0 + (night >= 5)}) for night in range(12)]
    there = [entry(night) for night in range(25)]
    rows = find_rows(sorted([*gone, *there], key=lambda each: each.time))
    assert {row.entries[-1].case for row in rows} == {"bridge"}
    assert find_rows([]) == []


def test_old_nights_are_left_out() -> None:
    entries = [entry(night, figures={"cycles_median": 1.0 + (night >= 5)}) for night in range(WINDOW + 10)]
    row = row_of(find_rows(entries))
    assert (len(row.values), row.changes) == (WINDOW, ())


def test_an_emulated_row_says_so() -> None:
    place = PLACE.model_copy(update={"backend": "twin", "emulated": True})
    assert row_of(find_rows([entry(0, place=place)])).title == "bridge on desk, twin (emulated)"


def test_several_changes_are_each_told_with_night_and_commit() -> None:
    entries = [
        entry(
            night,
            commit=f"{night:02d}" * 20,
            figures={"flash_bytes": 15000.0 + 96 * (night >= 10) + 96 * (night >= 20), "cycles_max": longest},
        )
        for night in range(23)
        for longest in [7700.0 if 10 <= night < 20 else 7000.0]
    ]
    rows = find_rows(entries)
    said = [row.words(change) for row in rows for change in row.changes]
    flash = "flash that the firmware takes in bytes"
    assert [words.partition("hardware: ")[2] for words in said] == [
        "longest step in cycles steps from 7000 to 7700 (+10.00%), since 2026-03-11, commit 101010101010",
        "longest step in cycles steps from 7700 to 7000 (-9.09%), since 2026-03-21, commit 202020202020",
        f"{flash} steps from 15000 to 15096 (+0.64%), since 2026-03-11, commit 101010101010",
        f"{flash} steps from 15096 to 15192 (+0.64%), since 2026-03-21, commit 202020202020",
    ]


def test_the_end_of_a_drift_is_told() -> None:
    entries = [entry(night, figures={"flash_bytes": 15000.0 + 4 * min(max(0, night - 9), 8)}) for night in range(30)]
    row = row_of(find_rows(entries), "flash_bytes")
    (change,) = row.changes
    assert row.words(change).endswith("drifts from 15000 to 15032 (+0.21%), since 2026-03-11, until 2026-03-18")


def test_a_row_begins_anew_at_every_change_of_its_kind() -> None:
    """A, B, A: the last A is not joined to the first."""
    entries = [
        entry(
            night,
            place=PLACE.model_copy(update={"compiler": "gcc 13"}) if 10 <= night < 20 else PLACE,
            figures={"cycles_median": 6500.0 if night >= 20 else 6000.0},
        )
        for night in range(30)
    ]
    row = row_of(find_rows(entries))
    assert (row.nights[0], len(row.entries), row.changes) == ("2026-03-21", 10, ())


def test_a_wrong_clock_of_another_board_silences_nobody() -> None:
    entries = [entry(night, figures={"cycles_median": 6436.0 + 5 * (night >= 12)}) for night in range(20)]
    other = entry(20, board="other").model_copy(update={"time": dt.datetime(2136, 1, 1, tzinfo=dt.UTC)})
    (row,) = find_rows([*entries, other])
    assert (row.entries[-1].board, len(row.changes)) == ("desk", 1)


def test_the_first_years_of_the_calendar_are_no_error() -> None:
    early = entry(0).model_copy(update={"time": dt.datetime(1, 1, 2, tzinfo=dt.UTC)})
    assert len(find_rows([early])) == 1
