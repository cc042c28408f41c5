"""Cycle goldens recorded by a run (``--hil-update-golden``): gathered from its items, shown, then written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hil import __version__
from hil.cycle_golden import Platform, Recording, golden_path, load_golden, save_golden
from hil.cycle_promise import check_budget
from hil.errors import CyclesError, InputError
from hil.report.terminal import table
from hil.step_cycles import Spread

if TYPE_CHECKING:
    from pathlib import Path

    from hil.case import Case
    from hil.result import RunResult

_HEADINGS = ("case", "board", "vectors", "cycles/step before", "now", "max")


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
        """Take the cycles of a run for its golden.

        Raises:
            CyclesError: they are over the budget, or were counted while the device computed something wrong.
            InputError: the golden that is there is damaged.
        """
        if case.says.cycles is None:
            raise InputError(f"case {case.name} promises no cycles, so there is no golden of them")
        measured = check_budget(result, case.says.cycles)
        if not result.bits_equal:
            raise CyclesError(
                f"the cycles of {case.name} are not recorded: the device's bits differ from the exact integer model's"
            )
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

    def lines(self) -> list[str]:
        """A table of what will change: min-median-max of each vectors file, old and new."""
        rows = []
        for (path, platform), fresh in self._fresh.items():
            there = load_golden(path)
            for vectors, now in fresh.recordings.items():
                rows.append([fresh.case.name, platform.board, vectors, *_change(there.find(platform, vectors), now)])
        if not rows:
            return ["no golden recorded: no item of this run promises cycles, measured them and kept its budget"]
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


def _change(old: Recording | None, now: Recording) -> tuple[str, str, str]:
    spread = _spread(now)
    if old is None:
        return "-", str(spread), "new"
    before = _spread(old)
    if old.per_step == now.per_step:
        return str(before), str(spread), "unchanged"
    return str(before), str(spread), f"{(spread.high - before.high) / before.high:+.2%}"


def _spread(recording: Recording) -> Spread:
    return Spread.of(np.concatenate([np.array(row, np.int64) for row in recording.per_step]))
