"""The exact integer model against unbounded integers: same bits, and no C type is ever too small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.golden import integer, run_integer, tables
from tests import exact_model
from tests.host_c import REPO
from tests.networks import Case, cases


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases(max_neurons=10, max_inputs=5, steps=2))
def test_no_input_can_overflow(case: Case) -> None:
    states, outputs = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    exact = exact_model.run_exact(case.converted.image, case.inputs, case.elapsed, case.state0)
    np.testing.assert_array_equal(states, exact[0])
    np.testing.assert_array_equal(outputs, exact[1])


@given(x=st.integers(-(2**31), 2**31 - 1))
def test_sigmoid_equals_unbounded_integers(x: int) -> None:
    mantissa, exponent = integer.sigmoid(np.array([x]))
    assert (mantissa[0], exponent[0]) == exact_model.sigmoid(x)


def test_sigmoid_is_as_near_as_the_docs_say() -> None:
    x = np.arange(-60 * 65536, 64 * 65536, 37)
    mantissa, exponent = integer.sigmoid(x)
    value = mantissa / 65536 * np.exp2(-exponent.astype(float))
    true = 1 / (1 + np.exp2(-x / 65536))
    error = np.abs(value - true)
    assert error.max() < 2.0**-15.9
    assert (error / true).max() < 2.0**-13.8  # in the tails too: no fixed table could do that


def test_sigmoid_is_symmetric_and_saturates_exactly() -> None:
    for x in (18 * 65536, 2**31 - 1):
        assert integer.sigmoid(np.array([x])) == (65536, 0)
    assert integer.sigmoid(np.array([0])) == (32768, 0)


def test_the_c_tables_are_the_model_s_tables() -> None:
    assert (REPO / "firmware" / "ltc" / "ltc_tables.h").read_text() == tables.c_header()


@given(x=st.integers(1, 2**62))
def test_bit_length(x: int) -> None:
    assert integer._bit_length(np.array([x]))[0] == x.bit_length()


@pytest.mark.parametrize("near", [2**k + d for k in range(2, 62) for d in (-1, 0, 1)])
def test_bit_length_beside_powers_of_two(near: int) -> None:
    assert integer._bit_length(np.array([near]))[0] == near.bit_length()
