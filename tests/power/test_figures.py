"""Averages, charges and energies against what is computed by hand; units that slip are caught by these."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from hil.errors import RigError
from hil.power.accuracy import Accuracy
from hil.power.figures import average_A, charge_C, energy_J
from hil.power.trace import Gap
from hil.power.window import Window, windows_between_marks
from tests.power.traces import trace


def test_units_by_hand() -> None:
    # 1 mA for 10 ms is 10 µC, at 3 V 30 µJ.
    made = trace([1e-3] * 10)
    assert average_A(made).value == pytest.approx(1e-3, rel=1e-12)
    assert charge_C(made).value == pytest.approx(10e-6, rel=1e-12)
    assert energy_J(made, 3.0).value == pytest.approx(30e-6, rel=1e-12)
    assert average_A(made).uncertainty == 0
    assert average_A(made).samples == 10


def test_a_day_of_a_coin_cell() -> None:
    # 10 µA for 24 h is 240 µAh = 0.864 C.
    made = trace([10e-6] * 86_400, rate_hz=1.0)
    assert charge_C(made).value == pytest.approx(0.864, rel=1e-9)
    assert charge_C(made).value / 3600 == pytest.approx(240e-6, rel=1e-9)


def test_steps_average_by_their_time() -> None:
    # A quarter of the time 9 mA, else 1 mA: 3 mA.
    made = trace([1e-3] * 3 + [9e-3] + [1e-3] * 3 + [9e-3])
    assert average_A(made).value == pytest.approx(3e-3, rel=1e-12)


def test_accuracy_is_of_the_range_of_each_sample() -> None:
    # 100 mA may be 90 % of a current and 0.2 µA; or 85 % of one and 1 mA.
    accuracy = {0: Accuracy(0.10, 0.2e-6), 4: Accuracy(0.15, 1e-3)}
    made = trace([100e-3, 100e-3], accuracy=accuracy, ranges=[0, 4])
    bound_A = (10.0002e-3 / 0.9 + 16e-3 / 0.85) / 2
    assert average_A(made).uncertainty == pytest.approx(bound_A, rel=1e-12)
    assert charge_C(made).uncertainty == pytest.approx(bound_A * 2e-3, rel=1e-12)
    energy = energy_J(made, 2.0, voltage_uncertainty_V=0.1)
    assert energy.uncertainty == pytest.approx(2.0 * bound_A * 2e-3 + 0.1 * 200e-6, rel=1e-9)


def test_chance_by_hand() -> None:
    # Four changes of 2 mA among five samples: 4 * sqrt((2 mA)^2 / 2 / 5), and as five are few 1 + 17 / (4 * 10 / 3).
    chance_A = 4 * 2e-3 / math.sqrt(10) * (1 + 17 * 3 / 40)
    assert average_A(trace([1e-3, 3e-3, 1e-3, 3e-3, 1e-3])).uncertainty == pytest.approx(chance_A)
    assert average_A(trace([1e-3])).uncertainty == 0


@pytest.mark.parametrize("samples", [30, 100, 1000])
def test_noise_is_within_what_is_told(samples: int) -> None:
    """An instrument without an error but noise of 1 %: of 400 averages none is off by more, and some by half of it."""
    random = np.random.default_rng(samples)
    figures = [average_A(trace(1e-3 + random.normal(0, 10e-6, samples))) for _ in range(400)]
    off = [abs(each.value - 1e-3) / each.uncertainty for each in figures]
    assert 0.4 < max(off) < 1
    told_A = 4 * 10e-6 / math.sqrt(samples) * (1 + 6.375 / samples)
    assert np.mean([each.uncertainty for each in figures]) == pytest.approx(told_A, rel=0.05)


def test_a_drift_is_no_noise() -> None:
    """From 1 mA to 2 mA in a thousand samples, of which the average is known to a thousandth."""
    assert average_A(trace(np.linspace(1e-3, 2e-3, 1000).tolist())).uncertainty < 1.5e-3 * 1e-3


def test_a_window_cut_a_sample_off_is_within_its_uncertainty() -> None:
    # The board draws 5 mA for 4.5 ms of a grid of 1 ms, before and behind that 1 mA.
    made = trace([1e-3, 1e-3, 5e-3, 5e-3, 5e-3, 5e-3, 1e-3, 1e-3], marks="..####..")
    (window,) = windows_between_marks(made, "D0")
    assert (window.begin_s, window.end_s) == pytest.approx((2e-3, 6e-3))
    charge = charge_C(made, window)
    assert charge.value == pytest.approx(20e-6)
    assert charge.uncertainty == pytest.approx(2 * 5e-3 * 1e-3)
    assert abs(charge.value - 5e-3 * 4.5e-3) <= charge.uncertainty
    average = average_A(made, window)
    assert average.value == pytest.approx(5e-3)
    assert average.uncertainty == pytest.approx(2 * (5e-3 - 1e-3) * 1e-3 / 4e-3)


def test_a_long_window_at_a_steady_current_knows_its_average_whatever_its_edges() -> None:
    made = trace([5e-3] * 100, marks="." * 10 + "#" * 80 + "." * 10)
    (window,) = windows_between_marks(made, "D0")
    assert average_A(made, window).uncertainty == pytest.approx(0, abs=1e-15)
    assert charge_C(made, window).uncertainty == pytest.approx(10e-6)


@pytest.mark.parametrize("gap", [2, 3, 5, 6])
def test_no_average_over_a_gap(gap: int) -> None:
    """Also where it touches the window: its edge may be in there."""
    made = trace([1e-3] * 8, marks="..####..", gap=(gap, 7))
    (window,) = windows_between_marks(made, "D0")
    for figure in (average_A, charge_C, lambda trace, window: energy_J(trace, 3.0, window)):
        with pytest.raises(RigError, match=r"misses samples from .* 7 samples were lost; there is no average"):
            figure(made, window)


def test_a_window_that_ends_or_begins_at_a_gap_is_whole() -> None:
    made = trace([1e-3] * 4 + [2e-3] * 4, gap=(4, 5))
    assert average_A(made, Window(0.0, 0.004)).samples == 4
    assert average_A(made, Window(0.009, 0.013)).value == pytest.approx(2e-3)
    for window in (Window(0.0, 0.005), Window(0.008, 0.013), Window(0.0, 0.004, 0.001), Window(0.009, 0.013, 0.001)):
        with pytest.raises(RigError, match="misses samples"):
            average_A(made, window)


def test_a_gap_of_unknown_length_counts() -> None:
    made = trace([1e-3] * 8)
    made = dataclasses.replace(made, gaps=(Gap(0.004, 0.004, "bytes were lost"),))
    with pytest.raises(RigError, match=r"misses samples from 0\.004000 s on: bytes were lost"):
        average_A(made)
    assert average_A(made, Window(0.0, 0.003)).value == pytest.approx(1e-3)


def test_a_gap_elsewhere_does_no_harm() -> None:
    made = trace([1e-3] * 4 + [2e-3] * 4 + [1e-3] * 4, marks="....####....", gap=(2, 100))
    (window,) = windows_between_marks(made, "D0")
    assert average_A(made, window).value == pytest.approx(2e-3)


def test_a_sample_outside_its_range_is_refused_where_it_matters() -> None:
    made = trace([1e-3] * 4 + [2e-3] * 4 + [1e-3] * 4, marks="....####....", outside=[5])
    (window,) = windows_between_marks(made, "D0")
    with pytest.raises(RigError, match=r"1 samples that the instrument does not stand for, the first at 0\.005000 s"):
        average_A(made, window)
    assert average_A(made, Window(0.0, 0.004)).value == pytest.approx(1e-3)


def test_samples_within_a_switch_of_ranges_are_replaced_and_paid_for() -> None:
    # What is read within the switch, 50 mA, is nobody's current.
    made = trace([1e-3] * 4 + [50e-3] * 2 + [3e-3] * 4, settling=[4, 5])
    figure = average_A(made)
    assert figure.value == pytest.approx((4 * 1e-3 + 6 * 3e-3) / 10)
    chance_A = 4 * 1.6375 * math.sqrt((3e-3 - 1e-3) ** 2 / 9 / 2 / 10)  # of the step that is left, among nine changes
    assert figure.uncertainty == pytest.approx(2 * (3e-3 - 1e-3) / 10 + chance_A)


def test_a_switch_of_ranges_at_the_end_costs_what_was_read() -> None:
    made = trace([1e-3] * 8 + [50e-3] * 2, settling=[8, 9])
    assert average_A(made).value == pytest.approx(1e-3)
    assert average_A(made).uncertainty == pytest.approx(2 * 49e-3 / 10)


@pytest.mark.parametrize("window", [Window(-0.005, 0.002), Window(0.002, 0.02), Window(0.5, 0.6)])
def test_a_window_beyond_the_recording_is_refused(window: Window) -> None:
    with pytest.raises(RigError, match=r"is not within it|holds no sample"):
        average_A(trace([1e-3] * 10), window)


def test_nothing_has_no_average() -> None:
    with pytest.raises(RigError, match="holds no sample"):
        average_A(trace([]))


def test_a_hole_that_nobody_tells_of_is_refused() -> None:
    made = trace([1e-3] * 10)
    time_s = made.time_s.copy()
    time_s[5:] += 0.002
    with pytest.raises(RigError, match=r"misses samples between 0\.004000 s and 0\.007000 s, and says nothing of it"):
        type(made)("a meter", time_s, made.current_A, made.sample_rate_hz, made.accuracy)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"current_A": np.array([1.0, np.nan])}, r"has no current at 0\.001000 s \(sample 1 of 2\)"),
        ({"current_A": np.array([1.0])}, "has 2 times, but current has shape"),
        ({"time_s": np.array([0.001, 0.0])}, "times that do not increase"),
        ({"ranges": np.array([0, 3], dtype=np.int8)}, "samples in range 3, of which no accuracy is stated"),
        ({"marks": {"D0": np.array([True])}}, "has 2 times, but D0 has shape"),
        ({"sample_rate_hz": 0.0}, r"has 0\.0 samples a second"),
    ],
)
def test_what_is_no_recording(changes: dict[str, object], said: str) -> None:
    made = trace([1.0, 1.0])
    fields = {
        "instrument": "a meter",
        "time_s": made.time_s,
        "current_A": made.current_A,
        "sample_rate_hz": made.sample_rate_hz,
        "accuracy": made.accuracy,
        **changes,
    }
    with pytest.raises(RigError, match=said):
        type(made)(**fields)
