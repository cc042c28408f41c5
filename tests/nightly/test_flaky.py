"""Which boards are flaky, and which are not: a broken firmware and a dead board are something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.nightly.flaky import NIGHTS, find_flaky
from tests.nightly.made import entry

if TYPE_CHECKING:
    from hil.nightly.entry import Entry

RIG = {"outcome": "error", "verdict": "rig", "message": "rig: the probe is gone", "firmware": "", "place": None}
NUMERIC = {"outcome": "failed", "verdict": "numeric", "message": "numeric: differs"}


def nights(pattern: str, bad: dict[str, object], *, new_firmware: bool = False) -> list[Entry]:
    """One night a letter: ``.`` is sound, ``x`` is bad."""
    return [
        entry(night, **({"firmware": f"{night:04x}"} if new_firmware else {}) | (bad if letter == "x" else {}))
        for night, letter in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("pattern", "flaky"),
    [
        ("..........", False),
        ("....x.....", False),
        ("...x.x....", False),
        ("...x.x.x..", True),
        ("xx.xx.xx", True),
        ("......xxxxxx", False),
        ("...xxx......", False),
        ("..x......xxxx", False),
        ("x.x.x" + "." * NIGHTS, False),
    ],
)
def test_a_board_that_comes_and_goes_is_flaky(pattern: str, flaky: bool) -> None:
    found = find_flaky(nights(pattern, RIG))
    assert bool(found) == flaky
    if found:
        assert len(found[0].disturbed) == pattern.count("x")
        assert found[0].began == nights(pattern, RIG)[pattern.index("x")].night
        assert "rig: the probe is gone" in found[0].words


def test_the_same_firmware_that_passes_and_fails_is_the_board_s_fault() -> None:
    (found,) = find_flaky(nights("..x.x.x.", NUMERIC))
    assert "bridge failed and passed with the same firmware 00ff (numeric)" in found.words


def test_a_firmware_that_fails_is_not() -> None:
    assert find_flaky(nights("..x.x.x.", NUMERIC, new_firmware=True)) == []


def test_a_night_in_quarantine_is_looked_at_as_well() -> None:
    assert len(find_flaky(nights("..x.x.x.", RIG | {"outcome": "quarantined"}))) == 1


def test_a_skip_counts_as_nothing() -> None:
    assert find_flaky(nights("..x.x.x.", {"outcome": "skipped"})) == []


def test_a_link_that_fails_is_the_board_s_where_the_same_firmware_passed_and_the_firmware_s_where_it_did_not() -> None:
    link = {"outcome": "failed", "verdict": "link", "message": "link: no answer to STEP", "place": None}
    (found,) = find_flaky(nights("..x.x.x.", link))
    assert "bridge failed and passed with the same firmware 00ff (link)" in found.words
    assert find_flaky(nights("..x.x.x.", link, new_firmware=True)) == []
    assert find_flaky(nights("..x.x.x.", link | {"image": "other"})) == []
    assert find_flaky(nights("..x.x.x.", link | {"firmware": "", "image": ""})) == []


NO_END = {"case": "", "file": "", "vectors": "", "firmware": "", "image": "", "figures": {}, "outcome": "error"} | {
    "verdict": "no end",
    "message": "board 'desk': the run took longer than 120 min and was ended",
}


@pytest.mark.parametrize("more", [{}, {"verdict": "internal"}, {"outcome": "quarantined"}])
def test_a_night_without_an_end_is_disturbed(more: dict[str, object]) -> None:
    (found,) = find_flaky(nights("..x.x.x.", NO_END | more))
    assert "the run took longer than 120 min" in found.words


def test_a_run_that_says_nothing_of_the_board_disturbs_no_night() -> None:
    wrong = NO_END | {"verdict": "internal", "message": "board 'desk': pytest ended with exit code 2: ERROR"}
    assert find_flaky(nights("..x.x.x.", wrong)) == []


def test_a_run_whose_firmware_hangs_until_its_time_is_over_is_the_firmware_s() -> None:
    hung = {"outcome": "error", "verdict": "link", "message": "link: no answer to STEP", "place": None}
    cases = nights("..x.x.x.", hung, new_firmware=True)
    ends = [each for each in nights("..x.x.x.", NO_END) if not each.case]
    assert find_flaky(sorted([*cases, *ends], key=lambda each: each.time)) == []
    sound = nights("........", hung, new_firmware=True)
    assert len(find_flaky(sorted([*sound, *ends], key=lambda each: each.time))) == 1


def test_one_board_s_nights_are_not_another_s() -> None:
    both = [*nights("..x.x.x.", RIG), *(each.model_copy(update={"board": "other"}) for each in nights("........", RIG))]
    assert [found.board for found in find_flaky(sorted(both, key=lambda each: each.time))] == ["desk"]
    assert find_flaky([]) == []
