"""Current over time, charges of windows, and a run's energy by step, from spans made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.energy.model import AS_RUN, CurrentModel
from hil.energy.modelled import ModelledCurrent
from hil.energy.spans import Spans
from hil.energy.steps import energy_of_cycles, step_energy
from tests.energy.small import CURRENTS, HZ, RUN, SLEEP, STOP, WAKE, board, spans

MODEL = CurrentModel.of(board())
RUN_uA, SLEEP_uA, STOP_uA = 1760.0, 480.0, 1.0
RAM_uA = 960.0
MS = 1e-3
FOUR = [
    (5 * MS, SLEEP, 0.0, False),
    (2 * MS, RUN, 0.0, True),
    (1 * MS, RUN, 1.0, True),
    (1 * MS, SLEEP, 0.0, False),
    (1 * MS, RUN, 0.0, True),
    (3 * MS, RUN, 0.0, False),
    (4 * MS, RUN, 0.5, True),
    (10 * MS, STOP, 0.0, False),
    (1 * MS, WAKE, 0.0, False),
    (1 * MS, RUN, 0.0, True),
    (7 * MS, SLEEP, 0.0, False),
]
STEPS_uJ = [2.0 * MS * each for each in (2 * RUN_uA + RAM_uA, RUN_uA, 2 * RUN_uA + 2 * RAM_uA, RUN_uA)]
RUN_MS = 2 + 1 + 3 + 4 + 1
AVERAGE_uA = (RUN_uA * (2 + 1 + 3 + 2 + 1 + 1) + RAM_uA * 3 + SLEEP_uA * 1 + STOP_uA * 10) / 24


def test_the_energy_of_each_step_is_its_window_s() -> None:
    energy = step_energy(MODEL, Spans.of(spans(*FOUR)), 2, 2)
    found = energy.found
    assert found is not None
    assert (energy.kind, found.kind, found.supply_V, found.batch) == ("modelled", "modelled", 2.0, 1)
    np.testing.assert_allclose(found.per_step_uJ, np.reshape(STEPS_uJ, (2, 2)), rtol=1e-9)
    assert found.maximum_uJ is not None
    np.testing.assert_allclose(found.maximum_uJ[0, 1], 2.0 * MS * (2400 + 186), rtol=1e-9)
    assert not found.uncertainty_uJ.any()
    assert found.average_uA == pytest.approx(AVERAGE_uA)
    assert found.maximum_average_uA is not None
    assert found.maximum_average_uA > AVERAGE_uA
    assert found.duration_s == pytest.approx(24 * MS)
    assert dict(found.shares) == pytest.approx(
        {"run": (RUN_MS + 1) / 24, "stop": 10 / 24, "sleep": 1 / 24, "wake": 1 / 24}
    )
    assert found.without == ()
    assert AS_RUN in found.notes
    assert "run 50 uA/MHz (invented 1)" in found.notes


def test_of_a_batch_each_step_has_the_mean() -> None:
    found = step_energy(MODEL, Spans.of(spans(*FOUR)), 2, 6, batch=3).found
    assert found is not None
    np.testing.assert_allclose(found.per_step_uJ, np.repeat(STEPS_uJ, 3).reshape(2, 6) / 3, rtol=1e-9)
    assert found.batch == 3


@pytest.mark.parametrize(("sequences", "steps", "batch"), [(1, 5, 1), (1, 3, 1), (1, 5, 2), (1, 7, 2)])
def test_another_number_of_windows_is_said(sequences: int, steps: int, batch: int) -> None:
    energy = step_energy(MODEL, Spans.of(spans(*FOUR)), sequences, steps, batch)
    assert energy.kind == "unknown"
    assert f"high 4 times, and {steps} steps in batches of {batch} need {steps / batch:g}" in energy.reason


@pytest.mark.parametrize("parts", [FOUR[1:], FOUR[:-1]])
def test_a_record_that_ends_within_a_step_is_none(parts: list[tuple[float, object, float, bool]]) -> None:
    assert step_energy(MODEL, Spans.of(spans(*parts)), 2, 2).reason == "the record begins or ends within a step"  # type: ignore[arg-type]


def test_what_is_unknown_in_a_step_leaves_no_energy() -> None:
    other = replace(RUN, clock_hz=2 * HZ)
    rows = [{**CURRENTS[0], "clock_hz": HZ}, *CURRENTS[1:]]
    model = CurrentModel.of(board(rows))
    parts = [(d, other if (a, m) == (RUN, True) and r == 0 else a, r, m) for d, a, r, m in FOUR]
    energy = step_energy(model, Spans.of(spans(*parts)), 2, 2)
    assert energy.found is None
    assert energy.reason == (
        "in a step the chip does what its file has no current for: "
        "the file of board 'nucleo-l031' has no 'run' at 32 MHz in key 'currents'"
    )
    assert energy.source == energy.silent == "what the emulated chip did, with currents of board 'nucleo-l031'"


def test_what_is_unknown_between_steps_leaves_no_average() -> None:
    rows = [row for row in CURRENTS if row["state"] != "stop"]
    found = step_energy(CurrentModel.of(board(rows)), Spans.of(spans(*FOUR)), 2, 2).found
    assert found is not None
    np.testing.assert_allclose(found.per_step_uJ, np.reshape(STEPS_uJ, (2, 2)), rtol=1e-9)
    assert found.average_uA is None
    assert found.maximum_average_uA is None
    assert (
        "no average current: for 0.01 s the file of board 'nucleo-l031' has no 'stop' in key 'currents'"
    ) in found.notes


def test_what_is_left_out_is_told_with_its_time() -> None:
    parts = [(d, replace(a, peripherals=a.peripherals | {"ADC1"}) if a == RUN else a, r, m) for d, a, r, m in FOUR]
    current = ModelledCurrent(Spans.of(spans(*parts)), MODEL)
    assert current.without(0, len(current.spans)) == {"ADC1": pytest.approx((RUN_MS + 1) * MS)}
    found = step_energy(MODEL, current.spans, 2, 2).found
    assert found is not None
    assert found.without == ("ADC1",)


def test_without_a_supply_there_is_no_energy() -> None:
    rows = [{key: value for key, value in row.items() if key != "supply_V"} for row in CURRENTS]
    assert "supply_V" in step_energy(CurrentModel.of(board(rows)), Spans.of(spans(*FOUR)), 2, 2).reason
    assert "supply_V" in energy_of_cycles(CurrentModel.of(board(rows)), np.array([[100]])).reason


def test_without_a_marker_there_are_no_steps() -> None:
    model = CurrentModel.of(board().model_copy(update={"marker": ""}))
    assert "board 'nucleo-l031' has no marker pin" in step_energy(model, Spans.of(spans(*FOUR)), 2, 2).reason


def test_current_at_a_time() -> None:
    current = ModelledCurrent(Spans.of(spans(*FOUR)), MODEL)
    times = 0.5 + MS * np.array([[-1, 0, 4.9], [5.1, 7.5, 8.5], [20, 36, 37]])
    expected = [[np.nan, SLEEP_uA, SLEEP_uA], [RUN_uA, RAM_uA, SLEEP_uA], [STOP_uA, SLEEP_uA, np.nan]]
    np.testing.assert_allclose(current.current_A(times) * 1e6, expected, rtol=1e-9)
    assert current.windows_s[:, 0] == pytest.approx(0.5 + MS * np.array([5, 9, 13, 28]))


def test_from_cycles_alone_a_step_is_modelled_and_no_average() -> None:
    cycles = np.array([[1000, 2000], [3000, 4000]])
    energy = energy_of_cycles(MODEL, cycles)
    found = energy.found
    assert found is not None
    np.testing.assert_allclose(found.per_step_uJ, cycles / HZ * 1600 * 2.0, rtol=1e-12)
    assert (found.average_uA, found.duration_s, dict(found.shares)) == (None, None, {})
    assert any(note.startswith("no average current") for note in found.notes)
    assert "has no 'run' at 16 MHz" in energy_of_cycles(CurrentModel.of(board([])), cycles).reason


activities = st.sampled_from([RUN, SLEEP, STOP, WAKE])
parts_ = st.lists(st.tuples(st.integers(1, 10**6), activities, st.sampled_from([0.0, 0.25, 1.0]), st.booleans()))


@given(parts_.filter(lambda parts: len(parts) > 0))
def test_charges_are_sums_of_what_each_span_draws(parts: list[tuple[int, object, float, bool]]) -> None:
    made = Spans.of(spans(*((each[0] * 1e-6, *each[1:]) for each in parts)))  # type: ignore[misc]
    current = ModelledCurrent(made, MODEL)
    expected: list[float] = []
    before = False
    for span in made:
        if span.marker:
            typical = MODEL.draw(span.activity, span.from_ram).typical_A
            assert typical is not None
            if not before:
                expected.append(0.0)
            expected[-1] += typical * (span.end_s - span.begin_s)
        before = span.marker
    np.testing.assert_allclose(current.charges_C(current.typical_A), expected, rtol=1e-9)
    assert sum(current.shares(0, len(made)).values()) == pytest.approx(1)
    lowest, highest = current.typical_A.min(), current.typical_A.max()
    assert lowest * (1 - 1e-12) <= current.average_A(current.typical_A, 0, len(made)) <= highest * (1 + 1e-12)


def test_spans_with_a_gap_are_refused() -> None:
    one, two = list(spans((1, RUN, 0, False))), list(spans((1, RUN, 0, False), begin_s=7))
    for bad in ([], one + two):
        with pytest.raises(ValueError, match="without a gap"):
            Spans.of(bad)
