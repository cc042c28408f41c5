"""Formats from proven bounds: the image round-trips, inputs saturate without effect, and limits are said in words."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import encode
from hil.convert import convert
from hil.errors import InputError
from hil.golden import run_integer, run_reference
from hil.image import FULL_SCALE, ModelImage
from hil.model import LtcModel, model_from_arrays
from tests.networks import random_case
from tests.unit.test_model import arrays


def model(**change: object) -> LtcModel:
    return model_from_arrays(arrays() | change, where="here")


def test_an_image_survives_decoding() -> None:
    image = convert(model()).image
    assert ModelImage.from_bytes(image).to_bytes() == image


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda b: b[:20], "is not an LTC model image"),
        (lambda b: b"\0" + b[1:], "is not an LTC model image"),
        (lambda b: b[:4] + struct.pack("<H", 1) + b[6:], "has image version 1, this hil reads version 3"),
        (lambda b: b[:-4], "is cut off"),
        (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "its CRC-32 does not match"),
    ],
)
def test_damaged_images_are_refused(damage: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ModelImage.from_bytes(damage(convert(model()).image), where="that image")  # type: ignore[operator]


def test_a_model_takes_no_settings() -> None:
    with pytest.raises(InputError, match="has its settings already, nonsense and ode_unfolds would change nothing"):
        convert(model(), ode_unfolds=3, nonsense=3)


def test_inputs_saturate_without_effect() -> None:
    """Beyond the end of an input's format each of its sigmoids is exactly 0 or 1 already."""
    converted = convert(model(sensory_sigma=np.array([[3.0, -8, 0.01], [2, 2, 2]])))
    far = np.array([[[1e6, -1e6]], [[1e9, -1e9]]])
    ones = converted.quantise_elapsed(np.ones((2, 1)))
    states, _ = run_integer(converted.image, converted.quantise_inputs(far), ones, np.zeros(3, np.int32))
    wanted, _ = run_reference(
        model(sensory_sigma=np.array([[3.0, -8, 0.01], [2, 2, 2]])), far, np.ones((2, 1)), np.zeros(3)
    )
    np.testing.assert_array_equal(states[0], states[1])
    assert np.abs(converted.state_to_float(states) - wanted).max() < 2.0**-14


def test_an_input_whose_format_cannot_saturate_is_limited_in_words() -> None:
    converted = convert(model(sensory_sigma=np.array([[1e6, 1e-6, 1], [2, 2, 2]])))
    assert any("input 0 is limited to" in note for note in converted.notes)
    converted.quantise_inputs(np.array([converted.input_limit[0], 1e9]))
    with pytest.raises(InputError, match=r"input 0 in step 3 is .*, but its slopes differ"):
        converted.quantise_inputs(np.array([[0.0, 0]] * 3 + [[converted.input_limit[0] * 1.01, 0]]))


def test_a_sigmoid_too_steep_is_flattened_in_words() -> None:
    converted = convert(model(sigma=np.full((3, 3), 1e12)))
    assert "synapse 0->0: its sigmoid is" in converted.notes[0]


@pytest.mark.parametrize("elapsed", [0.0, 0.99e-3, 1001.0, -1.0, np.nan, np.inf])
def test_elapsed_outside_its_range(elapsed: float) -> None:
    with pytest.raises(InputError, match=r"elapsed\[1\] is .*, outside 0.001 to 1000"):
        convert(model()).quantise_elapsed(np.array([1.0, elapsed]))


def test_the_ends_of_elapsed_are_the_runtime_s() -> None:
    assert convert(model()).quantise_elapsed(np.array([1e-3, 1e3])).tolist() == [4194, 4194304000]


def test_a_start_state_beyond_the_potentials() -> None:
    start = np.array([3.0, -5.0, 0.0])
    with pytest.raises(InputError, match="a start state of 5 is beyond the state format"):
        convert(model()).quantise_state(start)
    wide = convert(model(), state_bound=5.0)
    np.testing.assert_allclose(wide.state_to_float(wide.quantise_state(start)), start)


@pytest.mark.parametrize("bound", [np.nan, np.inf, -1.0, 1e308])
def test_a_state_bound_that_is_none(bound: float) -> None:
    with pytest.raises(InputError, match=r"a state bound of .* is none"):
        convert(model(), state_bound=bound)


def test_zero_over_zero_is_refused() -> None:
    nothing = {"epsilon": 0.0, "cm": np.zeros(3), "gleak": np.zeros(3), "sparsity_mask": np.zeros((3, 3))}
    with pytest.raises(InputError, match="neuron 0 has no capacitance, leak, synapse or epsilon"):
        convert(model(**nothing, sensory_sparsity_mask=np.zeros((2, 3))))


