"""The C runtime on the host, under both sanitizers, against the exact integer model: every bit, for any network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.errors import InputError
from hil.golden import run_integer
from hil.image import HALF_UPPER, MAP, NEURON, SUM_MAX, SYNAPSE, WIDE_FRAC, ModelImage
from hil.solver import SolverName
from tests.firmware.fuzzing import LTC, assert_finds, fuzz, returned
from tests.networks import FULL_SCALE, Case, cases, end_of_scale, longest_elapsed, overshooting, random_case

if TYPE_CHECKING:
    from tests.firmware.ltc_driver import Driver

HERE = Path(__file__).parent
FUZZ_ROUNDS = 1_500_000


def run(driver: Driver, case: Case) -> tuple[np.ndarray, np.ndarray]:
    return driver.run(case.converted.image, case.inputs, case.elapsed, case.state0, case.model.outputs)


def check(driver: Driver, case: Case) -> None:
    """Every bit of a case."""
    states, outputs = run(driver, case)
    wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    np.testing.assert_array_equal(states, wanted[0])
    np.testing.assert_array_equal(outputs, wanted[1])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases())
def test_c_equals_the_integer_model(driver: Driver, case: Case) -> None:
    check(driver, case)


@pytest.mark.parametrize("solver", ["euler", "rk4", "adaptive", "exponential"])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_c_equals_the_integer_model_with_every_solver(driver: Driver, solver: SolverName, data: st.DataObject) -> None:
    check(driver, data.draw(cases(solver=solver)))


@pytest.mark.parametrize("solver", ["euler", "rk4"])
def test_an_explicit_solver_refuses_a_longer_step_than_it_can_keep_within_the_scale(
    driver: Driver, solver: SolverName
) -> None:
    case = random_case(np.random.default_rng(3), 5, 2, 1.0, 0.0, steps=1, solver=solver)
    longest = longest_elapsed(case.converted.image)
    assert 4194 < longest < 4194304000
    for elapsed, refused in ((longest, False), (longest + 1, True), (longest, False)):
        asked = replace(case, elapsed=np.full_like(case.elapsed, elapsed))
        assert (run(driver, asked)[0] == -(2**31)).all() == refused
        if refused:
            with pytest.raises(InputError, match="too long for an explicit solver"):
                check(driver, asked)
        else:
            check(driver, asked)


def test_a_stage_beyond_the_scale_is_clamped(driver: Driver) -> None:
    check(driver, overshooting())


def test_at_the_end_of_its_scale_a_state_is_clamped(driver: Driver) -> None:
    case = end_of_scale()
    check(driver, case)
    assert set(run(driver, case)[0][:, -1].ravel()) == {FULL_SCALE - 1, -FULL_SCALE}


def test_every_sequence_starts_from_zero_where_none_sets_a_state(driver: Driver) -> None:
    case = random_case(np.random.default_rng(2), 8, 2, 1.0, 0.5, steps=3)
    check(driver, replace(case, state0=np.zeros_like(case.state0)))


def _seeds(folder: Path) -> list[str]:
    paths = []
    for k, solver in enumerate([*["fused"] * 6, *get_args(SolverName)]):
        rng = np.random.default_rng(k)
        case = random_case(rng, 1 + k % 4, 1 + k % 3, (1.0, 0.3)[k % 2], (0, 2, 9)[k % 3], steps=1, solver=solver)
        path = folder / f"seed{k}.bin"
        path.write_bytes(case.converted.image)
        paths.append(str(path))
    path = folder / "on_limits.bin"
    path.write_bytes(_on_limits())
    return [*paths, str(path)]


def _on_limits() -> bytes:
    """A leak and a capacitance that are the largest there are, and a sensory synapse that ends the image."""
    leak = (SUM_MAX - HALF_UPPER) << WIDE_FRAC
    neuron = np.array([(leak, leak, 65535, 15, 0, 0, 0), (1, 0, 0, 0, 0, 1, 0)], NEURON)
    channel = np.array([(1, 0, 0, 0, 0)], MAP)
    none = np.zeros(0, SYNAPSE)
    image = ModelImage(1, 30, neuron, channel, np.zeros(1, SYNAPSE), none, np.zeros(0, MAP), np.zeros(1, np.int8))
    return image.to_bytes()


def test_ltc_open_survives_mutated_images(tmp_path: Path) -> None:
    counts = returned(fuzz(tmp_path, LTC, _seeds(tmp_path), FUZZ_ROUNDS))
    assert sum(counts.values()) == FUZZ_ROUNDS >= 1_000_000
    reached = {error for error, count in counts.items() if count}
    assert {0, -2, -3, -4, -5, -6, -7, -8, -13} <= reached, f"the fuzzer no longer reaches every check: {counts}"


@pytest.mark.parametrize(
    ("check", "without"),
    [
        ("source / 2 >= sources", "source / 2 >= sources + 251"),
        ("!within(synapse->offset, LTC_FULL_SCALE - 1) ||", ""),
        ("(synapse->offset & 0xFF) > 31 ||", ""),
        ("synapse->weight > 0xFFFFu ||", ""),
        ("|| !within(synapse->reversal, (int32_t)synapse->weight)", ""),
        ("*total > LTC_SUM_MAX", "false"),
        ("neuron->den > LEAK_MAX ||", ""),
        ("neuron->num > neuron->den ||", ""),
        ("neuron->num < -neuron->den ||", ""),
        ("neuron->sensory > header->sensory_synapses - sensory", "false"),
        ("neuron->synapses > header->synapses - synapses", "false"),
        ("map->of >= inputs", "map->of >= inputs + 250"),
        ("!within(map->gain, 65535) ||", ""),
        ("!within(map->offset, LTC_FULL_SCALE - 1) ||", ""),
        ("map->shift > 31 ||", ""),
        ("header->total_bytes > image_bytes", "false"),
    ],
)
def test_the_fuzzer_finds_a_missing_check(tmp_path: Path, check: str, without: str) -> None:
    """Each check of ltc_open() is needed, and the fuzzer would notice if it went."""
    assert_finds(tmp_path, _seeds(tmp_path), "ltc_check.c", check, without)
