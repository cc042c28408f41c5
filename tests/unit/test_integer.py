"""The exact integer model against unbounded integers: same bits, and no C type is ever too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.golden import arithmetic, integer, run_integer, tables
from tests import exact_model
from tests.host_c import REPO
from tests.networks import Case, cases

if TYPE_CHECKING:
    from hil.solver import SolverName

POSITIONS = np.arange(0, 256 * 65536, 37)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases(max_neurons=10, max_inputs=5, steps=2))
def test_no_input_can_overflow(case: Case) -> None:
    _check_exact(case)


@pytest.mark.parametrize("solver", ["euler", "rk4", "adaptive", "exponential"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_input_can_overflow_with_any_solver(solver: SolverName, data: st.DataObject) -> None:
    _check_exact(data.draw(cases(max_neurons=6, max_inputs=3, steps=2, solver=solver)))


def _check_exact(case: Case) -> None:
    states, outputs = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    exact = exact_model.run_exact(case.converted.image, case.inputs, case.elapsed, case.state0)
    np.testing.assert_array_equal(states, exact[0])
    np.testing.assert_array_equal(outputs, exact[1])


@given(x=st.integers(-(2**31), 2**31 - 1))
def test_sigmoids_equal_unbounded_integers(x: int) -> None:
    assert integer.opening(np.array([x]))[0] == exact_model.opening(x)
    mantissa, exponent = integer.wide_opening(np.array([x]))
    assert (mantissa[0], exponent[0]) == exact_model.wide_opening(x)


def test_the_kernel_s_sigmoid_is_as_near_as_the_docs_say() -> None:
    true = 1 / (1 + np.exp2(-(POSITIONS / 65536 - 128) / 8))
    assert np.abs(integer.opening(POSITIONS) / 32767 - true).max() < 2.0**-13.7


def test_the_kernel_s_sigmoid_saturates_exactly_and_never_falls() -> None:
    assert integer.opening(np.array([-1, -(2**31), 256 << 16, 2**31 - 1])).tolist() == [0, 0, 32767, 32767]
    assert (np.diff(integer.opening(POSITIONS)) >= -1).all()  # by one where two lines meet


def test_the_wide_sigmoid_is_as_near_in_its_tail() -> None:
    position = np.arange(-50 * 8 * 65536, 300 * 65536, 997)
    mantissa, exponent = integer.wide_opening(position)
    true = 1 / (1 + np.exp2(-(position / 65536 - 128) / 8))
    assert np.abs(mantissa / 65534 * np.exp2(-exponent.astype(float)) / true - 1).max() < 2.0**-11.8


def test_the_reciprocal_is_never_too_large() -> None:
    total = np.arange(1 << 14, 65280)
    short = 1 - integer.reciprocal(total) * total / 2.0**30
    assert short.min() >= 0
    assert short.max() < 2.0**-11
    assert integer.reciprocal(total).max() < 1 << 16
    assert [integer.reciprocal(np.array([x]))[0] for x in (16384, 40000, 65279)] == [
        exact_model.reciprocal(x) for x in (16384, 40000, 65279)
    ]


def test_the_c_tables_are_the_model_s_tables() -> None:
    assert (REPO / "firmware" / "ltc" / "ltc_tables.c").read_text() == tables.c_file()


@given(x=st.integers(1, 2**62))
def test_bit_length(x: int) -> None:
    assert arithmetic.bit_length(np.array([x]))[0] == x.bit_length()


@pytest.mark.parametrize("near", [2**k + d for k in range(2, 62) for d in (-1, 0, 1)])
def test_bit_length_beside_powers_of_two(near: int) -> None:
    assert arithmetic.bit_length(np.array([near]))[0] == near.bit_length()
