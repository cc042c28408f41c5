"""Budget and golden of cycles, judged: what is broken is placed, and what was not compared is never silent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.case import Cycles
from hil.cycle_golden import GoldenFile, Platform, Recording
from hil.cycle_promise import check_cycles, not_counted
from hil.errors import CyclesError
from hil.report.terminal import cycles_sentences
from hil.step_cycles import RunCycles, Spread, StepCycles
from hil.verdict import EQUAL, NO_GOLDEN
from tests.results import MODEL, ORIGIN, result_with

if TYPE_CHECKING:
    from hil.result import RunResult

EMPTY_CALL = "4 are the empty call (movs r0, #0; bx lr) that the firmware subtracts"
STEPS = [[100, 110, 120], [101, 111, 121]]
BUDGET = Cycles(per_step=121)


def recorded(per_step: list[list[int]], **changes: str) -> GoldenFile:
    what = {"source": MODEL, "firmware": "00ff", "image": "abc", "recorded": "2026-01-02", "hil": "0.1"} | changes
    recording = Recording(**what, per_step=tuple(tuple(row) for row in per_step))
    return GoldenFile().merged(Platform.of(ORIGIN), {"v": recording}, ["v"])


def broken(result: RunResult, golden: GoldenFile, budget: Cycles = BUDGET, *, strict: bool = False) -> CyclesError:
    with pytest.raises(CyclesError) as caught:
        check_cycles(result, budget, golden, "v", strict=strict)
    assert caught.value.verdict == "cycles"
    return caught.value


def test_equal_cycles_hold() -> None:
    held = check_cycles(result_with(STEPS), BUDGET, recorded(STEPS), "v", strict=True)
    assert held.words == EQUAL
    assert held.sentence == "100-110-121 cycles a step, equal to the golden of 2026-01-02"


@pytest.mark.parametrize("by", [1, -1])
def test_one_cycle_in_one_step_breaks_the_golden_and_is_placed(by: int) -> None:
    now = [STEPS[0], [101, 111 + by, 121]]
    error = broken(result_with(now), recorded(STEPS, firmware="beef", image="fed"))
    assert error.message.splitlines() == [
        "net on microbit, qemu (emulated): other cycles than the golden",
        f"1 of 6 steps differ, first at sequence 1, step 1: 111 -> {111 + by} ({by:+d})",
        "min-median-max 100-110-121 -> 100-110-121",
    ]
    assert error.cause == "recorded 2026-01-02: firmware beef then, 00ff now, model image fed then, abc now"
    assert "--hil-update-golden" in str(error.hint)


def test_a_step_over_the_budget_breaks_it_though_it_equals_the_golden() -> None:
    error = broken(result_with(STEPS), recorded(STEPS), Cycles(per_step=120))
    assert "1 of 6 steps take more than 120 cycles, the longest 121, at sequence 1, step 2" in error.message
    single = broken(result_with([[5, 9]]), recorded([[5, 9]]), Cycles(per_step=4.5))
    assert "2 of 2 steps take more than 4.5 cycles, the longest 9, at step 1" in single.message


def test_without_any_golden_the_promise_is_broken() -> None:
    error = broken(result_with(STEPS), GoldenFile())
    assert "there is no golden of the cycles of v on microbit (emulator)" in error.message
    assert "--hil-update-golden" in str(error.hint)


@pytest.mark.parametrize("change", [{"board": "other"}, {"core": "cortex-m0plus"}, {"emulated": False}])
def test_a_golden_of_another_board_core_or_kind_is_none(change: dict[str, object]) -> None:
    result = result_with(STEPS, provenance=replace(ORIGIN, **change))
    assert "there is no golden" in broken(result, recorded(STEPS)).message


@pytest.mark.parametrize("change", [{"compiler": "gcc 13"}, {"flags": "-Os"}])
def test_another_compiler_leaves_the_budget_and_says_so(change: dict[str, object]) -> None:
    result = result_with(STEPS, provenance=replace(ORIGIN, **change))
    different = recorded([[1, 1, 1], [1, 1, 1]])
    held = check_cycles(result, BUDGET, different, "v")
    assert held.words == NO_GOLDEN == "no golden for this compiler, budget asserted"
    assert next(iter(change.values())) in held.sentence
    assert "recorded are gcc 12 -O2" in held.sentence
    assert "take more than 120" in broken(result, different, Cycles(per_step=120)).message
    assert NO_GOLDEN in broken(result, different, strict=True).message


@pytest.mark.parametrize("golden", [[[100, 110, 120]], [[100, 110], [101, 111]], [[100], [101, 111, 121]]])
def test_a_golden_of_another_shape_is_no_pass(golden: list[list[int]]) -> None:
    assert "the vectors have 2 of 3" in broken(result_with(STEPS), recorded(golden)).message


def test_a_golden_of_another_source_is_not_compared() -> None:
    error = broken(result_with(STEPS), recorded(STEPS, source="on-chip TIMER0"))
    assert "was counted by 'on-chip TIMER0', this run by 'model:" in error.message


def test_emulators_that_count_by_one_timing_are_held_against_each_other() -> None:
    result = result_with(STEPS)
    assert result.cycles.measured is not None
    name, _, timing = result.cycles.measured.source.partition(", ")
    assert timing
    other = f"model: another than {name}, {timing}"
    assert check_cycles(result, BUDGET, recorded(STEPS, source=other), "v").words == EQUAL
    wrong = [[count + 1 for count in row] for row in STEPS]
    assert "other cycles than the golden" in broken(result, recorded(wrong, source=other)).message
    assert "this run by" in broken(result, recorded(STEPS, source=f"model: {name}, another timing")).message


def test_silicon_is_held_within_its_tolerance_only() -> None:
    golden = recorded([[1000, 2000]])
    budget = Cycles(per_step=9999)
    check_cycles(result_with([[1010, 1980]], tolerance=0.01), budget, golden, "v")
    error = broken(result_with([[1010, 1979]], tolerance=0.01), golden, budget)
    assert "1 of 2 steps differ by more than 1.00%, first at step 1: 2000 -> 1979 (-21)" in error.message


def test_what_was_not_measured_never_holds() -> None:
    result = result_with(STEPS, cycles=RunCycles("cortex-m0", missing=("model: no gcc", "on-chip T: unusable")))
    assert not_counted(result) == "cycles not measured: model: no gcc; on-chip T: unusable"
    assert "cycles not measured: model: no gcc" in broken(result, recorded(STEPS)).message
    assert not_counted(result_with(STEPS)) is None
    assert cycles_sentences(result.cycles) == [
        "cycles not measured: model: no gcc",
        "cycles not measured: on-chip T: unusable",
    ]


def test_two_sources_are_both_reported_with_their_difference() -> None:
    first = result_with(STEPS).cycles.sources[0]
    both = RunCycles("cortex-m0", (first, StepCycles("on-chip T", first.per_step - 4)), (), empty_call=4)
    said = cycles_sentences(both)
    assert said[0] == f"cycles a step (min-median-max): 100-110-121, {MODEL}"
    assert said[1] == "cycles a step (min-median-max): 96-106-117, on-chip T"
    assert said[2] == f"on-chip T says 4 cycles a step less than {MODEL}: {EMPTY_CALL}"


@pytest.mark.parametrize(
    ("less", "words"),
    [
        (9, "9 cycles a step less than {model}: {empty}, the other 5, the same in every step, lie in how the firmware"),
        (-1, "-1 cycles a step less than {model}: {empty}, the other -5, the same in every step, lie in how the"),
        ([[-5, 4, 9]], "-5 to 9 cycles a step less than {model} (median 4): {empty}; the rest differs from step to"),
    ],
)
def test_what_the_empty_call_does_not_explain_is_not_ascribed_to_it(less: int | list[list[int]], words: str) -> None:
    first = result_with([[100, 110, 120]]).cycles.sources[0]
    second = StepCycles("on-chip T", first.per_step - np.array(less))
    said = RunCycles("cortex-m0", (first, second), (), empty_call=4).difference
    assert said.startswith("on-chip T says " + words.format(model=MODEL, empty=EMPTY_CALL))


def test_a_golden_of_this_compiler_without_these_vectors_is_no_other_compiler() -> None:
    mine, other = Platform.of(ORIGIN), Platform.of(replace(ORIGIN, compiler="gcc 13"))
    recording = recorded(STEPS).entries[0].vectors["v"]
    golden = GoldenFile().merged(other, {"v": recording}, ["v"]).merged(mine, {"w": recording}, ["v", "w"])
    error = broken(result_with(STEPS), golden)
    assert "the golden of this compiler has no cycles of v, it has those of w" in error.message
    assert "--hil-update-golden" in str(error.hint)


def test_the_median_is_a_count_that_occurred() -> None:
    assert Spread.of([4, 1, 3, 2]) == Spread(1, 2, 4)
    assert Spread.of([7]) == Spread(7, 7, 7)
