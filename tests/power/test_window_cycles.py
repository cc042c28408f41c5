"""Windows held against the cycles of their steps: no clock that a core can have is refused, and missing samples are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil.errors import CurrentError, RigError
from hil.power.window import Window
from hil.power.window_cycles import BETWEEN_STEPS, FILE_CLOCK, Batches, check_lengths
from hil.step_cycles import StepCycles

HZ = 16e6
SAMPLE_s = 10e-6
LOST_s = 64 * SAMPLE_s
SIZES = (3, 2, 2)
STEPS = np.array([[16_000, 12_000, 15_000, 12_500, 13_000, 11_000, 17_000], [16_000] * 7])
COUNTED = StepCycles("x", STEPS)
BATCHES = Batches.of(COUNTED, SIZES, 2)


def windows(batches: Batches, clock_hz: float = HZ, between: float = 53, *, begin_s: float = 0.0) -> list[Window]:
    """As an instrument with samples of 10 µs cuts them."""
    made = []
    for cycles, steps in zip(batches.cycles, batches.steps, strict=True):
        end_s = begin_s + (cycles + between * steps) / clock_hz
        begin, end = (float(np.ceil(each / SAMPLE_s) * SAMPLE_s) for each in (begin_s, end_s))
        made.append(Window(begin, end, SAMPLE_s))
        begin_s = end_s + 1.2345e-3
    return made


def without(windows: list[Window], *places: int, lost_s: float = LOST_s) -> list[Window]:
    return [
        Window(each.begin_s, each.end_s - (lost_s if place in places else 0), each.uncertainty_s)
        for place, each in enumerate(windows)
    ]


def test_batches_have_the_cycles_and_steps_of_theirs() -> None:
    assert BATCHES.cycles.tolist() == [43_000, 25_500, 28_000, 48_000, 32_000, 32_000]
    assert BATCHES.steps.tolist() == [3, 2, 2, 3, 2, 2]
    first = Batches.of(StepCycles("x", STEPS, 0.01), (5,), 1)
    assert (first.cycles.tolist(), first.steps.tolist(), first.tolerance) == ([68_500], [5], 0.01)


@given(
    cycles=st.lists(st.integers(3_000, 900_000), min_size=1, max_size=30),
    steps=st.integers(1, 9),
    clock=st.floats(0.2, 1 + FILE_CLOCK - 1e-3),
    between=st.floats(0, BETWEEN_STEPS),
    begin_s=st.floats(0, 1),
)
@example(cycles=[3_000] * 3 + [900_000], steps=1, clock=1.0, between=100.0, begin_s=0.0)  # where windows are cut
@example(cycles=[3_000] * 9 + [100_000], steps=9, clock=1.0, between=100.0, begin_s=0.0)  # the work between steps
def test_no_window_of_a_whole_recording_is_refused(
    cycles: list[int], steps: int, clock: float, between: float, begin_s: float
) -> None:
    batches = Batches(np.array(cycles, float) * steps, np.full(len(cycles), steps))
    check_lengths("PPK2 x", windows(batches, clock * HZ, between, begin_s=begin_s), batches, HZ)


@pytest.mark.parametrize("clock", [0.5, 0.99, 1.01, 2.0])
@pytest.mark.parametrize("places", [(0,), (3,), (5,), (1, 4)])
def test_a_window_that_misses_64_samples_is_told(clock: float, places: tuple[int, ...]) -> None:
    missing = without(windows(BATCHES, clock * HZ), *places)
    with pytest.raises(RigError, match=rf"^PPK2 x lost samples .* {len(places)} of 6 windows") as caught:
        check_lengths("PPK2 x", missing, BATCHES, HZ)
    assert f"at {missing[places[0]].begin_s:.6f} s" in caught.value.message


def test_a_longer_window_is_what_the_board_did() -> None:
    check_lengths("PPK2 x", without(windows(BATCHES), 2, lost_s=-1e-3), BATCHES, HZ)


def test_a_clock_left_high_is_the_firmware_s_and_one_short_window_nobody_s() -> None:
    with pytest.raises(CurrentError, match=r"the core's clock is 3\d.\d+ MHz, or PPK2 x lost samples in each of them"):
        check_lengths("PPK2 x", windows(BATCHES, 2 * HZ), BATCHES, HZ)
    one = Batches.of(COUNTED, SIZES[:1], 1)
    check_lengths("PPK2 x", windows(one), one, HZ)
    with pytest.raises(RigError, match="or PPK2 x lost samples"):
        check_lengths("PPK2 x", without(windows(one), 0), one, HZ)


def test_what_two_counts_may_differ_by_is_no_missing_sample() -> None:
    wide = Batches.of(StepCycles("x", STEPS, 0.3), SIZES, 2)
    for lost_s in (LOST_s / 2, LOST_s):
        missing = without(windows(BATCHES), 0, lost_s=lost_s)
        check_lengths("PPK2 x", missing, wide, HZ)
        with pytest.raises(RigError):
            check_lengths("PPK2 x", missing, BATCHES, HZ)
