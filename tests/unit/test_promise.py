from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.case import CaseFile
from hil.errors import InputError, NumericError
from hil.promise import judge
from hil.report.properties import run_properties
from hil.step_cycles import RunCycles
from tests.results import ORIGIN, sound_result

if TYPE_CHECKING:
    from hil.result import RunResult

SEQUENCES, STEPS, NEURONS, OUTPUTS = 3, 12, 4, 2
CASE = CaseFile.model_validate(
    {
        "model": "m.npz",
        "vectors": "v.npz",
        "outputs": {"atol": 0.5},
        "states": {"max_error": 0.25},
        "decisions": {"from_step": 10},
    }
)


def make(**changes: object) -> RunResult:
    states = np.arange(SEQUENCES * STEPS * NEURONS, dtype=np.int32).reshape(SEQUENCES, STEPS, NEURONS)
    outputs = np.ones((SEQUENCES, STEPS, OUTPUTS), np.int32)
    outputs[..., 1] = [[2], [0], [2]]
    result = sound_result(states, outputs, RunCycles("cortex-m0", missing=("model: off",)), state_lsb=0.5)
    vectors = replace(
        result.vectors,
        states=states * 0.5,
        outputs=outputs * 1.0,
        labels=np.array([1, 0, 1]),
        label_names=("calm", "wild"),
    )
    return replace(result, **({"vectors": vectors} | changes))


def broken(promise: str, result: RunResult) -> str:
    with pytest.raises(NumericError) as caught:
        judge(promise, CASE, result)
    return caught.value.message


def test_a_sound_result_keeps_every_promise() -> None:
    result = make()
    for promise in ("bits", "outputs", "states", "decisions"):
        judge(promise, CASE, result)
    assert result.bits_equal
    assert result.max_error == 0
    assert (result.steps, result.vectors_per_second) == (36, 72)
    assert result.bits_compared == 32 * SEQUENCES * STEPS * (NEURONS + OUTPUTS)


@pytest.mark.parametrize("name", ["states", "outputs"])
def test_one_bit_breaks_the_bits_and_is_placed(name: str) -> None:
    golden = getattr(make(), f"golden_{name}_lsb")
    golden[2, 5, 1] ^= 1
    result = make(**{f"golden_{name}_lsb": golden})
    said = broken("bits", result)
    assert said.startswith("net on microbit, qemu (emulated): the device and the exact integer model differ")
    assert f"{name}: 1 of " in said
    assert "sequence 2, step 5, element 1" in said
    assert "by 1 (1 LSB)" in said
    judge("outputs", CASE, result)
    judge("states", CASE, result)
    assert not result.bits_equal


def test_outputs_are_held_against_the_vectors_within_atol() -> None:
    outputs = make().outputs
    outputs[0, 0, 0] += 0.5
    judge("outputs", CASE, make(outputs=outputs))
    outputs[0, 0, 0] += 0.01
    assert "other outputs than v.vectors.npz expects" in broken("outputs", make(outputs=outputs))


def test_the_error_of_outputs_is_to_what_the_vectors_expect_and_there_where_they_do() -> None:
    result = make()
    assert result.outputs_error == 0
    outputs = result.outputs.copy()
    outputs[1, 2, 1] -= 0.75
    result = make(outputs=outputs, reference_outputs=outputs)
    assert result.outputs_error == pytest.approx(0.75)
    assert run_properties(result)["hil_outputs_error"] == pytest.approx(0.75)
    without = replace(result, vectors=replace(result.vectors, outputs=None))
    assert without.outputs_error is None
    assert "hil_outputs_error" not in run_properties(without)


def test_a_tolerance_that_nothing_could_exceed_is_no_promise() -> None:
    case = CASE.model_copy(update={"outputs": type(CASE.outputs)(atol=2.0**31 + 3)})
    with pytest.raises(InputError, match="no output of net can be further than"):
        judge("outputs", case, make())


def test_states_are_held_within_a_share_of_their_bound() -> None:
    states = make().states
    states[1, 2, 3] += 0.5
    judge("states", CASE, make(states=states))
    states[1, 2, 3] += 0.02
    result = make(states=states)
    assert "off the float64 states by 0.26 of the state bound 2, promised 0.25" in broken("states", result)
    assert result.max_error == pytest.approx(0.26)


def test_decisions_are_held_against_the_reference_and_not_the_label() -> None:
    outputs = make().outputs
    outputs[0, :10] = [9.0, 0.0]
    judge("decisions", CASE, make(outputs=outputs))
    outputs[0, 10:] = [9.0, 0.0]
    said = broken("decisions", make(outputs=outputs))
    assert "1 of 3 decisions differ from the reference" in said
    assert "sequence 0: decided calm, reference wild, label wild" in said
    wrong_labels = replace(make().vectors, labels=np.array([0, 0, 0]))
    judge("decisions", CASE, make(vectors=wrong_labels))


@pytest.mark.parametrize(("promise", "key"), [("outputs", "outputs"), ("states", "states"), ("decisions", "labels")])
def test_a_promise_about_what_the_vectors_lack_is_no_pass(promise: str, key: str) -> None:
    result = make(vectors=replace(make().vectors, **{key: None}))
    with pytest.raises(InputError, match=f"key '{key}': missing"):
        judge(promise, CASE, result)


def test_decisions_need_longer_sequences_than_their_first_step() -> None:
    case = CASE.model_copy(update={"decisions": type(CASE.decisions)(from_step=12)})
    with pytest.raises(InputError, match="from step 12 need longer sequences"):
        judge("decisions", case, make())


@pytest.mark.parametrize("promise", ["current", "energy"])
def test_what_has_a_golden_is_judged_elsewhere(promise: str) -> None:
    with pytest.raises(InputError):
        judge(promise, CASE, make())


def test_provenance_never_calls_an_emulator_hardware() -> None:
    origin = replace(ORIGIN, reason="no board attached")
    assert str(origin) == (
        "microbit on qemu 7.2 (emulated; no board attached), probe emulated:microbit, firmware 00ff, gcc 12"
    )
    silicon = replace(origin, backend="hardware", backend_version="", emulated=False, reason="", probe="9900")
    assert str(silicon) == "microbit on hardware, probe 9900, firmware 00ff, gcc 12"
    assert (origin.where, silicon.where) == ("qemu (emulated)", "hardware")
