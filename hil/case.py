"""Case files (``*.hil.yaml``): one network, its vectors, and what is promised about them."""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hil.errors import InputError
from hil.model_arrays import LARGEST
from hil.solver import Solver
from hil.yaml_file import load_yaml_with_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".hil.yaml"

PromiseName = Literal["bits", "outputs", "states", "decisions", "cycles", "current", "energy", "harvest"]


def _number(value: object) -> object:
    """A power of two written as ``2^-10`` in its value; everything else as it is."""
    match = re.fullmatch(r"\s*2\s*(?:\^|\*\*)\s*(-?\d{1,3})\s*", value) if isinstance(value, str) else None
    return math.ldexp(1.0, int(match[1])) if match else value


def _list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Positive = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Limit = Annotated[Positive, BeforeValidator(_number)]

_WEEK_S = 7 * 24 * 3600


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Outputs(_Strict):
    """Outputs against the vectors' expected outputs: largest absolute difference, in the output's own unit."""

    atol: Annotated[Limit, Field(le=LARGEST)]


class Decisions(_Strict):
    """The decision of every labelled sequence: the largest mean output from a step on (counted from 0)."""

    from_step: int = Field(default=10, ge=0, lt=2**31, strict=True)
    equal: Literal["reference"] = "reference"


class States(_Strict):
    """States against the vectors' float64 states: largest error as a share of the state bound, so below 1."""

    max_error: Annotated[Limit, Field(lt=1)] = 2.0**-10


class Cycles(_Strict):
    """Budget of core cycles for the longest step."""

    per_step: Annotated[Positive, Field(le=LARGEST)]


class Current(_Strict):
    """Budget of average supply current in microamperes."""

    average_uA: Annotated[Positive, Field(le=1e9)]  # noqa: N815 - the unit is written as users write it


class Energy(_Strict):
    """Budget of energy in microjoules for a step."""

    per_step_uJ: Annotated[Positive, Field(le=1e9)]  # noqa: N815 - the unit is written as users write it


class Harvest(_Strict):
    """Power that a board lives on, and the inferences that it shall make with it.

    ``power_uW`` charges ``capacitor_uF``; the board has power from ``v_on`` volts on, down to ``v_off``. A checkpoint
    is made every ``checkpoint_steps`` steps. ``hours`` are simulated. Promised are ``inferences_per_hour``, or without
    it as many as the vectors have in the same time: one for each ``elapsed``.
    """

    power_uW: Annotated[Positive, Field(le=1e9)]  # noqa: N815 - the unit is written as users write it
    capacitor_uF: Annotated[Positive, Field(le=1e9)]  # noqa: N815 - the unit is written as users write it
    v_on: Annotated[Positive, Field(le=100)]
    v_off: Annotated[Positive, Field(le=100)]
    checkpoint_steps: int = Field(default=1, ge=1, lt=2**31, strict=True)
    hours: Annotated[Positive, Field(le=24 * 366)] = 0.25
    inferences_per_hour: Positive | None = None

    @model_validator(mode="after")
    def _discharges(self) -> Self:
        if self.v_off >= self.v_on:
            raise ValueError(f"v_off ({self.v_off:g} V) must be below v_on ({self.v_on:g} V)")
        return self


class CaseFile(_Strict):
    """What a case file says.

    ``solver`` takes the place of the model's own: then states are promised against that solver in float64, outputs and
    decisions against the vectors as ever. ``timeout_s`` bounds the device's work on one vector file, in seconds,
    flashing apart.
    """

    model: Annotated[str, Field(min_length=1)]
    vectors: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_list), Field(min_length=1)]
    solver: Solver | None = None
    outputs: Outputs | None = None
    decisions: Decisions | None = None
    states: States | None = None
    cycles: Cycles | None = None
    current: Current | None = None
    energy: Energy | None = None
    harvest: Harvest | None = None
    boards: tuple[str, ...] = ()
    links: tuple[Literal["uart", "spi"], ...] = ()
    timeout_s: Annotated[Positive, Field(le=_WEEK_S)] = 300.0

    @field_validator(
        "solver", "outputs", "decisions", "states", "cycles", "current", "energy", "harvest", mode="before"
    )
    @classmethod
    def _not_empty(cls, value: object) -> object:
        """A promise is made or left out: a key without a value would be a promise that nobody checks."""
        if value is None:
            raise ValueError("is empty, which says nothing: give it a value, or leave the key out")
        return value


@dataclass(frozen=True)
class Case:
    """A case file that was read: where it is, and what it says.

    Attributes:
        path: the case file; the names in it are relative to its folder.
        says: its contents.
        lines: line (from 1) of each of its keys.
    """

    path: Path
    says: CaseFile
    lines: dict[str, int]

    @property
    def name(self) -> str:
        """The file's name without ``.hil.yaml``."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def model_path(self) -> Path:
        """The model's file."""
        return self.path.parent / self.says.model

    @property
    def vector_paths(self) -> tuple[Path, ...]:
        """The vector files, in the order of the case file."""
        return tuple(self.path.parent / name for name in self.says.vectors)

    @contextmanager
    def naming(self, key: Literal["model", "solver", "vectors"]) -> Iterator[None]:
        """For work with a file that the case names: what is wrong with that file says where it is named."""
        try:
            yield
        except InputError as error:
            raise InputError(
                f"case file {self.path}, line {self.lines[key]}, key '{key}': {error.message}",
                cause=error.cause,
                hint=error.hint or "the names of files in a case file are relative to its folder",
            ) from error

    def line_of(self, promise: PromiseName) -> int:
        """The line (from 1) that makes a promise; that of the model for one that every case makes."""
        return self.lines.get(promise, self.lines["model"])

    @property
    def promises_energy(self) -> bool:
        """Whether it promises something that the board's current tells."""
        return self.says.current is not None or self.says.energy is not None

    @property
    def promises(self) -> tuple[PromiseName, ...]:
        """What the case promises; equality with the exact integer model always is."""
        names: tuple[PromiseName, ...] = ("outputs", "states", "decisions", "cycles", "current", "energy", "harvest")
        return ("bits", *(name for name in names if getattr(self.says, name) is not None))


def load_case(path: Path) -> Case:
    """Read and check a case file; the files it names are read when the case runs.

    Raises:
        InputError: naming the file, the line and the key.
    """
    says, lines = load_yaml_with_lines(path, CaseFile, "case file")
    doubled = [name for name in says.vectors if says.vectors.count(name) > 1]
    if doubled:
        raise InputError(f"case file {path}, line {lines['vectors']}, key 'vectors': {doubled[0]} is named twice")
    return Case(path=path, says=says, lines=lines)
