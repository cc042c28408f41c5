"""The promise of steps on harvested power as a pytest item: it needs no opened board, as it is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.case_network import load_network
from hil.dut.board_check import check_board
from hil.errors import InputError
from hil.harvest.run import make_program, run_harvest, why_not

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.case import Case
    from hil.dut.options import DutOptions
    from hil.harvest.outcome import HarvestRun


def not_simulated(board: Board, options: DutOptions) -> str | None:
    """Why there can be no verdict on a board, or None where there can."""
    backend = "hardware" if options.backend == "auto" and options.probe is not None else options.backend
    return why_not(board, backend)


def simulate_case(case: Case, vectors_path: Path, board: Board, options: DutOptions) -> HarvestRun:
    """What a case promises about harvested power, tried out.

    Raises:
        HilError: where there is no result to judge, or a bit is wrong.
    """
    if case.says.harvest is None:
        raise InputError(f"case {case.name} promises nothing about harvested power")
    check_board(board)
    model, vectors = load_network(case, vectors_path)
    every = case.says.harvest.checkpoint_steps
    program = make_program(model, vectors, board, every, firmware_root=options.firmware_root)
    return run_harvest(program, case.says.harvest)
