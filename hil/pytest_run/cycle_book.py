"""Cycle goldens that a run records."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hil.cycle_golden import Recording, golden_path, load_golden
from hil.pytest_run.book import Book
from hil.step_cycles import Spread

if TYPE_CHECKING:
    from pathlib import Path

    from hil.golden_file import Goldens
    from hil.step_cycles import Counts


class CycleBook(Book[Recording]):
    """See `Book`; the table shows min-median-max of each vectors file."""

    headings: ClassVar = ("case", "board", "vectors", "cycles/step before", "now", "change")

    def path(self, case: Path) -> Path:
        """See `Book`."""
        return golden_path(case)

    def load(self, path: Path) -> Goldens[Recording]:
        """See `Book`."""
        return load_golden(path)

    def is_same(self, old: Recording, now: Recording) -> bool:
        """See `Book`."""
        return (old.per_step, old.source) == (now.per_step, now.source)

    def change(self, old: Recording | None, now: Recording) -> tuple[str, ...]:
        """See `Book`."""
        return _change(old, now)


def _change(old: Recording | None, now: Recording) -> tuple[str, str, str]:
    """Min-median-max before and now, and what became of the steps one by one: most changes leave those three alone."""
    spread = str(_spread(now))
    if old is None:
        return "-", spread, "new"
    return str(_spread(old)), spread, "; ".join(_differences(old, now)) or "unchanged"


def _differences(old: Recording, now: Recording) -> list[str]:
    said = [] if old.source == now.source else [f"counted by {now.source}, before by {old.source}"]
    before, after = ([len(row) for row in each.per_step] for each in (old, now))
    if before != after:
        return [*said, f"{sum(after)} steps in {len(after)} sequences, before {sum(before)} in {len(before)}"]
    then, counts = _flat(old), _flat(now)
    difference = counts - then
    changed = np.flatnonzero(difference)
    if len(changed):
        most = int(np.abs(difference).argmax())
        by, base = int(difference[most]), int(then[most])
        share = f" ({by / base:+.2%})" if base else ""
        sequence, step = divmod(most, before[0]) if len(set(before)) == 1 else (0, most)
        place = f"step {step}" if len(before) == 1 else f"sequence {sequence}, step {step}"
        said.append(f"{len(changed)} of {counts.size} steps, most at {place}: {by:+d}{share}")
    return said


def _flat(recording: Recording) -> Counts:
    return np.concatenate([np.array(row, np.int64) for row in recording.per_step])


def _spread(recording: Recording) -> Spread:
    return Spread.of(_flat(recording))
