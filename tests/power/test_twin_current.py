"""Simulated analyzers measure what the twin is modelled to draw: a small version of `tests.power.bench_instruments`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.errors import RigError
from hil.power.trace import Gap
from tests.power.bench_instruments import Setting, fits, measured, other_calibration
from tests.power.holding import hold
from tests.power.instruments.desk import (
    JS110,
    JS220,
    LPM01A,
    LPM01A_ASCII,
    OTII_ACE,
    OTII_ARC,
    PPK2,
    PPK2_AMPERE,
)
from tests.power.runs import run_of, steps_by_hand, stops_by_hand

if TYPE_CHECKING:
    from tests.power.instruments.desk import Instrument
    from tests.power.runs import Run

LOW, HIGH, NOISE = Setting("low", -0.98), Setting("high", 0.98), Setting("noise", noise=0.01)


def test_what_the_twin_draws(streamed: Run, stopped: Run) -> None:
    """The streams of bytes between steps are in it, and Stop mode; by the board's file."""
    for run, rest_A in ((streamed, 1e-3), (stopped, 0.35e-6)):
        assert set(run.pieces_A.tolist()) == {rest_A, 1.216e-3}
        assert len(run.windows_s) == 3
        source = run.source()
        for begin_s, end_s in run.windows_s.tolist():
            assert source.average_A(begin_s, end_s) == pytest.approx(1.216e-3)
    assert len(streamed.pieces_A) > 500
    assert len(stopped.pieces_A) < 30


@pytest.mark.parametrize("instrument", [PPK2, PPK2_AMPERE, LPM01A, JS220, OTII_ARC, OTII_ACE], ids=lambda i: i.name)
@pytest.mark.parametrize("setting", [LOW, HIGH], ids=lambda setting: setting.name)
def test_steps_that_are_streamed(streamed: Run, instrument: Instrument, setting: Setting) -> None:
    held = measured(streamed, instrument, setting)
    assert fits(held, setting), held
    assert held.steps == 3
    assert held.whole > 0.7  # it is off by nearly all that it may be
    if instrument.channel:
        assert held.worst_edge <= 1 + 1e-6


@pytest.mark.parametrize("instrument", [PPK2, LPM01A, LPM01A_ASCII, JS110, OTII_ACE], ids=lambda i: i.name)
@pytest.mark.parametrize("setting", [LOW, HIGH, NOISE], ids=lambda setting: setting.name)
def test_steps_between_stops(stopped: Run, instrument: Instrument, setting: Setting) -> None:
    held = measured(stopped, instrument, setting)
    assert fits(held, setting), held
    assert held.steps == 3
    assert (held.switches >= 6) == (instrument is PPK2)


def test_thirty_times_the_current_is_in_other_ranges(stopped: Run) -> None:
    """Also of the Otii, which has two; and with a calibration as another PPK2 has it."""
    for setting in (LOW, Setting("another", device={"calibration": other_calibration(3)})):
        held = measured(stopped.times(30), PPK2, setting)
        assert fits(held, setting), held
    held = measured(stopped.times(30), OTII_ACE, HIGH)
    assert fits(held, HIGH), held
    assert held.switches == 6


@pytest.mark.parametrize("instrument", [PPK2, LPM01A], ids=lambda i: i.name)
def test_a_run_over_and_over(instrument: Instrument) -> None:
    run = stops_by_hand()
    source = run.source(instrument.channel)
    held = hold(instrument.record(source, 2.5 * run.duration_s), instrument, source, least_s=run.least_s)
    assert held.holds, held
    assert held.steps >= 2 * len(run.windows_s)


# What holds a recording must not hold everything.


def test_a_device_that_is_worse_than_it_may_be_fails() -> None:
    for off in (-1.1, 1.5):
        held = measured(steps_by_hand(), PPK2, Setting("worse", off))
        assert not held.holds
        assert held.whole > 1


def test_windows_at_another_place_fail() -> None:
    """Marks that come two samples late."""
    run = steps_by_hand()
    late = replace(run, windows_s=run.windows_s + 2e-5)
    made = PPK2.record(late.source("D0", once=True), run.duration_s)
    held = hold(made, PPK2, run.source("D0", once=True))
    assert not held.holds
    assert held.worst_edge > 1.5


def test_a_window_too_few_fails() -> None:
    run = steps_by_hand()
    made = PPK2.record(run.source("D0", once=True, unseen=frozenset({2})), run.duration_s)
    with pytest.raises(AssertionError, match="4 windows were found, the source has 5"):
        hold(made, PPK2, run.source("D0", once=True))


def test_a_gap_is_no_average() -> None:
    run = steps_by_hand()
    made = PPK2.record(run.source("D0", once=True), run.duration_s)
    with pytest.raises(RigError, match="misses samples"):
        hold(replace(made, gaps=(Gap(0.004, 0.005, "lost"),)), PPK2, run.source("D0", once=True))


def test_the_source_by_hand() -> None:
    run = run_of("by hand", [(1.0, 1e-3, False), (0.5, 3e-3, True), (0.5, 1e-3, False)])
    source = run.source("D1")
    assert [source.current_A(each) for each in (0.0, 0.99, 1.0, 1.49, 1.5, 3.2)] == [1e-3, 1e-3, 3e-3, 3e-3, 1e-3, 3e-3]
    assert [source.mark("D1", each) for each in (0.99, 1.0, 1.49, 1.5, 3.2)] == [False, True, True, False, True]
    assert not source.mark("D0", 1.2)
    assert source.average_A(0.0, 2.0) == pytest.approx(1.5e-3)
    assert source.average_A(1.25, 3.25) == pytest.approx(1.5e-3)
    assert source.average_A(1.0, 2.0) == pytest.approx(2e-3)
    assert source.windows_within(0.5, 3.5).tolist() == [[1.0, 1.5], [3.0, 3.5]]
    once = run.source("D1", once=True)
    assert not once.mark("D1", 3.2)
    assert once.current_A(3.2) == 1e-3
    assert once.average_A(1.0, 3.0) == pytest.approx((0.5 * 3e-3 + 1.5 * 1e-3) / 2)
    assert run.source("D1", over_s=0.5).current_A(0.75) == pytest.approx(2e-3)
    noisy = run.source("D1", noise=0.1)
    assert np.std([noisy.current_A(0.5) for _ in range(500)]) == pytest.approx(1e-4, rel=0.15)


def test_a_wire_by_hand() -> None:
    run = run_of("by hand", [(1.0, 1e-3, False), (0.5, 3e-3, True), (0.5, 1e-3, False)])
    bouncing = run.source("D1", bounces=2, bounce_s=0.1)
    levels = [bouncing.mark("D1", each) for each in (1.05, 1.15, 1.25, 1.35, 1.45)]
    assert levels == [True, False, True, False, True]
    loose = run.source("D1", unseen=frozenset({1}))
    assert [loose.mark("D1", each) for each in (1.2, 3.2, 5.2)] == [True, False, True]
