"""What a step's energy is modelled as: cycles times what the board's file says its chip draws while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.energy.model import CurrentModel
from hil.energy.steps import run_draw

if TYPE_CHECKING:
    from hil.board import Board


def run_energy(board: Board, cycles: float) -> tuple[float | None, str]:
    """Typical energy of so many cycles in microjoules, and its source; or None, and why there is none.

    Current (A) times time (cycles / clock_hz, s) times the supply (V) at which the data sheet gives the current.
    """
    model = CurrentModel.of(board)
    draw = run_draw(model)
    if draw.typical_A is None or model.supply_V is None:
        return None, f"not modelled: {draw.unknown or model.why_no_supply}"
    place = f"from {board.kernel_memory} at {board.clock_hz / 1e6:g} MHz and {model.supply_V:g} V"
    return (
        draw.typical_A * 1e6 * cycles / board.clock_hz * model.supply_V,
        f"modelled, typical, {draw.typical_A * 1e6:g} uA {place}: {'; '.join(draw.sources)}",
    )
