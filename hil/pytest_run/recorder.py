"""Cycle goldens recorded by a run (``--hil-update-golden``): gathered from its items, shown, then written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hil import __version__
from hil.cycle_golden import Platform, Recording, golden_path, load_golden, save_golden
from hil.cycle_promise import check_budget
from hil.errors import CyclesError, HilError, InputError
from hil.promise import judge, not_measured
from hil.report.terminal import table
from hil.step_cycles import Spread

if TYPE_CHECKING:
    from pathlib import Path

    from hil.case import Case
    from hil.result import RunResult
    from hil.step_cycles import Counts

TAKEN = "budget asserted, nothing compared (--hil-update-golden)"
NOTHING = "no golden recorded: no item of this run promises cycles, measured them and kept all that its case promises"
_HEADINGS = ("case", "board", "vectors", "cycles/step before", "now", "change")


@dataclass
class _Fresh:
    """What one case's golden gets on one platform."""

    case: Case
    recordings: dict[str, Recording] = field(default_factory=dict)


class Recorder:
    """Gathers recordings, and writes them when the run has ended."""

    def __init__(self) -> None:
        self._fresh: dict[tuple[Path, Platform], _Fresh] = {}

    def add(self, case: Case, vectors: str, result: RunResult) -> None:
        """Take the cycles of a run for its golden, where everything else that the case promises about the run holds.

        Raises:
            CyclesError: they are over the budget, or another promise is broken or cannot be judged.
            InputError: the golden that is there is damaged.
        """
        if case.says.cycles is None:
            raise InputError(f"case {case.name} promises no cycles, so there is no golden of them")
        measured = check_budget(result, case.says.cycles)
        _check_other_promises(case, vectors, result)
        path, platform = golden_path(case.path), Platform.of(result.provenance)
        load_golden(path)
        now = Recording(
            source=measured.source,
            firmware=result.provenance.firmware,
            image=result.image_digest,
            recorded=dt.datetime.now(tz=dt.UTC).date().isoformat(),
            hil=__version__,
            per_step=tuple(tuple(int(count) for count in row) for row in measured.per_step),
        )
        self._fresh.setdefault((path, platform), _Fresh(case)).recordings[vectors] = now

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        return not self._fresh

    def lines(self) -> list[str]:
        """A table of what will change: min-median-max of each vectors file, old and new."""
        rows = []
        for (path, platform), fresh in self._fresh.items():
            there = load_golden(path)
            for vectors, now in fresh.recordings.items():
                rows.append([fresh.case.name, platform.board, vectors, *_change(there.find(platform, vectors), now)])
        if not rows:
            return [NOTHING]
        return table(_HEADINGS, rows)

    def write(self) -> list[str]:
        """Write every file that changes; returns a line for each.

        Raises:
            InputError: a file cannot be read or written.
        """
        said = []
        for (path, platform), fresh in self._fresh.items():
            there = load_golden(path)
            changed = {
                name: now
                for name, now in fresh.recordings.items()
                if (old := there.find(platform, name)) is None
                or (old.per_step, old.source) != (now.per_step, now.source)
            }
            golden = there.merged(platform, changed, fresh.case.says.vectors)
            if golden != there:
                save_golden(path, golden)
            said.append(f"{path}: {'written' if golden != there else 'unchanged'}")
        return said


def _check_other_promises(case: Case, vectors: str, result: RunResult) -> None:
    """Cycles of a run that gave something wrong may be those of another computation."""
    for promise in case.promises:
        if promise == "cycles" or not_measured(promise, result.provenance.board) is not None:
            continue
        try:
            judge(promise, case.says, result)
        except HilError as error:
            raise CyclesError(
                f"the cycles of {vectors} in case {case.name} are not recorded: its promise '{promise}' does not hold",
                cause=error.message,
                hint="have every other promise about these vectors hold first",
            ) from error


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
