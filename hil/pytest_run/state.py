"""What one pytest run keeps: its options, its DUTs and the outcomes so far, under one stash key."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from hil.dut.bench import Bench
from hil.errors import HilError
from hil.pytest_run.recorder import RECORDED_RUNS, Recorder
from hil.report.properties import run_properties, size_properties
from hil.report.spelling import as_in_pytest
from hil.report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.pytest_run.options import Options
    from hil.result import RunResult


class State:
    """The state of one pytest run.

    Args:
        options: as given.
        tell: shows a sentence while a test waits.

    Attributes:
        options: as given.
        bench: the DUTs.
        tally: the outcomes so far.
        recorder: gathers goldens, where they are to be recorded.
        told: names of the runs whose details went into a report.
        end: what lasts until pytest has cleaned up.
    """

    def __init__(self, options: Options, tell: Callable[[str], None] = lambda _: None) -> None:
        self.options = options
        runs = RECORDED_RUNS if options.update_golden else 1
        self.bench = Bench(options.dut, boards=options.boards, tell=tell, energy_runs=runs)
        self.tally = Tally()
        self.recorder = Recorder() if options.update_golden else None
        self.told: set[str] = set()
        self.end = ExitStack()
        self._announced = False

    def announce(self) -> list[str]:
        """Lines that say what the run is made with, one a board, once; builds the firmware."""
        if self._announced:
            return []
        self._announced = True
        default = "" if self.options.boards_chosen else " (default board; choose with --board)"
        return [f"hil: {self._describe(name)}{default}" for name in self.options.boards]

    def note_results(self, item: pytest.Item) -> RunResult | None:
        """Note on a test in Python what the DUTs gave to it, in all of its phases: of several results the worst."""
        fresh = self.bench.take_results()
        had = item.stash.setdefault(_HAD, [])
        had += fresh
        if not had:
            return None
        worst = max(had, key=lambda result: (not result.bits_equal, result.max_error))
        if fresh:
            more = f" (worst of {len(had)})" if len(had) > 1 else ""
            item.user_properties.append(("hil_case", item.name + more))
            item.user_properties.extend(run_properties(worst).items())
            item.user_properties.extend(size_properties(self.bench.artefact(worst.provenance.board)).items())
        return worst

    def _describe(self, name: str) -> str:
        try:
            return str(self.bench.provenance(name))
        except HilError as error:
            return f"{name}: {error.verdict} error: {as_in_pytest(error.message)}"


_HAD: pytest.StashKey[list[RunResult]] = pytest.StashKey()
STATE: pytest.StashKey[State] = pytest.StashKey()