def test_epsilon_decides_where_all_else_vanishes() -> None:
    """cm = gleak = 0 and sigmoids deep in their tails: the state is a ratio of numbers around 1e-8 (trap 3)."""
    steep = {"cm": np.zeros(3), "gleak": np.zeros(3), "sparsity_mask": np.zeros((3, 3))}
    net = model(**steep, sensory_sigma=np.full((2, 3), 8.0), sensory_w=np.array([[0.3, 0.2, 0.1], [1, 1, 1]]))
    net = replace(net, sensory_erev=np.array([[1.0, -0.5, 0.3], [-1.0, 1, 1]]))
    x = np.linspace(-3, 0.5, 60).repeat(2).reshape(1, 60, 2) + np.array([0.0, 0.1])
    converted = convert(net)
    ones = np.ones((1, 60))
    states, _ = run_integer(
        converted.image, converted.quantise_inputs(x), converted.quantise_elapsed(ones), np.zeros(3, np.int32)
    )
    wanted, _ = run_reference(net, x, ones, np.zeros(3))
    assert np.abs(wanted).max() > 0.3
    assert np.abs(wanted).min() < 0.02
    assert np.abs(converted.state_to_float(states) - wanted).max() < 2.0**-11


def test_slow_networks_do_not_stall() -> None:
    """Large cm and short elapsed: a change far below a 16-bit state's unit must still add up (trap 2)."""
    net = model(cm=np.full(3, 20.0), ode_unfolds=12)
    steps = 400
    x, elapsed = np.ones((1, steps, 2)), np.full((1, steps), 1e-3)
    converted = convert(net)
    states, _ = run_integer(
        converted.image, converted.quantise_inputs(x), converted.quantise_elapsed(elapsed), np.zeros(3, np.int32)
    )
    wanted, _ = run_reference(net, x, elapsed, np.zeros(3))
    moved = np.abs(wanted[0, -1])
    assert (np.abs(converted.state_to_float(states)[0, -1] - wanted[0, -1]) < moved / 1000).all()


@pytest.mark.parametrize(
    ("gain", "offset"),
    [(1.0, 300.0), (10.0, 300.0), (0.1, 1013.0), (0.01, 101_300.0), (1.0, 100_000.0)],
    ids=["kelvin", "ten a kelvin", "hectopascal", "pascal", "a large offset"],
)
def test_an_input_with_an_offset_costs_nothing(gain: float, offset: float) -> None:
    """A sensor's reading far from zero, folded by an affine map: what moves a sigmoid is a small part of it."""
    net = model(
        input_w=np.full(2, gain),
        input_b=np.full(2, -gain * offset),
        sensory_mu=np.array([[0.3, 0.5, 0.8], [0.4, 0.6, 0.7]]),
        sensory_sigma=np.array([[3.0, 5, 8], [4, 6, 7]]),
    )
    x = offset + np.random.default_rng(1).uniform(-1, 1.5, (1, 100, 2)) / gain
    elapsed = np.ones((1, 100))
    converted = convert(net)
    states, _ = run_integer(
        converted.image, converted.quantise_inputs(x), converted.quantise_elapsed(elapsed), np.zeros(3, np.int32)
    )
    wanted, _ = run_reference(net, x, elapsed, np.zeros(3))
    assert np.abs(converted.state_to_float(states) - wanted).max() < 2.0**-11 * converted.state_bound


@pytest.mark.parametrize(("wild", "limit"), [(0.0, 2.0**-11), (0.5, 2.0**-11), (2.0, 2.0**-8)])
def test_an_unfold_is_near_float64_for_any_network(wild: float, limit: float) -> None:
    """One unfold from the integer model's own state: what a network then makes of an error is the network's affair."""
    worst = 0.0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        case = random_case(rng, 1 + seed % 24, 1 + seed % 5, (0.1, 0.3, 1.0)[seed % 3], wild, steps=8)
        net = replace(case.model, unfolds=1)
        c = convert(net)
        if c.notes:  # flattened or limited, and said to be
            continue
        states, _ = run_integer(c.image, case.inputs, case.elapsed, case.state0)
        x = np.ldexp(np.clip(case.inputs, -FULL_SCALE, FULL_SCALE).astype(float), -c.input_frac)
        before = np.concatenate([np.tile(case.state0, (len(x), 1, 1)), states[:, :-1]], axis=1)
        for s, t in np.ndindex(x.shape[:2]):
            one = np.s_[s : s + 1, t : t + 1]
            wanted, _ = run_reference(net, x[one], case.elapsed[one] / 2.0**22, c.state_to_float(before[s, t]))
            error = np.abs(c.state_to_float(states[s, t]) - wanted[0, 0]).max()
            worst = max(worst, error / max(c.state_bound, 2.0**30 * 2.0**-c.state_frac))
    assert 0 < worst < limit


