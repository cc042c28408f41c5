"""What a step's energy is modelled as: cycles times what the board's file says its chip draws while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.board import Board


def run_energy(board: Board, cycles: float) -> tuple[float | None, str]:
    """Typical energy of so many cycles in microjoules, and its source; or None, and why there is none.

    Current (uA) times time (cycles / clock_hz, s) times the supply (V) at which the data sheet gives the current.
    """
    rows = [
        each
        for each in board.currents
        if each.state == "run" and each.clock_hz == board.clock_hz and each.memory in {None, board.kernel_memory}
    ]
    place = f"from {board.kernel_memory} at {board.clock_hz / 1e6:g} MHz"
    if not rows:
        return None, f"not modelled: the file of board '{board.name}' has no run current {place} under 'currents'"
    row = rows[0]
    if not isinstance(row.typical_uA, float) or row.supply_V is None:
        what = "typical run current" if not isinstance(row.typical_uA, float) else "supply of the run current"
        return None, f"not modelled: the {what} of board '{board.name}' {place} is unknown ({row.source})"
    return (
        row.typical_uA * cycles / board.clock_hz * row.supply_V,
        f"modelled, typical, {row.typical_uA:g} uA {place} and {row.supply_V:g} V: {row.source}",
    )
