"""Which solver computes a network's steps: the one key that chooses it, in case files, model files and options.

``fused`` is ncps' semi-implicit solver, what networks are trained with. The others solve the same differential
equation, cm dv/dt = gleak (vleak - v) + sum of w sigmoid(source) (erev - v); docs/numbers.md, "Solvers", says how.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SolverName = Literal["fused", "euler", "rk4", "adaptive", "exponential"]

EXPLICIT: frozenset[SolverName] = frozenset({"euler", "rk4"})
MAX_UNFOLDS = 32


def unfolds_in_words(unfolds: int) -> str:
    """``1 unfold``, ``6 unfolds``."""
    return f"{unfolds} unfold{'' if unfolds == 1 else 's'}"


class Solver(BaseModel):
    """A solver, its unfolds a step and, for the adaptive one, how near two results must be.

    Written as its name alone, or as ``{method: rk4, unfolds: 8}``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    method: SolverName
    """Which one."""
    unfolds: Annotated[int, Field(ge=1, le=MAX_UNFOLDS, strict=True)] | None = None
    """Sub-steps a step, for the adaptive solver at most; where it is not given, the model's own, or 32."""
    error_bound: Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)] | None = None
    """For the adaptive solver: largest difference of a state to that with half of the unfolds, in a state's unit."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _complete(self) -> Solver:
        if self.method != "adaptive" and self.error_bound is not None:
            raise ValueError(f"error_bound is of the adaptive solver, and {self.method} has none: leave it out")
        if self.method == "adaptive" and self.error_bound is None:
            raise ValueError("the adaptive solver needs an error_bound, as in {method: adaptive, error_bound: 0.01}")
        if self.method == "adaptive" and self.unfolds is not None and self.unfolds not in {2, 4, 8, 16, 32}:
            raise ValueError("the adaptive solver doubles its unfolds, so the most is 2, 4, 8, 16 or 32")
        return self

    def __str__(self) -> str:
        bound = "" if self.error_bound is None else f" to {self.error_bound:g}"
        unfolds = "" if self.unfolds is None else f", {unfolds_in_words(self.unfolds)}{' at most' if bound else ''}"
        return f"{self.method}{bound}{unfolds}"
