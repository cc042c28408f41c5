"""Where a device first differs, and the steps around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hil.case import CaseFile, Outputs, States
from hil.report.difference import AROUND, first_difference
from hil.step_cycles import RunCycles
from tests.results import sound_result

if TYPE_CHECKING:
    from hil.result import RunResult

STEPS = 100


def result_of(**arrays: Any) -> RunResult:
    states = np.arange(2 * STEPS * 3, dtype=np.int32).reshape(2, STEPS, 3)
    sound = sound_result(states, states[:, :, :1].copy(), RunCycles("cortex-m0"), state_lsb=0.5)
    changed = {}
    for name, (place, value) in arrays.items():
        changed[name] = getattr(sound, name).copy()
        changed[name][place] = value
    return replace(sound, **changed)


def test_nothing_differs_in_a_sound_run() -> None:
    assert first_difference("bits", None, result_of()) is None


@pytest.mark.parametrize("step", [0, 50, STEPS - 1])
def test_bits_of_states_come_first_in_lsb(step: int) -> None:
    result = result_of(states_lsb=((1, step, 2), -7), outputs_lsb=((0, 3, 0), 5))
    found = first_difference("bits", None, result)
    assert found is not None
    assert (found["array"], found["sequence"], found["step"], found["element"]) == ("states", 1, step, 2)
    assert found["unit"] == "LSB"
    here = step - found["first"]
    assert found["obtained"][here] == -7
    assert found["expected"][here] == result.golden_states_lsb[1, step, 2]
    assert len(found["obtained"]) == len(found["expected"]) == min(step, AROUND) + 1 + min(STEPS - 1 - step, AROUND)


def test_outputs_are_held_against_what_the_vectors_expect() -> None:
    result = result_of()
    expected = result.outputs.copy()
    expected[0, 20, 0] += 0.5
    expected[0, 30, 0] += 2
    result = replace(result, vectors=replace(result.vectors, outputs=expected))
    says = CaseFile(model="m", vectors="v", outputs=Outputs(atol=1.0))
    found = first_difference("outputs", says, result)
    assert found is not None
    assert (found["step"], found["allowed"], found["unit"]) == (30, 1.0, "model")


def test_states_may_differ_by_a_share_of_their_bound() -> None:
    result = result_of()
    expected = result.states.copy()
    expected[0, 40, 1] += 0.5 * result.state_bound
    result = replace(result, vectors=replace(result.vectors, states=expected))
    says = CaseFile(model="m", vectors="v", states=States(max_error=0.4))
    assert first_difference("states", says, result)["step"] == 40  # type: ignore[index]
    assert first_difference("states", CaseFile(model="m", vectors="v", states=States(max_error=0.6)), result) is None


@pytest.mark.parametrize("promise", ["outputs", "states", "cycles", "decisions", "current"])
def test_of_what_is_not_promised_or_no_number_there_is_none(promise: Any) -> None:
    assert first_difference(promise, CaseFile(model="m", vectors="v"), result_of()) is None
