"""What a board's file models its chip to draw: which row holds, what is added, what is left out and said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from hil.board import board_names, load_board
from hil.board_currents import Current
from hil.energy.activity import Activity, State
from hil.energy.model import CurrentModel
from tests.energy.small import ADDED, CURRENTS, HZ, RUN, SLEEP, STOP, WAKE, board


def drawn(activity: Activity, from_ram: float = 0.0) -> tuple[float | None, float | None]:
    draw = CurrentModel.of(board()).draw(activity, from_ram)
    return (
        None if draw.typical_A is None else draw.typical_A * 1e6,
        None if draw.maximum_A is None else draw.maximum_A * 1e6,
    )


@pytest.mark.parametrize(
    ("activity", "from_ram", "typical", "maximum"),
    [
        (RUN, 0.0, 1600 + 80 + 80, 2400 + 96 + 90),
        (RUN, 1.0, 800 + 80 + 80, 960 + 96 + 90),
        (RUN, 0.25, 1400 + 160, 2040 + 186),
        (replace(RUN, clock_hz=2 * HZ), 0.0, 3200 + 160 + 80, 4800 + 192 + 90),
        (SLEEP, 0.0, 400 + 80, 500 + 96),
        (STOP, 0.0, 1.0, 2.0),
        (replace(STOP, peripherals=frozenset({"RTC"})), 0.0, 1.5, 3.0),
        (WAKE, 0.0, 1600 + 160, 2400 + 186),
    ],
)
def test_a_state_draws_what_its_row_says_and_what_is_on_adds_to_it(
    activity: Activity, from_ram: float, typical: float, maximum: float
) -> None:
    assert drawn(activity, from_ram) == (pytest.approx(typical), pytest.approx(maximum))
    draw = CurrentModel.of(board()).draw(activity, from_ram)
    assert (draw.without, draw.unknown) == ((), "")


def test_no_row_is_taken_for_another_clock() -> None:
    draw = CurrentModel.of(board()).draw(replace(SLEEP, clock_hz=2 * HZ))
    assert draw.typical_A is None
    assert draw.maximum_A is None
    assert draw.unknown == "the file of board 'nucleo-l031' has no 'sleep' at 32 MHz in key 'currents'"


def test_a_row_of_a_voltage_range_holds_there_alone() -> None:
    rows = [{**row, "voltage_range": 2} if row["state"] == "run" else row for row in CURRENTS]
    model = CurrentModel.of(board(rows))
    assert "has no 'run' at 16 MHz" in model.draw(RUN).unknown
    assert model.draw(replace(RUN, voltage_range=2)).typical_A == pytest.approx(1680e-6)
    assert model.draw(replace(RUN, voltage_range=2)).without == ("USART2",), "its row is for range 1"


def test_what_is_on_and_not_known_is_named() -> None:
    more = replace(RUN, peripherals=frozenset({"USART2", "ADC1", "TIM2"}), oscillators=frozenset({"HSI16", "LSI"}))
    tim2 = {"name": "TIM2", "typical_uA": "unknown", "maximum_uA": "unknown"}
    draw = CurrentModel.of(board(added=[*ADDED, tim2])).draw(more)
    assert draw.without == ("ADC1", "LSI", "TIM2")
    assert draw.typical_A == pytest.approx(1760e-6)


def test_without_one_maximum_there_is_none() -> None:
    added = [{**ADDED[0], "maximum_uA_per_MHz": "unknown"}, ADDED[1]]
    draw = CurrentModel.of(board(added=added)).draw(RUN)
    assert draw.maximum_A is None
    assert draw.typical_A == pytest.approx(1760e-6)


def test_an_unknown_current_is_none_and_names_its_key() -> None:
    rows = [{**CURRENTS[0], "typical_uA_per_MHz": "unknown"}, *CURRENTS[1:]]
    model = CurrentModel.of(board(rows))
    said = "key 'currents.0.typical_uA_per_MHz' of board 'nucleo-l031' (run) is unknown: invented 0"
    assert model.draw(RUN).unknown == said
    assert model.draw(RUN, 0.5).unknown == said, "and half of it is none either"
    assert model.draw(RUN, 1.0).typical_A == pytest.approx(960e-6)


def test_a_known_row_comes_before_an_unknown_one_and_a_closer_one_before_others() -> None:
    unknown = {**CURRENTS[0], "clock_hz": HZ, "typical_uA_per_MHz": "unknown"}
    closer: dict[str, Any] = {"state": "run", "clock_hz": HZ, "typical_uA": 7.0, "maximum_uA": 8.0, "memory": "flash"}
    assert CurrentModel.of(board([unknown, *CURRENTS])).draw(RUN).typical_A == pytest.approx(1760e-6)
    assert CurrentModel.of(board([*CURRENTS, closer])).draw(RUN).typical_A == pytest.approx(167e-6)


def test_another_supply_is_said() -> None:
    rows = [*CURRENTS[:2], {**CURRENTS[2], "supply_V": 3.0}, *CURRENTS[3:]]
    model = CurrentModel.of(board(rows))
    assert model.supply_V == 2.0
    assert model.draw(SLEEP).unknown == (
        "key 'currents.2.supply_V' of board 'nucleo-l031' is another supply than the 2 V of others"
    )


def test_why_there_is_no_supply() -> None:
    rows = [{key: value for key, value in row.items() if key != "supply_V"} for row in CURRENTS]
    assert "says at which supply its currents hold" in CurrentModel.of(board(rows)).why_no_supply
    assert CurrentModel.of(board([])).why_no_supply == "the file of board 'nucleo-l031' has no 'currents'"
    assert not CurrentModel.of(board()).why_no_supply


def test_sources_name_each_row() -> None:
    assert CurrentModel.of(board()).draw(RUN, 0.5).sources == (
        "run 100 uA/MHz (invented 0)",
        "HSI16 80 uA (invented)",
        "USART2 5 uA/MHz (invented)",
        "run 50 uA/MHz (invented 1)",
    )


@pytest.mark.parametrize("name", board_names())
def test_every_shipped_board_has_a_model_and_says_what_it_does_not_know(name: str) -> None:
    each = load_board(name)
    model = CurrentModel.of(each)
    for state in State:
        draw = model.draw(Activity(state, 0 if state in {State.STOP, State.STANDBY} else each.clock_hz))
        assert bool(draw.unknown) == (draw.typical_A is None)
        assert bool(draw.sources) == (draw.typical_A is not None)
        if draw.typical_A is not None:
            assert model.supply_V is not None


@pytest.mark.parametrize(
    "figures",
    [
        {"maximum_uA": 1.0},
        {"typical_uA": 1.0},
        {"typical_uA": 1.0, "typical_uA_per_MHz": 1.0, "maximum_uA": 1.0},
        {"typical_uA": 1.0, "maximum_uA": 1.0, "maximum_uA_per_MHz": "unknown"},
    ],
)
def test_a_row_has_each_figure_once(figures: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs one of"):
        Current(state="run", source="invented", **figures)


@pytest.mark.parametrize("unit", ["uA", "uA_per_MHz"])
def test_no_maximum_is_below_the_typical(unit: str) -> None:
    with pytest.raises(ValidationError, match=rf"maximum_{unit} \(70\) is below typical_{unit} \(76\)"):
        Current.model_validate({"state": "run", "source": "invented", f"typical_{unit}": 76.0, f"maximum_{unit}": 70.0})


def test_standby_is_a_state_without_clock() -> None:
    model = CurrentModel.of(load_board("nucleo-l031"))
    assert model.draw(Activity(State.STANDBY, 0)).typical_A == pytest.approx(0.23e-6)


@pytest.mark.parametrize(("unit", "most"), [("uA", 1e9), ("uA_per_MHz", 1e6)])
@pytest.mark.parametrize("which", ["typical", "maximum"])
def test_a_current_that_no_chip_draws_is_refused(unit: str, most: float, which: str) -> None:
    row = {"state": "run", "source": "invented", f"typical_{unit}": "unknown", f"maximum_{unit}": "unknown"}
    Current.model_validate({**row, f"{which}_{unit}": most})
    for wrong in (1.001 * most, 1e300):
        with pytest.raises(ValidationError, match=rf"{which}_{unit}"):
            Current.model_validate({**row, f"{which}_{unit}": wrong})
