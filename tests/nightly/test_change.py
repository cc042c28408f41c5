"""Steps and drifts: found where they are, told as what they are; noise and single nights are neither."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.nightly.change import CHANCE, Change, find_changes
from hil.nightly.student import two_sided
from tests.nightly.several_changes import COUNTED, MEASURED, Story, try_story

LEVEL = 6211.0
SEEDS = st.integers(0, 10**6)


def kinds(changes: list[Change]) -> list[tuple[str, int]]:
    return [(change.kind, change.began) for change in changes]


@pytest.mark.parametrize(  # quantiles of Student's t as tables have them
    ("degrees", "five_percent", "thousandth"),
    [
        (1, 12.7062, 636.619),
        (2, 4.30265, 31.5991),
        (3, 3.18245, 12.9240),
        (10, 2.22814, 4.58689),
        (29, 2.04523, 3.65941),
    ],
)
def test_student_s_t_is_that_of_tables(degrees: int, five_percent: float, thousandth: float) -> None:
    assert two_sided(five_percent, degrees) == pytest.approx(0.05, rel=1e-5)
    assert two_sided(thousandth, degrees) == pytest.approx(0.001, rel=1e-4)


@settings(deadline=None)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 80))
def test_more_is_less_likely(one: float, other: float, degrees: int) -> None:
    low, high = sorted((one, other))
    assert 0 <= two_sided(high, degrees) <= two_sided(low, degrees) + 1e-12
    assert two_sided(0.0, degrees) == pytest.approx(1.0)
    assert two_sided(math.inf, degrees) == 0.0


@settings(deadline=None)
@given(st.integers(0, 80), st.floats(-1e9, 1e9))
def test_what_stays_as_it_is_has_no_change(nights: int, level: float) -> None:
    assert find_changes(np.full(nights, level)) == []


@settings(deadline=None)
@given(st.integers(8, 60), st.data(), st.floats(1e-3, 1e3), st.booleans())
def test_a_step_of_an_exact_figure_is_found_to_the_night(
    nights: int, data: st.DataObject, size: float, up: bool
) -> None:
    place = data.draw(st.integers(3, nights - 3))
    values = np.full(nights, LEVEL)
    values[place:] += size if up else -size
    (found,) = find_changes(values)
    assert (found.kind, found.began, found.before) == ("step", place, pytest.approx(LEVEL))
    assert found.after == pytest.approx(values[-1])
    assert found.by == pytest.approx((size if up else -size) / LEVEL)


@settings(deadline=None)
@given(st.integers(12, 50), st.integers(8, 20), st.floats(0.5, 100))
def test_a_drift_of_an_exact_figure_is_found(before: int, moving: int, slope: float) -> None:
    values = np.concatenate([np.full(before, LEVEL), LEVEL + slope * np.arange(1, moving + 1)])
    (found,) = find_changes(values)
    assert found.kind == "drift"
    assert abs(found.began - before) <= 2
    assert found.before == pytest.approx(LEVEL, abs=slope)


@settings(deadline=None)
@given(SEEDS, st.integers(8, 22), st.floats(6, 20))
def test_a_step_well_above_the_noise_is_found(seed: int, place: int, size: float) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 30).clip(-2, 2) + 100
    values[place:] += size
    assert ("step", place) in kinds(find_changes(values))


@settings(deadline=None)
@given(SEEDS, st.floats(0.7, 3))
def test_a_drift_above_the_noise_is_found_within_three_nights(seed: int, slope: float) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 30).clip(-2, 2) + 100
    values[12:] += slope * np.arange(1, 19)
    (found,) = find_changes(values)
    assert found.kind == "drift"
    assert abs(found.began - 12) <= 3


@settings(deadline=None)
@given(SEEDS, st.floats(0.01, 100), st.floats(-1000, 1000))
def test_unit_and_zero_of_a_figure_do_not_matter(seed: int, scale: float, shift: float) -> None:
    values = np.random.default_rng(seed).normal(0, 1, 40)
    values[25:] += 7
    plain, other = (find_changes(each) for each in (values + 500, scale * (values + 500) + shift))
    assert kinds(plain) == kinds(other)
    for one, two in zip(plain, other, strict=True):
        assert two.after - two.before == pytest.approx(scale * (one.after - one.before), rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.floats(-500, 500)), max_size=1), SEEDS)
def test_one_night_that_sticks_out_is_no_change(spikes: list[tuple[int, float]], seed: int) -> None:
    exact = np.full(30, LEVEL)
    noisy = LEVEL + np.random.default_rng(seed).normal(0, 1, 30).clip(-1.5, 1.5)
    for night, size in spikes:
        exact[night] += size
        noisy[night] += size
    assert find_changes(exact) == []
    assert find_changes(noisy) == []


@pytest.mark.parametrize("last", [1, 2])
def test_two_nights_on_another_level_are_not_yet_a_step(last: int) -> None:
    values = np.full(30, LEVEL)
    values[-last:] += 50
    assert find_changes(values) == []
    assert kinds(find_changes(np.append(values, [LEVEL + 50] * (3 - last)))) == [("step", 30 - last)]


def test_several_changes_are_each_found() -> None:
    values = np.concatenate([np.full(10, 100.0), np.full(12, 90.0), np.full(8, 120.0), 120 + np.arange(1, 16)])
    assert kinds(find_changes(values)) == [("step", 10), ("step", 22), ("drift", 30)]


def test_the_smallest_change_to_tell_is_heeded() -> None:
    values = np.full(30, 1000.0)
    values[20:] += 9
    assert find_changes(values, smallest=0.01) == []
    values[20:] += 2
    assert kinds(find_changes(values, smallest=0.01)) == [("step", 20)]


def test_noise_alone_has_no_change() -> None:
    """200 rows, looked at on many of 30 nights; `tests.nightly.bench_thirty_nights` has more, and other noise."""
    rng, nights = np.random.default_rng(5), range(8, 31, 2)
    alarms = sum(bool(find_changes(100 + row[:night])) for row in rng.normal(size=(200, 30)) for night in nights)
    assert alarms == 0
    assert 200 * len(nights) * CHANCE < 0.1  # so that one alarm would be one too many


def test_that_noise_would_be_told_without_the_bound_on_chance() -> None:
    rng = np.random.default_rng(5)
    assert sum(bool(find_changes(100 + row, chance=0.5)) for row in rng.normal(size=(100, 30))) > 5


@pytest.mark.parametrize("story", COUNTED, ids=lambda story: story.words)
def test_changes_of_a_counted_figure_are_all_told_with_their_nights_and_figures(story: Story) -> None:
    row = story.row(np.random.default_rng(0))
    changes = story.changes(row)
    assert story.holds(changes), changes
    for change in changes:
        last = len(row) - 1 if change.ended is None else change.ended
        assert change.before == row[change.began - 1]
        assert change.after == row[last if change.kind == "drift" else change.began]


@pytest.mark.parametrize("story", MEASURED, ids=lambda story: story.words)
def test_changes_in_noise_are_told_in_so_many_rows(story: Story) -> None:
    """60 rows each; `tests.nightly.bench_thirty_nights` has more."""
    tried = try_story(story, 60)
    assert tried.holds, tried.kinds


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=8, max_size=60), st.integers(1, 4))
def test_of_a_counted_figure_only_what_was_there_is_told(levels: list[int], nights: int) -> None:
    row = np.repeat(15000.0 + 4 * np.array(levels), nights)[-60:]
    for change in find_changes(row, counted=True):
        assert {change.before, change.after} <= set(row)


def test_a_drift_that_comes_to_its_end_is_told_with_it() -> None:
    row = 900.0 + 6 * np.clip(np.arange(30) - 7, 0, 10)
    for noise in (0.0, 0.5):
        (found,) = find_changes(row + noise * np.random.default_rng(2).normal(size=30))
        assert found.kind == "drift"
        assert abs(found.began - 8) <= 1
        assert found.ended is not None
        assert abs(found.ended - 17) <= 1
        assert found.after == pytest.approx(960, abs=2)


def test_a_figure_that_jitters_between_two_values_is_seldom_read_as_levels() -> None:
    """As cycles on silicon may, where a clock is crossed: here with a fifth, or half, of the nights."""
    rng = np.random.default_rng(3)
    rows = [7000.0 + 9 * (rng.random(30) < share) for share in (0.2, 0.5) for _ in range(200)]
    assert sum(bool(find_changes(row, counted=True)) for row in rows) <= 12


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_a_figure_of_any_size_is_no_error(scale: float) -> None:
    row = scale * (1 + 0.1 * (np.arange(30) >= 12) + 1e-3 * np.random.default_rng(1).normal(size=30))
    assert kinds(find_changes(row)) == [("step", 12)]
