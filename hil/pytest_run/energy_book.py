"""Goldens of current and energy that a run records."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hil.energy_golden import Recording, energy_path, load_energy, recording_name
from hil.pytest_run.book import Book

if TYPE_CHECKING:
    from pathlib import Path

    from hil.golden_file import Goldens

_PROVENANCE = {"firmware", "image", "recorded", "hil", "rests_on"}


class EnergyBook(Book[Recording]):
    """See `Book`; the table shows the average current and the costliest step of each vectors file."""

    headings: ClassVar = ("case", "board", "vectors", "µA, µJ/step before", "now", "kind", "runs apart by", "without")

    def path(self, case: Path) -> Path:
        """See `Book`."""
        return energy_path(case)

    def name(self, vectors: str, link: str) -> str:
        """See `Book`."""
        return recording_name(vectors, link)

    def load(self, path: Path) -> Goldens[Recording]:
        """See `Book`."""
        return load_energy(path)

    def is_same(self, old: Recording, now: Recording) -> bool:
        """See `Book`."""
        return old.model_dump(exclude=_PROVENANCE) == now.model_dump(exclude=_PROVENANCE)

    def change(self, old: Recording | None, now: Recording) -> tuple[str, ...]:
        """See `Book`."""
        apart = f"{now.average_repeats:.2g}, {now.step_repeats:.2g} in {now.runs}"
        return "-" if old is None else _figures(old), _figures(now), now.kind, apart, ", ".join(now.without) or "-"


def _figures(recording: Recording) -> str:
    average = "-" if recording.average_uA is None else f"{recording.average_uA:.4g}"
    return f"{average}, {max(value for row in recording.per_step_uJ for value in row):.4g}"
