"""What nodes and hub are modelled to draw: the currents of the board's file times what was spent in each state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hil.board import Board, Current
    from hil.swarm.spent import Spent

_RUN, _SLEEP, _STOP = "run", "sleep", "stop"
_STATES: Final = (_RUN, _SLEEP, _STOP)


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
        """The model of a board, at its clock."""
        chosen = {state: _choose(board, state) for state in _STATES}
        typical: dict[str, float] = {}
        missing = []
        for state, row in chosen.items():
            if row is None:
                missing.append(f"the file of board '{board.name}' has no '{state}' in key 'currents'")
            elif not isinstance(row.typical_uA, float):
                place = board.currents.index(row)
                missing.append(
                    f"key 'currents.{place}.typical_uA' of board '{board.name}' ({state}) is unknown: {row.source}"
                )
            else:
                typical[state] = row.typical_uA
        run = chosen[_RUN]
        supply = run.supply_V if run is not None else None
        if run is not None and not missing and supply is None:
            missing.append(f"key 'currents.{board.currents.index(run)}.supply_V' of board '{board.name}' is not given")
        rows = [row for row in chosen.values() if row is not None]
        other = next((row for row in rows if row.supply_V not in {None, supply}), None)
        if not missing and other is not None:
            key = f"currents.{board.currents.index(other)}.supply_V"
            missing.append(f"key '{key}' of board '{board.name}' is another supply than that of its run current")
        sources = tuple(f"{row.state} {row.typical_uA} uA ({row.source})" for row in rows)
        return cls(typical, supply, sources, "; ".join(missing))

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


def _choose(board: Board, state: str) -> Current | None:
    """The row for a state at the board's clock, a known one before an unknown one."""
    rows = [
        row
        for row in board.currents
        if row.state == state and row.clock_hz in {None, board.clock_hz} and row.memory in {None, board.kernel_memory}
    ]
    return next((row for row in rows if isinstance(row.typical_uA, float)), rows[0] if rows else None)
