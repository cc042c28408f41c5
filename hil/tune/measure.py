"""What a solver costs on a board, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.case import Decisions
from hil.compare import decisions, largest_error
from hil.errors import CyclesError, InputError
from hil.work import solve_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.dut.dut import Dut
    from hil.model import LtcModel
    from hil.result import RunResult
    from hil.solver import Solver
    from hil.step_cycles import StepCycles
    from hil.vectors import Vectors


@dataclass(frozen=True)
class Row:
    """One solver.

    Attributes:
        solver: which.
        cycles_per_step: mean over every step of all vectors; None where it was refused, as all that follows.
        longest_step: most cycles of one.
        decisions_kept: how many of `decisions` are the reference's own.
        decisions: how many there are.
        max_output_error: largest difference to an expected output, in its unit; None where none is expected.
        keeps: all decisions, and the outputs as near as was asked for.
        source: what counted the cycles.
        where: what computed, and that it was emulated where it was.
        refused: why it cannot run.
    """

    solver: str
    cycles_per_step: float | None = None
    longest_step: int | None = None
    decisions_kept: int | None = None
    decisions: int | None = None
    max_output_error: float | None = None
    keeps: bool = False
    source: str = ""
    where: str = ""
    refused: str = ""


def check_measurable(vectors: Sequence[Vectors], atol: float | None) -> None:
    """Raise InputError where nothing would tell a good solver from a bad one."""
    if atol is not None and any(each.outputs is None for each in vectors):
        lacking = next(each for each in vectors if each.outputs is None)
        raise InputError(f"vectors {lacking.path}, key 'outputs': missing, and --atol is about them")
    if atol is None and not any(each.decides(Decisions().from_step) for each in vectors):
        raise InputError(
            "nothing says which answers must be kept: the vectors have no labels, or too few steps to decide",
            hint="give --atol, how far an expected output may be off",
        )


def measure(dut: Dut, model: LtcModel, vectors: Sequence[Vectors], solver: Solver, atol: float | None) -> Row:
    """Run all vectors with one solver; every bit is held against the exact integer model.

    Raises:
        InputError: the solver cannot run them.
        NumericError: a bit differs.
        CyclesError: nothing counts cycles there.
    """
    results = [dut.run(*solve_with(solver, model, each)) for each in vectors]
    measured = [_measured(result) for result in results]
    steps = np.concatenate([each.per_step.ravel() for each in measured])
    pairs = [_decided(result) for result in results if result.vectors.decides(Decisions().from_step)]
    kept = sum(int((obtained == wanted).sum()) for obtained, wanted in pairs)
    total = sum(len(wanted) for _, wanted in pairs)
    errors = [largest_error(r.outputs, r.vectors.outputs) for r in results if r.vectors.outputs is not None]
    worst = max(errors) if errors else None
    return Row(
        solver=str(solver),
        cycles_per_step=float(steps.mean()),
        longest_step=int(steps.max()),
        decisions_kept=kept,
        decisions=total,
        max_output_error=worst,
        source=measured[0].source,
        where=results[0].provenance.where,
        keeps=kept == total and (atol is None or (worst is not None and worst <= atol)),
    )


def _decided(result: RunResult) -> tuple[np.ndarray, np.ndarray]:
    step = Decisions().from_step
    return decisions(result.outputs, step), decisions(result.reference_outputs, step)


def _measured(result: RunResult) -> StepCycles:
    measured = result.cycles.measured
    if measured is None:
        raise CyclesError(f"nothing counts cycles on board '{result.provenance.board}': {result.cycles.reason}")
    return measured
