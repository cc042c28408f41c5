"""What a board's chip is modelled to draw: the rows of its data sheet, as the board's file has them; no guess.

A row holds where its state is the core's, and each condition that it has (clock, voltage range, memory, what it
includes) is met. Nothing is interpolated: a row for one clock says nothing about another; one per MHz holds at all of
its voltage range. Of several that hold, those with a known current come first, then the one with the most conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from hil.energy.activity import Activity, State
from hil.energy.draw import Draw

if TYPE_CHECKING:
    from hil.board import Board
    from hil.board_currents import Current

Place = Literal["flash", "ram"]

AS_RUN: Final = "waking up is modelled to draw what running does, which no page says"
"""What is assumed of `State.WAKE`."""


@dataclass(frozen=True)
class CurrentModel:
    """The currents of one board. Pure, but for its memory of what it was asked before.

    Attributes:
        board: whose file has them.
        supply_V: at which supply they hold, in V; None where the file does not say.
    """

    board: Board
    supply_V: float | None
    _drawn: dict[tuple[Activity, Place], Draw] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, board: Board) -> CurrentModel:
        """The model of a board."""
        given = (row.supply_V for row in board.currents if row.supply_V is not None and _known(row))
        return cls(board, next(given, None))

    @property
    def why_no_supply(self) -> str:
        """Why ``supply_V`` is None, in words; empty where it is not."""
        if self.supply_V is not None:
            return ""
        if not self.board.currents:
            return f"the file of board '{self.board.name}' has no 'currents'"
        return f"no key 'currents.….supply_V' of board '{self.board.name}' says at which supply its currents hold"

    def draw(self, activity: Activity, from_ram: float = 0.0) -> Draw:
        """What the chip draws in an activity.

        Args:
            activity: the chip's.
            from_ram: share of the executed cycles that come from RAM, 0 to 1.
        """
        if from_ram <= 0:
            return self._from(activity, "flash")
        if from_ram >= 1:
            return self._from(activity, "ram")
        return _mixed(self._from(activity, "flash"), self._from(activity, "ram"), from_ram)

    def _from(self, activity: Activity, memory: Place) -> Draw:
        key = activity, memory
        if key not in self._drawn:
            self._drawn[key] = self._look_up(activity, memory)
        return self._drawn[key]

    def _look_up(self, activity: Activity, memory: Place) -> Draw:
        row = self._choose(activity, memory)
        if isinstance(row, str):
            return Draw(None, None, unknown=row)
        typical = row.typical_at(activity.clock_hz)
        maximum = row.maximum_at(activity.clock_hz)
        sources = [f"{row.state} {row.typical_words} ({row.source})"]
        without = []
        for name in sorted((activity.peripherals | activity.oscillators) - set(row.includes)):
            more = [
                each
                for each in self.board.peripheral_currents
                if each.name == name and each.voltage_range in {None, activity.voltage_range}
            ]
            adds = next((each for each in more if each.typical_at(0) is not None), None)
            if adds is None or typical is None:
                without.append(name)
                continue
            typical += adds.typical_at(activity.clock_hz) or 0.0
            highest = adds.maximum_at(activity.clock_hz)
            maximum = None if maximum is None or highest is None else maximum + highest
            sources.append(f"{name} {adds.typical_words} ({adds.source})")
        return Draw(_in_A(typical), _in_A(maximum), without=tuple(without), sources=tuple(sources))

    def _choose(self, activity: Activity, memory: Place) -> Current | str:
        """The row for an activity, or why there is none."""
        name = self.board.name
        state = State.RUN if activity.state is State.WAKE else activity.state
        on = activity.peripherals | activity.oscillators
        rows = [
            row
            for row in self.board.currents
            if row.state == state.value
            and row.clock_hz in {None, activity.clock_hz}
            and row.voltage_range in {None, activity.voltage_range}
            and row.memory in {None, memory}
            and on.issuperset(row.includes)
        ]
        if not rows:
            return f"the file of board '{name}' has no '{state}'{_at(activity)} in key 'currents'"
        row = max(rows, key=lambda each: (_known(each), _conditions(each)))
        place = f"currents.{self.board.currents.index(row)}"
        if not _known(row):
            return f"key '{place}.{row.typical_key}' of board '{name}' ({state}) is unknown: {row.source}"
        if row.supply_V not in {None, self.supply_V}:
            return f"key '{place}.supply_V' of board '{name}' is another supply than the {self.supply_V:g} V of others"
        return row


def _known(row: Current) -> bool:
    return row.typical_at(0) is not None


def _conditions(row: Current) -> int:
    """How many a row has."""
    return sum(each is not None for each in (row.clock_hz, row.voltage_range, row.memory)) + len(row.includes)


def _at(activity: Activity) -> str:
    return f" at {activity.clock_hz / 1e6:g} MHz" if activity.clock_hz else ""


def _in_A(current_uA: float | None) -> float | None:
    return None if current_uA is None else current_uA / 1e6


def _mixed(flash: Draw, ram: Draw, from_ram: float) -> Draw:
    """Of code that runs from both."""
    if flash.typical_A is None or ram.typical_A is None:
        return flash if flash.typical_A is None else ram
    return Draw(
        flash.typical_A + from_ram * (ram.typical_A - flash.typical_A),
        None
        if flash.maximum_A is None or ram.maximum_A is None
        else flash.maximum_A + from_ram * (ram.maximum_A - flash.maximum_A),
        without=tuple(sorted({*flash.without, *ram.without})),
        sources=tuple(dict.fromkeys((*flash.sources, *ram.sources))),
    )
