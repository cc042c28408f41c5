"""The solver as the command line says it: ``--solver``, ``--unfolds``, ``--error-bound``."""

from __future__ import annotations

from typing import get_args

from pydantic import ValidationError

from hil.errors import InputError
from hil.nearest import offer
from hil.solver import Solver, SolverName


def chosen_solver(method: str | None, unfolds: int | None, error_bound: float | None) -> Solver | None:
    """The solver that was asked for, or None for the model's own.

    Raises:
        InputError: naming the option, for one that does not exist or does not fit the others.
    """
    if method is None and error_bound is None and unfolds is None:
        return None
    if method is None:
        lone = "--unfolds" if error_bound is None else "--error-bound"
        raise InputError(f"{lone} goes with --solver, which says whose it is", hint="e.g. --solver fused --unfolds 3")
    said = {"method": method, "unfolds": unfolds, "error_bound": error_bound}
    try:
        return Solver.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        option = f"--{first['loc'][0] if first['loc'] else 'solver'}".replace("_", "-").replace("--method", "--solver")
        problem = first["msg"].removeprefix("Value error, ").lower()
        hint = offer(method, get_args(SolverName), "solvers") if option == "--solver" else None
        raise InputError(f"{option}: {problem}", hint=hint) from error
