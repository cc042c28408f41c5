"""Goldens recorded by a run (``--hil-update-golden``): of cycles, and of current and energy."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from hil import __version__
from hil.cycle_golden import Recording
from hil.cycle_promise import check_budget
from hil.energy_golden import Recording as EnergyRecording
from hil.energy_known import not_known
from hil.energy_promise import check_budgets
from hil.errors import CurrentError, CyclesError, InputError
from hil.pytest_run.book import check_other_promises
from hil.pytest_run.cycle_book import CycleBook
from hil.pytest_run.energy_book import EnergyBook

if TYPE_CHECKING:
    from hil.case import Case
    from hil.result import RunResult

RECORDED_RUNS: Final = 3
"""From so many runs the spread of current and energy is seen when they are recorded."""

TAKEN = "budget asserted, nothing compared (--hil-update-golden)"
NOTHING = (
    "no golden recorded: no item of this run promises cycles, current or energy, knows them and kept all that its case "
    "promises"
)


class Recorder:
    """Gathers recordings, and writes them when the run has ended."""

    def __init__(self) -> None:
        self._cycles = CycleBook()
        self._energy = EnergyBook()

    def add(self, case: Case, vectors: str, result: RunResult) -> None:
        """Take the cycles of a run for its golden, where everything else that the case promises about the run holds.

        Raises:
            CyclesError: they are over the budget, or another promise is broken or cannot be judged.
            InputError: the golden that is there is damaged.
        """
        if case.says.cycles is None:
            raise InputError(f"case {case.name} promises no cycles, so there is no golden of them")
        measured = check_budget(result, case.says.cycles)
        check_other_promises(case, vectors, result, "cycles", CyclesError)
        now = Recording(
            source=measured.source,
            firmware=result.provenance.firmware,
            image=result.image_digest,
            recorded=_today(),
            hil=__version__,
            per_step=tuple(tuple(int(count) for count in row) for row in measured.per_step),
        )
        self._cycles.keep(case, vectors, result, now)

    def add_energy(self, case: Case, vectors: str, result: RunResult) -> None:
        """The same with what the board draws.

        Raises:
            CurrentError: it is over the budget or not known, or another promise is broken or cannot be judged.
            InputError: the golden that is there is damaged.
        """
        says, found = case.says, result.energy.found
        current = says.current if not_known("current", result) is None else None
        check_budgets(result, current, says.energy)
        if found is None or (current is None and says.energy is None):
            raise CurrentError(f"case {case.name} promises nothing about current or energy that is known")
        check_other_promises(case, vectors, result, "current and energy", CurrentError)
        now = EnergyRecording.of(
            found,
            firmware=result.provenance.firmware,
            image=result.image_digest,
            recorded=_today(),
            hil=__version__,
        )
        self._energy.keep(case, vectors, result, now)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        return self._cycles.is_empty and self._energy.is_empty

    def lines(self) -> list[str]:
        """Tables of what will change."""
        return [*self._cycles.lines(), *self._energy.lines()] or [NOTHING]

    def write(self) -> list[str]:
        """Write every file that changes; returns a line for each.

        Raises:
            InputError: a file cannot be read or written.
        """
        return [*self._cycles.write(), *self._energy.write()]


def _today() -> str:
    return dt.datetime.now(tz=dt.UTC).date().isoformat()
