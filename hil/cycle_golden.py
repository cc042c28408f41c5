"""Recorded cycles of a case's steps (``NAME.cycles.json``): read, looked up by what ran, merged and written.

Cycles depend on the board, its core, the compiler with its flags, and on whether silicon or an emulator ran, so each
combination has a golden of its own. A golden holds every step of every sequence, one sequence a line, so that a change
shows in a diff where it happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hil import golden_file
from hil.golden_file import Platform, Strict, golden_beside, read_golden

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Entry", "GoldenFile", "Platform", "Recording", "golden_path", "load_golden"]

SUFFIX = ".cycles.json"

Count = Annotated[int, Field(ge=0, lt=2**53, strict=True)]  # as far as every JSON reader is exact
Sequence = Annotated[tuple[Count, ...], Field(min_length=1)]


class Recording(Strict):
    """The cycles of one vectors file, and where they come from."""

    source: str
    firmware: str
    image: str
    recorded: str
    hil: str
    per_step: Annotated[tuple[Sequence, ...], Field(min_length=1)]


Entry = golden_file.Entry[Recording]


class GoldenFile(golden_file.Goldens[Recording]):
    """Everything that was recorded for one case."""

    format: Literal["hil cycles"] = "hil cycles"
    version: Literal[1] = 1


def golden_path(case: Path) -> Path:
    """Where the golden of a case file is: beside it."""
    return golden_beside(case, SUFFIX)


def load_golden(path: Path) -> GoldenFile:
    """Read a golden file; an absent one is empty.

    Raises:
        InputError: it is damaged, ambiguous, or of another version.
    """
    return read_golden(path, GoldenFile)
