"""Voltage over time, held against energy, against small steps, and against itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hil.harvest.capacitor import Capacitor

VOLTS = st.floats(0.5, 5)
CAPACITORS = st.builds(Capacitor, st.floats(1e-6, 1e-2), st.floats(1e-7, 1e-1), st.just(100.0))
CURRENTS = st.just(0.0) | st.floats(1e-9, 1e-1)


def in_small_steps(capacitor: Capacitor, voltage_V: float, time_s: float, current_A: float) -> float:
    step = time_s / 20_000
    for _ in range(20_000):
        middle = voltage_V + (capacitor.power_W / voltage_V - current_A) / capacitor.capacity_F * step / 2
        voltage_V += (capacitor.power_W / middle - current_A) / capacitor.capacity_F * step
    return voltage_V


def test_charging_takes_the_energy_by_the_power() -> None:
    capacitor = Capacitor(100e-6, 50e-6, 3.3)
    energy_J = 100e-6 * (2.2**2 - 1.8**2) / 2
    assert capacitor.time_between(1.8, 2.2, 0.0) == pytest.approx(energy_J / 50e-6, rel=1e-12)


def test_without_power_it_discharges_by_the_charge() -> None:
    capacitor = Capacitor(100e-6, 1e-15, 3.3)
    assert capacitor.time_between(2.2, 1.8, 1e-3) == pytest.approx(100e-6 * 0.4 / 1e-3, rel=1e-6)


@pytest.mark.parametrize("current_A", [0.0, 1e-7, 2.4e-7, 2.6e-7, 1e-5, 1.2e-3])
@pytest.mark.parametrize("begin_V", [1.9, 2.2])
def test_it_does_what_small_steps_do(begin_V: float, current_A: float) -> None:
    """On both sides of the series' limit, up and down."""
    capacitor = Capacitor(100e-6, 50e-6, 100.0)
    for time_s in (0.001, 0.01):
        expected = in_small_steps(capacitor, begin_V, time_s, current_A)
        assert capacitor.after(begin_V, time_s, current_A) == pytest.approx(expected, rel=1e-9)
        if expected != begin_V:
            assert capacitor.time_between(begin_V, expected, current_A) == pytest.approx(time_s, rel=1e-5)


@given(CAPACITORS, VOLTS, VOLTS, CURRENTS)
def test_one_direction_is_never_reached(capacitor: Capacitor, begin_V: float, end_V: float, current_A: float) -> None:
    assume(begin_V != end_V)
    there = capacitor.time_between(begin_V, end_V, current_A)
    rises = capacitor.power_W > current_A * begin_V
    assert there >= 0
    if rises != (end_V > begin_V):
        assert math.isinf(there)


@example(Capacitor(0.0078125, 0.023080879151594763, 100.0), 1.0, 0.09479930369300466, 1.0, 0.5)
@given(CAPACITORS, VOLTS, CURRENTS, st.floats(1e-6, 10), st.floats(0.1, 0.9))
def test_two_times_are_one(capacitor: Capacitor, begin_V: float, current_A: float, time_s: float, share: float) -> None:
    rest_V = capacitor.power_W / current_A if current_A else math.inf
    middle = capacitor.after(begin_V, share * time_s, current_A)
    twice = capacitor.after(middle, (1 - share) * time_s, current_A)
    once = capacitor.after(begin_V, time_s, current_A)
    assert once == pytest.approx(twice, rel=1e-6, abs=1e-9)
    assert min(begin_V, rest_V, 100.0) - 1e-9 <= once <= max(begin_V, min(rest_V, 100.0)) + 1e-9


def test_the_harvester_goes_no_higher() -> None:
    capacitor = Capacitor(100e-6, 1e-2, 2.2)
    assert capacitor.after(1.8, 10.0, 1e-3) == 2.2
    assert capacitor.after(2.2, 10.0, 1e-3) == 2.2
    assert capacitor.after(1.8, 10.0, 5e-3) == pytest.approx(2.0), "where as much is drawn as arrives"
