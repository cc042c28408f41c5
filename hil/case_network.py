"""The network and the vectors of a case, read from the files that it names, with the solver that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.model import load_model
from hil.vectors import load_vectors
from hil.work import solve_with

if TYPE_CHECKING:
    from pathlib import Path

    from hil.case import Case
    from hil.model import Model
    from hil.vectors import Vectors


def load_network(case: Case, vectors_path: Path) -> tuple[Model, Vectors]:
    """Model and vectors of a case.

    Args:
        case: the case.
        vectors_path: which of its vector files.

    Raises:
        InputError: a file cannot be used, or the solver does not fit the network; it names the case's line.
    """
    with case.naming("model"):
        model = load_model(case.model_path)
    with case.naming("vectors"):
        vectors = load_vectors(vectors_path, model)
    with case.naming("solver" if case.says.solver is not None else "model"):
        return solve_with(case.says.solver, model, vectors)
