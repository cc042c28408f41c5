"""A promise of a case as a pytest item: its setup makes the run, once for all that are about it, its test judges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

import pytest

from hil.cycle_golden import golden_path, load_golden
from hil.cycle_promise import check_cycles, not_counted
from hil.energy_golden import energy_path, load_energy
from hil.energy_known import lacking, not_known, owed
from hil.energy_promise import check_current, check_energy
from hil.errors import InputError, RigError
from hil.promise import judge
from hil.pytest_run.recorder import TAKEN
from hil.pytest_run.state import STATE
from hil.report.properties import run_properties, size_properties
from hil.vectors import name_of
from hil.verdict import Held

if TYPE_CHECKING:
    from pathlib import Path

    from hil.case import Case, PromiseName
    from hil.pytest_run.state import State
    from hil.result import RunResult

ENERGY_PROMISES: Final = ("current", "energy")


@dataclass(frozen=True)
class Subject:
    """What an item is about."""

    case: Case
    promise: PromiseName
    vectors_path: Path
    board: str

    @property
    def vectors_name(self) -> str:
        """The vector file's name without its endings."""
        return name_of(self.vectors_path)

    @property
    def vectors_in_case(self) -> str:
        """The vector file as the case names it."""
        return self.case.says.vectors[self.case.vector_paths.index(self.vectors_path)]

    @property
    def item_name(self) -> str:
        """E.g. ``bits[microbit]``, with the vectors' name where the case has several."""
        which = f"-{self.vectors_name}" if len(self.case.vector_paths) > 1 else ""
        return f"{self.promise}[{self.board}{which}]"


class PromiseItem(pytest.Item):
    """One promise of one case about one vector file on one board.

    Attributes:
        needs_board: it is about a run on an opened board.
        subject: what it is about.
        result: the run, once it is made; None before, and where there is none.
    """

    needs_board: ClassVar[bool] = True

    def __init__(self, *, subject: Subject, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.subject = subject
        self.result: RunResult | None = None
        if self.config.pluginmanager.hasplugin("xdist"):
            group = f"{subject.case.name}-{subject.vectors_name}-{subject.board}"
            self.add_marker(pytest.mark.xdist_group(group))

    def setup(self) -> None:
        """Run the vectors on the board, once for all promises about them; a failure here is an error, no verdict."""
        state = self.config.stash[STATE]
        options = state.options
        subject, says = self.subject, self.subject.case.says
        self.user_properties.append(("hil_promise", subject.promise))
        self.user_properties.append(("hil_case", subject.case.name))
        if says.boards and subject.board not in says.boards:
            pytest.skip(f"case is for {', '.join(says.boards)}, not for board '{subject.board}'")
        if says.links and options.dut.link not in says.links:
            pytest.skip(f"case is for link {', '.join(says.links)}, not for {options.dut.link}")
        self._run(state)

    def _run(self, state: State) -> None:
        subject = self.subject
        self.result = state.bench.run(subject.case, subject.vectors_path, subject.board)
        self.user_properties.extend(run_properties(self.result).items())
        self.user_properties.extend(size_properties(state.bench.artefact(subject.board)).items())
        if subject.promise == "cycles":
            self._require(not_counted(self.result))
        elif subject.promise in ENERGY_PROMISES:
            self._require_energy(self.result)

    def _require_energy(self, result: RunResult) -> None:
        """Skip where nobody knows it; an error where an instrument failed, or a strict run would leave some out.

        What its golden has is not left out: it is judged, and broken.
        """
        noun = self.subject.promise
        if result.energy.failure is not None:
            raise result.energy.failure.with_traceback(None)
        reason = not_known(noun, result)
        if reason is not None and self._is_owed(result):
            return
        self._require(reason)
        left_out = lacking(noun, result)
        if left_out is not None and self.config.stash[STATE].options.strict:
            raise RigError(
                left_out,
                hint="give its current in the board's file, or leave --hil-strict out to have it judged without",
            )

    def _is_owed(self, result: RunResult) -> bool:
        """Whether the golden has what the run does not say, and is not about to be replaced."""
        subject = self.subject
        if self.config.stash[STATE].recorder is not None:
            return False
        golden = load_energy(energy_path(subject.case.path))
        return owed(subject.promise, result, golden, subject.vectors_in_case) is not None

    def _require(self, reason: str | None) -> None:
        """Skip for a reason that the promise cannot be measured for, or make it an error where that was asked for."""
        if reason is not None:
            self.user_properties.append(("hil_not_measured", reason))
            if self.config.stash[STATE].options.strict:
                raise RigError(reason, hint="leave --hil-strict out to have it reported as not measured")
            pytest.skip(reason)

    def runtest(self) -> None:
        """Judge the promise."""
        if self.result is None:
            return
        if self.subject.promise == "cycles":
            self._judge_cycles(self.result)
        elif self.subject.promise in ENERGY_PROMISES:
            self._judge_energy(self.result)
        else:
            judge(self.subject.promise, self.subject.case.says, self.result)

    def _judge_cycles(self, result: RunResult) -> None:
        """Hold the cycles against budget and golden, or take them for the golden; say which in the report."""
        case, vectors, state = self.subject.case, self.subject.vectors_in_case, self.config.stash[STATE]
        promised = case.says.cycles
        if promised is None:
            raise InputError(f"case {case.name} promises nothing about cycles")
        if state.recorder is not None:
            state.recorder.add(case, vectors, result)
            held = Held(TAKEN, TAKEN)
        else:
            golden = load_golden(golden_path(case.path))
            held = check_cycles(result, promised, golden, vectors, strict=state.options.strict)
        self._note(held)

    def _judge_energy(self, result: RunResult) -> None:
        """As the cycles, the current or the energy of steps."""
        case, vectors, state = self.subject.case, self.subject.vectors_in_case, self.config.stash[STATE]
        says, golden = case.says, load_energy(energy_path(case.path))
        strict = state.options.strict
        if state.recorder is not None:
            state.recorder.add_energy(case, vectors, result)
            held = Held(TAKEN, TAKEN)
        elif self.subject.promise == "current" and says.current is not None:
            held = check_current(result, says.current, golden, vectors, strict=strict)
        elif self.subject.promise == "energy" and says.energy is not None:
            held = check_energy(result, says.energy, golden, vectors, strict=strict)
        else:
            raise InputError(f"case {case.name} promises nothing about {self.subject.promise}")
        self._note(held)

    def _note(self, held: Held) -> None:
        """Say in the report how a promise with a golden holds."""
        promise = self.subject.promise
        self.user_properties.append((f"hil_{promise}_golden", held.words))
        self.user_properties.append((f"hil_{promise}_held", held.sentence))
        self.add_report_section("call", promise, held.sentence)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The case file, the line of the promise (from 0), and ``case::promise[board]``."""
        line = self.subject.case.line_of(self.subject.promise)
        return self.path, line - 1, f"{self.subject.case.name}::{self.name}"
