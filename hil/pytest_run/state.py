"""What one pytest run keeps: its options, its DUTs and the outcomes so far, under one stash key."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from hil.dut.bench import Bench
from hil.errors import HilError
from hil.pytest_run.recorder import Recorder
from hil.report.properties import run_properties
from hil.report.spelling import as_in_pytest
from hil.report.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.pytest_run.options import Options


class State:
    """The state of one pytest run.

    Attributes:
        options: as given.
        bench: the DUTs.
        tally: the outcomes so far.
        recorder: gathers cycle goldens, where they are to be recorded.
        end: what lasts until pytest has cleaned up.
    """

    def __init__(self, options: Options, tell: Callable[[str], None]) -> None:
        """Make a run's state.

        Args:
            options: as given.
            tell: called with a sentence before a board is waited for that another has.
        """
        self.options = options
        self.bench = Bench(options.dut, boards=options.boards, tell=tell)
        self.tally = Tally()
        self.recorder = Recorder() if options.update_golden else None
        self.end = ExitStack()
        self._announced = False

    def announce(self) -> list[str]:
        """Lines that say what the run is made with, one a board, once; builds the firmware."""
        if self._announced:
            return []
        self._announced = True
        default = "" if self.options.boards_chosen else " (default board; choose with --board)"
        return [f"hil: {self._describe(name)}{default}" for name in self.options.boards]

    def note_results(self, item: pytest.Item) -> None:
        """Note what the DUTs gave since the last call on a test written in Python: of several results the worst."""
        fresh = self.bench.take_results()
        if fresh:
            worst = max(fresh, key=lambda result: (not result.bits_equal, result.max_error))
            more = f" (worst of {len(fresh)})" if len(fresh) > 1 else ""
            item.user_properties.append(("hil_case", item.name + more))
            item.user_properties.extend(run_properties(worst).items())

    def _describe(self, name: str) -> str:
        try:
            return str(self.bench.provenance(name))
        except HilError as error:
            return f"{name}: {error.verdict} error: {as_in_pytest(error.message)}"


STATE: pytest.StashKey[State] = pytest.StashKey()
