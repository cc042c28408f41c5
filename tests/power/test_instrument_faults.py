"""Faults while steps are measured: said or harmless, and never a wrong number, but for what a protocol cannot tell.

Some of what `tests.power.bench_instrument_faults` has, on steps made by hand.
"""

from __future__ import annotations

import pytest

from tests.power.faulting import Came, Fault, come_of
from tests.power.faults import NO_FAULT, joulescope_faults, lpm01a_faults, otii_faults, places, ppk2_faults
from tests.power.instruments.desk import ALL, LPM01A, LPM01A_ASCII, PPK2
from tests.power.runs import steps_by_hand, stops_by_hand

STEPS, STOPS = steps_by_hand(3), stops_by_hand(3)
FAULTS = [
    *((each, STEPS) for each in ppk2_faults(STEPS)),
    *((each, STOPS) for each in lpm01a_faults(LPM01A, STOPS)),
    *((each, STOPS) for each in lpm01a_faults(LPM01A_ASCII, STOPS)),
    *((each, STEPS) for each in joulescope_faults(STEPS)),
    *((each, STEPS) for each in otii_faults(STEPS)),
]
CAN_BE_TOLD = [(fault, run) for fault, run in FAULTS if not fault.untold and not fault.stops and fault.name != NO_FAULT]
QUICK = CAN_BE_TOLD[::6]
MUST_BE_SAID = {
    "5 samples lost in a step", "3000 samples lost in a step", "150 samples lost in a step",
    "1 bytes lost in a step", "its buffer is full", "current beyond its range", "current beyond its highest range",
    "stuck in its lowest range", "0.64 s held back and lost in a step", "the mark's wire loose",
    "the mark's wire loose in step 1", "the mark's wire bounces 1 times for 1.5 samples", "3 samples lost",
    "1 ms of current lost in ms 9", "1 ms of levels lost in ms 9",
}  # fmt: skip


def _named(value: object) -> str:
    return f"{value.instrument.name}: {value.name}" if isinstance(value, Fault) else ""


@pytest.mark.parametrize("instrument", ALL, ids=lambda i: i.name)
def test_without_a_fault_all_numbers_are_right(instrument: object) -> None:
    outcome = come_of(Fault(NO_FAULT, instrument), STOPS if instrument is LPM01A_ASCII else STEPS)  # type: ignore[arg-type]
    assert outcome.came is Came.HARMLESS, outcome
    assert outcome.averages == 8  # of the whole and of three steps: averages and charges


@pytest.mark.parametrize(("fault", "run"), QUICK, ids=_named)
def test_no_fault_gives_a_wrong_number(fault: Fault, run: object) -> None:
    outcome = come_of(fault, run)  # type: ignore[arg-type]
    assert outcome.came is not Came.WRONG, outcome


@pytest.mark.parametrize(("fault", "run"), [each for each in CAN_BE_TOLD if each[0].name in MUST_BE_SAID], ids=_named)
def test_what_spoils_numbers_is_said(fault: Fault, run: object) -> None:
    outcome = come_of(fault, run)  # type: ignore[arg-type]
    assert outcome.came is Came.SAID, outcome
    assert outcome.words


def test_an_instrument_that_goes_away_is_said() -> None:
    outcome = come_of(Fault("unplugged", PPK2, {"unplug_after": 2000}, stops=True), STEPS)
    assert outcome.came is Came.SAID
    assert "stopped after" in outcome.words


def test_an_instrument_that_falls_silent_for_less_than_its_clock_tells_lacks_windows() -> None:
    outcome = come_of(Fault("silent", LPM01A, {"silent_after": 1200}, stops=True), STEPS)
    assert outcome.came is Came.SAID
    assert "1 times from begin to end" in outcome.words
    assert "not 3" in outcome.words


@pytest.mark.parametrize("missing", [64, 128])
def test_64_samples_of_a_ppk2_are_told_by_the_cycles_of_the_step_alone(missing: int) -> None:
    """As its counter has six bits. Once it is told without, this fails, and the words on it in power.md are to go."""
    lost = {"lost": {places(STEPS, PPK2)["in a step"]: missing}}
    assert "lost samples without a word" in come_of(Fault("lost", PPK2, lost), STEPS).words
    assert come_of(Fault("lost", PPK2, lost, counted=False), STEPS).came is Came.WRONG
    one_less = {"lost": dict.fromkeys(lost["lost"], missing - 1)}
    assert come_of(Fault("lost", PPK2, one_less, counted=False), STEPS).came is Came.SAID


def test_an_lpm01a_cannot_tell_one_millisecond() -> None:
    number = places(STOPS, LPM01A)["in a step"]
    lost = {missing: {"lost": {number: missing}, "stamp_s": 0.002} for missing in (100, 400)}
    assert come_of(Fault("lost", LPM01A, lost[100]), STOPS).came is Came.WRONG
    assert come_of(Fault("lost", LPM01A, lost[400]), STOPS).came is Came.SAID
