"""A board whose currents are invented for tests, and spans made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hil.board import Board, load_board
from hil.board_currents import Current, PeripheralCurrent
from hil.energy.activity import Activity, Span, State

if TYPE_CHECKING:
    from collections.abc import Iterable

HZ = 16_000_000
RUN = Activity(State.RUN, HZ, 1, frozenset({"USART2"}), frozenset({"HSI16"}))
SLEEP = Activity(State.SLEEP, HZ, 1, frozenset({"USART2"}), frozenset({"HSI16"}))
STOP = Activity(State.STOP, 0, 1)
WAKE = Activity(State.WAKE, HZ, 1, frozenset({"USART2"}), frozenset({"HSI16"}))

CURRENTS: list[dict[str, Any]] = [
    {"state": "run", "memory": "flash", "typical_uA_per_MHz": 100.0, "maximum_uA_per_MHz": 150.0, "supply_V": 2.0},
    {"state": "run", "memory": "ram", "typical_uA_per_MHz": 50.0, "maximum_uA_per_MHz": 60.0},
    {"state": "sleep", "clock_hz": HZ, "includes": ["HSI16"], "typical_uA": 400.0, "maximum_uA": 500.0},
    {"state": "stop", "typical_uA": 1.0, "maximum_uA": 2.0},
    {"state": "stop", "includes": ["RTC"], "typical_uA": 1.5, "maximum_uA": 3.0},
]
ADDED: list[dict[str, Any]] = [
    {"name": "USART2", "voltage_range": 1, "typical_uA_per_MHz": 5.0, "maximum_uA_per_MHz": 6.0},
    {"name": "HSI16", "typical_uA": 80.0, "maximum_uA": 90.0},
]


def board(currents: list[dict[str, Any]] = CURRENTS, added: list[dict[str, Any]] = ADDED) -> Board:
    """A nucleo-l031 with invented currents."""
    return load_board("nucleo-l031").model_copy(
        update={
            "currents": tuple(Current(source=f"invented {n}", **row) for n, row in enumerate(currents)),
            "peripheral_currents": tuple(PeripheralCurrent(source="invented", **row) for row in added),
        }
    )


def spans(*parts: tuple[float, Activity, float, bool], begin_s: float = 0.5) -> Iterable[Span]:
    """Spans by duration in s, activity, share from RAM, and marker."""
    for duration_s, activity, from_ram, marker in parts:
        yield Span(begin_s, begin_s + duration_s, activity, from_ram, marker)
        begin_s += duration_s
