"""What nodes and hub are modelled to draw: the currents of the board's file times what was spent in each state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.energy.activity import Activity, State
from hil.energy.model import CurrentModel
from hil.energy.steps import run_draw

if TYPE_CHECKING:
    from hil.board import Board
    from hil.swarm.spent import Spent

_RUN, _SLEEP, _STOP = "run", "sleep", "stop"


@dataclass(frozen=True)
class EnergyModel:
    """Currents of a board's states, or why there is no model.

    Attributes:
        typical_uA: by state, in microamperes.
        supply_V: in volts.
        sources: of each, for people.
        missing: what is not known, naming the key; empty where all is.
    """

    typical_uA: dict[str, float]  # noqa: N815 # the unit
    supply_V: float | None  # noqa: N815 # the unit
    sources: tuple[str, ...]
    missing: str

    @classmethod
    def of(cls, board: Board) -> EnergyModel:
        """The model of a board, at its clock, with its peripherals and the oscillator for its timer left out."""
        model = CurrentModel.of(board)
        from_ram = float(board.kernel_memory == "ram")
        draws = {
            _RUN: run_draw(model),
            _SLEEP: model.draw(Activity(State.SLEEP, board.clock_hz), from_ram),
            _STOP: model.draw(Activity(State.STOP, 0), from_ram),
        }
        missing = [draw.unknown for draw in draws.values() if draw.unknown]
        return cls(
            {state: draw.typical_A * 1e6 for state, draw in draws.items() if draw.typical_A is not None},
            model.supply_V,
            tuple(source for draw in draws.values() for source in draw.sources),
            "; ".join(missing or ([model.why_no_supply] if model.supply_V is None else [])),
        )

    def energy_mJ(self, spent: Spent | None) -> float | None:  # noqa: N802 # the unit
        """Of what was spent, in millijoules; None where it is not known or not modelled."""
        if spent is None or self.missing or self.supply_V is None:
            return None
        charge = (
            self.typical_uA[_RUN] * spent.awake_s
            + self.typical_uA[_SLEEP] * spent.asleep_s
            + self.typical_uA[_STOP] * spent.stopped_s
        )
        return charge * self.supply_V / 1e3
