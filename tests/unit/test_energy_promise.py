"""Budgets and goldens of current and energy, judged: in doubt it is no pass, and what it rests on is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.case import Current, Energy
from hil.energy_golden import EnergyFile, Recording, load_energy
from hil.energy_known import lacking, not_known, owed
from hil.energy_promise import ROUNDING, check_budgets, check_current, check_energy
from hil.errors import CurrentError, InputError
from hil.golden_file import write_golden
from hil.step_energy import NO_AVERAGE, Instrument, Repeats, combined
from hil.verdict import NO_GOLDEN
from tests.energies import STEPS, UNIT, golden_of, measured, modelled, run_with
from tests.results import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hil.result import RunResult
    from hil.step_energy import StepEnergy
    from hil.verdict import Held

CURRENT, ENERGY = Current(average_uA=1100.0), Energy(per_step_uJ=2.0)
CHECKS: dict[str, Callable[..., Held]] = {
    "current": lambda *rest, **more: check_current(rest[0], CURRENT, *rest[1:], **more),
    "energy": lambda *rest, **more: check_energy(rest[0], ENERGY, *rest[1:], **more),
}
BOTH = pytest.mark.parametrize("noun", CHECKS)


def broken(noun: str, result: RunResult, golden: EnergyFile, *, strict: bool = False) -> CurrentError:
    with pytest.raises(CurrentError) as caught:
        CHECKS[noun](result, golden, "v", strict=strict)
    assert caught.value.verdict == "current"
    return caught.value


@BOTH
@pytest.mark.parametrize("found", [modelled(), measured()], ids=["modelled", "measured"])
def test_the_same_holds_and_says_how_it_was_obtained(noun: str, found: StepEnergy) -> None:
    held = CHECKS[noun](run_with(found), golden_of(found), "v", strict=True)
    assert held.words == f"{found.kind}, equal to the golden"
    assert found.source in held.sentence
    assert ("typical, maximum unknown" in held.sentence) == (found.kind == "modelled")
    assert ("±" in held.sentence) == (found.kind == "measured")


def test_a_measured_figure_breaks_keeps_or_leaves_a_budget_open() -> None:
    def judged(average: float, off: float) -> str:
        found = measured(average_uA=average, average_uncertainty_uA=off)
        try:
            check_current(run_with(found), Current(average_uA=1000.0), golden_of(found), "v")
        except CurrentError as error:
            return error.message
        return "kept"

    assert judged(900, 100) == "kept"
    assert "the instrument cannot tell whether the current is within the budget: 900 ± 1e+02" in judged(900, 101)
    assert "cannot tell" in judged(1099, 100)
    assert "the average current is more than promised: 1101 ± 1e+02 µA, budget 1000 µA" in judged(1101, 100)


@given(value=st.floats(0.1, 10), off=st.floats(0, 1), budget=st.floats(0.1, 10), true=st.floats(-1, 1))
def test_whatever_the_true_value_is_a_kept_budget_is_kept(value: float, off: float, budget: float, true: float) -> None:
    found = measured([[value]], uncertainty_uJ=np.array([[off]]))
    try:
        check_budgets(run_with(found), None, Energy(per_step_uJ=budget))
    except CurrentError as error:
        if "cannot tell" not in error.message:
            assert value + true * off > budget
    else:
        assert value + true * off <= budget


def test_the_costliest_step_is_held_against_the_budget_and_placed() -> None:
    found = modelled([[1.0, 2.5, 1.0], [2.1, 1.0, 2.6]])
    message = broken("energy", run_with(found), golden_of(found)).message
    assert "3 of 6 steps take more energy than promised: 2.6 µJ (typical, maximum unknown), at sequence 1, " in message
    assert "budget 2 µJ" in message


def test_a_known_maximum_is_shown_and_one_above_the_budget_is_said() -> None:
    found = modelled(maximum_uJ=2 * np.array(STEPS), maximum_average_uA=950.0)
    held = CHECKS["energy"](run_with(found), golden_of(found), "v")
    assert "1.3 to 2.6 µJ (typical to maximum)" in held.sentence
    assert "typical within the budget of 2 µJ, by the data sheet's maxima above it" in held.sentence
    assert "maxima above" not in CHECKS["current"](run_with(found), golden_of(found), "v").sentence


@pytest.mark.parametrize("share", [2e-3, -2e-3])
def test_a_modelled_figure_equals_its_golden_up_to_the_observed_spread(share: float) -> None:
    now = modelled([[1.0, 1.1, 1.2], [1.0, 1.1 * (1 + share), 1.3]], average_uA=900.0 * (1 + share))
    message = broken("energy", run_with(now), golden_of(modelled())).message
    change = f"1.1 -> {1.1 * (1 + share):.5g} µJ ({share:+.2%})"
    assert f"1 of 6 steps differ, first at sequence 1, step 1: {change}" in message
    assert (
        "other current than the golden\naverage 900" in broken("current", run_with(now), golden_of(modelled())).message
    )
    spread = replace(modelled(), repeats=Repeats(3, 2.1e-3, 1.1e-3))
    for check in CHECKS.values():
        assert "within 0.0021 of it" in check(run_with(now), golden_of(spread), "v").sentence


@pytest.mark.parametrize("share", [0.03, -0.03])
def test_on_one_unit_in_one_range_the_gain_cancels_on_another_it_does_not(share: float) -> None:
    now = measured([[value * (1 + share) for value in row] for row in STEPS], average_uA=900 * (1 + share))
    assert "6 of 6 steps differ" in broken("energy", run_with(now), golden_of(measured())).message
    assert "allowed 0.50%" in broken("current", run_with(now), golden_of(measured())).message
    for other in (Instrument("PPK2", "B2", (3,)), Instrument("PPK2", "A1", (2, 3)), Instrument("PPK2", "", (3,))):
        for check in CHECKS.values():
            assert "within 0.2" in check(run_with(now), golden_of(measured(instrument=other)), "v").sentence
    small = measured(average_uA=900 * 1.003, repeats=Repeats(1, 0.01, 0.002))
    check_current(run_with(small), CURRENT, golden_of(measured()), "v")


def test_a_unit_that_tells_no_serial_number_is_never_taken_for_the_same() -> None:
    unknown = Instrument("LPM01A", "", (0,))
    now = measured(average_uA=930.0, instrument=unknown)
    check_current(run_with(now), CURRENT, golden_of(measured(instrument=unknown)), "v")


@BOTH
@pytest.mark.parametrize(
    ("now", "then", "words"),
    [
        (("ADC", "GPIOA"), ("GPIOA",), "ADC is on now, and not in the golden"),
        (("GPIOA",), ("GPIOA", "TIM2"), "TIM2 is off now, and on in the golden"),
        (("ADC", "TIM2"), (), "ADC, TIM2 are on now, and not in the golden"),
    ],
)
def test_another_peripheral_on_is_broken_though_no_figure_moves(
    noun: str, now: tuple[str, ...], then: tuple[str, ...], words: str
) -> None:
    error = broken(noun, run_with(modelled(without=now)), golden_of(modelled(without=then)))
    assert words in error.message
    assert "recorded 2026-01-02: with the same firmware" in str(error.cause)


@BOTH
def test_what_a_model_leaves_out_is_said(noun: str) -> None:
    found = modelled(without=("ADC", "GPIOA"))
    result = run_with(found)
    assert (
        "without ADC, GPIOA, as nobody could look up what they draw"
        in CHECKS[noun](result, golden_of(found), "v").sentence
    )
    assert lacking(noun, result) == f"{noun} is modelled without ADC, GPIOA, as nobody could look up what they draw"
    assert lacking(noun, run_with(modelled())) is None


@BOTH
def test_a_missing_golden_fails_and_another_compilers_leaves_the_budget(noun: str) -> None:
    assert (
        f"there is no golden of the {noun} of v on microbit" in broken(noun, run_with(modelled()), EnergyFile()).message
    )
    result = run_with(modelled(), provenance=replace(ORIGIN, compiler="gcc 13"))
    held = CHECKS[noun](result, golden_of(modelled([[9.0]])), "v")
    assert held.words == f"modelled, {NO_GOLDEN}"
    assert NO_GOLDEN in broken(noun, result, golden_of(modelled()), strict=True).message


@BOTH
@pytest.mark.parametrize(
    ("golden", "words"),
    [
        (golden_of(measured()), "was measured by 'PPK2 A1', this run modelled by 'model of a data sheet'"),
        (golden_of(modelled(source="another model")), "was modelled by 'another model', this run modelled by"),
        (golden_of(modelled(supply_V=1.8)), "is at a supply of 1.8 V, this run at 3 V"),
        (golden_of(modelled([[1.0, 1.1, 1.2]])), "has 1 sequences of 3 steps, the vectors have 2 of 3"),
    ],
    ids=["kind", "model", "supply", "shape"],
)
def test_what_cannot_be_compared_is_no_pass(noun: str, golden: EnergyFile, words: str) -> None:
    assert words in broken(noun, run_with(modelled()), golden).message


def test_without_a_source_or_an_average_nothing_holds() -> None:
    result = run_with(None, ("no analyzer was named", "silicon"))
    assert not_known("energy", result) == "energy not measured: no analyzer was named; silicon"
    assert "no analyzer was named" in broken("energy", result, golden_of(modelled())).message
    steps_alone = run_with(modelled(average_uA=None))
    assert (
        not_known("current", steps_alone)
        == "current not measured: model of a data sheet tells the energy of steps alone"
    )
    assert not_known("energy", steps_alone) is None
    assert "steps alone" in broken("current", steps_alone, golden_of(modelled())).message
    assert "has no average" in broken("current", run_with(modelled()), golden_of(modelled(average_uA=None))).message


def test_what_a_golden_has_is_owed_by_its_source_alone() -> None:
    """A chip that idles in a state without a current: what was promised is broken, and not left out."""
    idle = NO_AVERAGE + "for 0.3 s sleep at 8 MHz has no current"
    steps_alone = run_with(modelled(average_uA=None, notes=(idle,)))
    error = broken("current", steps_alone, golden_of(modelled()))
    assert (
        "current not measured: for 0.3 s sleep at 8 MHz has no current; the golden of v has an average of 900 µA"
        in (error.message)
    )
    assert "recorded 2026-01-02: with the same firmware" in str(error.cause)
    silent = run_with(None, ("in a step the chip stops",), "model of a data sheet")
    assert "the chip stops; the golden of v has the energy of each step" in (
        broken("energy", silent, golden_of(modelled())).message
    )
    for noun, result in (("current", steps_alone), ("current", silent), ("energy", silent)):
        assert owed(noun, result, golden_of(modelled()), "v") is not None
        for golden in (EnergyFile(), golden_of(modelled(source="PPK2 A1")), golden_of(modelled(average_uA=None))):
            wanted = noun == "energy" and golden.entries and golden.entries[0].vectors["v"].average_uA is None
            assert bool(owed(noun, result, golden, "v")) == bool(wanted)
        assert owed(noun, result, golden_of(modelled()), "w") is None
    nobody = run_with(None, ("no analyzer was named",))
    assert owed("energy", nobody, golden_of(measured()), "v") is None


def test_several_runs_are_their_mean_and_twice_their_spread() -> None:
    runs = [measured([[1.0, 2.0]], average_uA=100.0), measured([[1.02, 2.0]], average_uA=101.0)]
    runs[1] = replace(runs[1], instrument=replace(UNIT, ranges=(4,)), without=("ADC",))
    both = combined(runs)
    assert np.allclose(both.per_step_uJ, [[1.01, 2.0]])
    assert both.average_uA == pytest.approx(100.5)
    assert both.repeats.runs == 2
    assert both.repeats.step == pytest.approx(0.01 + 2 * 0.02 / 1.01)
    assert both.repeats.average == pytest.approx(0.002 + 2 / 100.5)
    assert both.instrument == replace(UNIT, ranges=(3, 4))
    assert both.without == ("ADC",)
    assert combined(runs[:1]) is runs[0]


def test_a_golden_is_read_as_it_was_written_with_one_sequence_a_line(tmp_path: Path) -> None:
    path = tmp_path / "bridge.energy.json"
    assert load_energy(path) == EnergyFile()
    wanted = golden_of(measured([[1.0, 2e-9, -3.5e-12], [123456.7, 5.0, 6.0]]))
    write_golden(path, wanted)
    assert load_energy(path) == wanted
    assert "[1.0,2e-09,-3.5e-12]," in [line.strip() for line in path.read_text().splitlines()]
    path.write_text(path.read_text().replace("hil energy", "hil cycles"))
    with pytest.raises(InputError, match="does not say that its format is 'hil energy'"):
        load_energy(path)


def test_each_link_has_a_golden_of_its_own() -> None:
    over_spi = run_with(modelled(average_uA=950.0), provenance=replace(ORIGIN, link="spi"))
    uart = golden_of(modelled())
    assert "has no current of v over SPI, it has those of v" in broken("current", over_spi, uart).message
    recording = uart.entries[0].vectors["v"].model_copy(update={"average_uA": 950.0})
    both = uart.merged(uart.entries[0].platform, {"v over SPI": recording}, ["v", "v over SPI"])
    for result in (over_spi, run_with(modelled())):
        CHECKS["current"](result, both, "v")


def test_averages_of_other_batches_are_not_compared() -> None:
    result = run_with(measured(batch=16))
    golden = golden_of(measured(batch=8))
    assert "in batches of 8, this run's in batches of 16" in broken("current", result, golden).message
    CHECKS["energy"](result, golden, "v")


@given(value=st.floats(1e-6, 1e6))
def test_what_a_golden_keeps_of_a_figure_is_within_its_rounding(value: float) -> None:
    recording = Recording.of(modelled([[value]]), firmware="", image="", recorded="", hil="")
    assert abs(recording.per_step_uJ[0][0] - value) <= ROUNDING * value