@given(value=st.floats(2.0**-200, 2.0**200))
def test_mantissa(value: float) -> None:
    m, e = encode.mantissa(value)
    assert 2**15 <= m < 2**16
    assert abs(m * 2.0**e - value) <= value * 2.0**-16


@given(slope=st.floats(-1e9, 1e9), constant=st.floats(-1e9, 1e9), floored=st.booleans())
def test_an_argument_never_overflows(slope: float, constant: float, floored: bool) -> None:
    at = encode.argument(slope, constant, floored=floored)
    assert abs(at.slope) <= 32767
    assert abs(at.offset) < 2**30
    assert 0 <= at.offset & 255 <= 6


def _argument(at: encode.Argument, x: float) -> float:
    """What a position in the table stands for, in units of log(2)."""
    return ((at.slope * x * 2.0**15 + at.offset) * 2.0 ** -((at.offset & 255) + 16) - 128) / 8


@given(slope=st.floats(-500, 500), constant=st.floats(-500, 500), x=st.floats(-1, 1))
def test_an_argument_is_near(slope: float, constant: float, x: float) -> None:
    at = encode.argument(slope, constant, floored=False)
    true = slope * x + constant
    if abs(true) < encode.SATURATED:
        resolution = 2.0 ** -((at.offset & 255) + 4)  # of half a unit of the slope's, over the full scale
        assert abs(_argument(at, x) - true) <= resolution * 2 + 2.0**-11
    else:
        assert abs(_argument(at, x)) >= encode.SATURATED * 0.99


@given(slope=st.floats(1e-3, 2000), sign=st.sampled_from((-1, 1)), middle=st.floats(-1, 1), away=st.floats(-10, 10))
def test_an_argument_is_near_where_its_sigmoid_is_steep(slope: float, sign: int, middle: float, away: float) -> None:
    """Exact in its middle, however far that lies from x = 0; beside it, as near as the slope's 16 bits."""
    slope *= sign
    at = encode.argument(slope, -slope * middle, floored=False)
    x = max(-1.0, min(1.0, middle + away / slope))
    true = slope * (x - middle)
    resolution = 2.0 ** -((at.offset & 255) + 4)  # of half a unit of the slope's, over the full scale
    assert at.flattened == 1
    assert abs(_argument(at, x) - true) <= resolution * abs(x - middle) + 2.0**-11


@given(slope=st.floats(0.1, 500), constant=st.floats(-20, 20))
def test_half_a_unit_that_rounding_down_takes_is_given_back(slope: float, constant: float) -> None:
    plain, floored = (encode.argument(slope, constant, floored=flag) for flag in (False, True))
    assert plain.slope == floored.slope
    assert abs(floored.offset - plain.offset - plain.slope / 2) <= 256


@given(low=st.floats(-1, 0.9), width=st.floats(2.0**-14, 2))
def test_a_channel_reaches_from_end_to_end(low: float, width: float) -> None:
    high = min(1.0, low + width)
    gain, offset, shift = encode.channel(low, high)
    assert 0 < gain <= 65535
    assert abs(offset) < 2**30
    assert 0 <= shift <= 31
    for end, wanted in ((low, -(2**15)), ((low + high) / 2, 0), (high, 2**15)):
        got = end * 2.0**30 * gain / 2**16 / 2**shift + offset
        assert abs(got - wanted) <= 2.0**-15 * 2**15 + 1


@given(gain=st.floats(-1e6, 1e6), offset=st.floats(-1e6, 1e6), x=st.floats(-1, 1))
def test_an_output_is_near(gain: float, offset: float, x: float) -> None:
    g, o, shift, frac = encode.output(gain, offset)
    assert abs(g) <= 65535
    assert abs(o) < 2**30
    assert 0 <= shift <= 31
    got = (g * x * 2.0 ** (14 - shift) + o) * 2.0**-frac
    assert abs(got - (gain * x + offset)) <= 2.0**-15 * (abs(gain) + abs(offset)) + 2.0**-60
