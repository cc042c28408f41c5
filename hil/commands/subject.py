"""What a command runs: the vectors files of a case, or a model and its vectors."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.case import SUFFIX, load_case
from hil.errors import InputError
from hil.model import load_model
from hil.vectors import load_vectors, name_of
from hil.work import solve_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hil.case import Case
    from hil.model import Model
    from hil.solver import Solver
    from hil.vectors import Vectors


@dataclass(frozen=True)
class Subject:
    """One vectors file and its model.

    Attributes:
        name: of the case, with that of the vectors where it has several; or of the vectors.
        model: the network's file.
        vectors: the vectors' file.
        case: that they are of, if any.
    """

    name: str
    model: Path
    vectors: Path
    case: Case | None = None

    @property
    def cycles_budget(self) -> float | None:
        """The most cycles that a step may take, where that was promised."""
        return self.case.says.cycles.per_step if self.case is not None and self.case.says.cycles else None

    def load(self, solver: Solver | None) -> tuple[Model, Vectors]:
        """Model and vectors.

        Args:
            solver: instead of the case's or the model's own.

        Raises:
            InputError: a file cannot be used.
        """
        with self.case.naming("model") if self.case else nullcontext():
            model = load_model(self.model)
        with self.case.naming("vectors") if self.case else nullcontext():
            vectors = load_vectors(self.vectors, model)
        return solve_with(solver or (self.case.says.solver if self.case else None), model, vectors)


def subjects_of(files: Sequence[Path], command: str) -> list[Subject]:
    """What a command was given: one case file, or a model and its vectors.

    Raises:
        InputError: it was given something else, or the case cannot be read.
    """
    if len(files) == 1 and files[0].name.endswith(SUFFIX):
        case = load_case(files[0])
        several = len(case.vector_paths) > 1
        return [
            Subject(f"{case.name}-{name_of(path)}" if several else case.name, case.model_path, path, case)
            for path in case.vector_paths
        ]
    if len(files) == len(("model", "vectors")) and not any(each.name.endswith(SUFFIX) for each in files):
        return [Subject(name_of(files[1]), files[0], files[1])]
    raise InputError(
        f"'hil {command}' takes one case file, or a model and its vectors",
        hint=f"hil {command} NAME{SUFFIX}, or hil {command} MODEL.npz VECTORS.npz",
    )
