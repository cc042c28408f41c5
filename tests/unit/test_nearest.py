"""One helper offers what was meant, for boards, keys and arrays alike."""

from __future__ import annotations

from hil.nearest import misspelt, offer

KNOWN = ("input_w", "input_b", "elapsed")


def test_the_nearest_name_is_offered_before_all_that_are_known() -> None:
    assert offer("elapsd", KNOWN, "arrays") == "did you mean 'elapsed'? known arrays: input_w, input_b, elapsed"
    assert offer("zzz", KNOWN, "arrays") == "known arrays: input_w, input_b, elapsed"


def test_a_slip_is_told_from_a_name_of_the_user_s_own() -> None:
    assert misspelt({"input_w", "input_bb"}, KNOWN) == "input_bb"
    assert misspelt({"input_w", "provenance"}, KNOWN) is None


def test_nothing_is_missing_where_the_name_that_it_resembles_is_there() -> None:
    assert misspelt({"elapsed", "elapsed2"}, KNOWN) is None
