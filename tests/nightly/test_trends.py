"""Like is compared with like alone, and a change is told with its night and commit."""

from __future__ import annotations

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
