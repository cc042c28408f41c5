"""The settings that are tried: the network's own, and of every solver what could be cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.convert import convert
from hil.errors import InputError
from hil.golden.integer import explicit_takes
from hil.solver import MAX_UNFOLDS, Solver, SolverName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.model import LtcModel

_FEW = (1, 2, 3, 4)
_BOUNDS = (0.1, 0.03, 0.01)  # of the adaptive solver, as a share of the state's bound


@dataclass(frozen=True)
class Candidate:
    """A solver to be tried, or why it cannot be."""

    solver: Solver
    refused: str = ""


def candidates(model: LtcModel, longest: float) -> list[Candidate]:
    """Settings to try, the network's own first.

    Args:
        model: the network.
        longest: the longest elapsed time that its vectors have.
    """
    own = Solver(method=model.solver, unfolds=model.unfolds, error_bound=model.error_bound or None)
    fewer = [n for n in (*_FEW, model.unfolds) if n <= model.unfolds]
    found = [own]
    found += [Solver(method="fused", unfolds=n) for n in fewer]
    found += [Solver(method="exponential", unfolds=n) for n in fewer]
    adaptive = [float(f"{share * model.potential_bound:.2g}") for share in _BOUNDS if model.potential_bound > 0]
    found += [Solver(method="adaptive", error_bound=bound) for bound in adaptive]
    explicit: Sequence[SolverName] = ("euler", "rk4")
    stable = [_explicit(model, name, longest) for name in explicit]
    return list(dict.fromkeys([*map(Candidate, found), *stable]))


def _explicit(model: LtcModel, method: SolverName, longest: float) -> Candidate:
    """An explicit solver with the least unfolds that take the longest step."""
    for unfolds in range(1, MAX_UNFOLDS + 1):
        solver = Solver(method=method, unfolds=unfolds)
        try:
            converted = convert(model.solved_by(solver))
        except InputError as error:
            return Candidate(Solver(method=method), error.message.removeprefix(f"model '{model.name}': "))
        ticks = int(converted.quantise_elapsed(np.array([longest]))[0])
        if explicit_takes(converted.image, ticks):
            return Candidate(solver)
    return Candidate(
        Solver(method=method), f"not stable with {MAX_UNFOLDS} unfolds either, at an elapsed time of {longest:g}"
    )
