"""The promise of steps on harvested power as a pytest item: it needs no opened board, as it is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.backends import HARDWARE
from hil.case_network import load_network
from hil.dut.board_check import check_board
from hil.errors import InputError, NumericError, RigError
from hil.harvest.outcome import NoCurrentError, check_harvest
from hil.harvest.run import make_program, run_harvest, why_not
from hil.harvest.words import lines_of, properties_of
from hil.pytest_run.promise_item import PromiseItem, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.case import Case
    from hil.dut.options import DutOptions
    from hil.harvest.outcome import HarvestRun
    from hil.pytest_run.state import State


class HarvestItem(PromiseItem):
    """The promise of steps on harvested power: simulated, whatever realises the board for the others."""

    needs_board = False

    def __init__(self, *, subject: Subject, **kwargs: object) -> None:
        super().__init__(subject=subject, **kwargs)
        self._wrong: NumericError | None = None
        self._harvest: HarvestRun | None = None

    def _run(self, state: State) -> None:
        subject = self.subject
        board = state.bench.board(subject.board)
        self._require(_not_simulated(board, state.options.dut))
        try:
            self._harvest = _simulate(subject.case, subject.vectors_path, board, state.options.dut)
        except NoCurrentError as error:
            self._require(error.message)
        except NumericError as error:
            self._wrong = error.with_traceback(None)
        if self._harvest is not None and self._harvest.without and state.options.strict:
            raise RigError(
                f"harvest of {subject.case.name} on board '{board.name}': its current is modelled without "
                f"{', '.join(self._harvest.without)}",
                hint="give their currents in the board's file, or leave --hil-strict out to have it judged without",
            )

    def runtest(self) -> None:
        """Judge the promise."""
        if self._wrong is not None:
            raise self._wrong
        if self._harvest is not None:
            self.user_properties.extend(properties_of(self._harvest).items())
            self.add_report_section("call", "harvest", "\n".join(lines_of(self._harvest)))
            check_harvest(self._harvest)


def _not_simulated(board: Board, options: DutOptions) -> str | None:
    """Why there can be no verdict on a board, or None where there can."""
    backend = HARDWARE if options.backend == "auto" and options.probe is not None else options.backend
    return why_not(board, backend)


def _simulate(case: Case, vectors_path: Path, board: Board, options: DutOptions) -> HarvestRun:
    """What a case promises about harvested power, tried out.

    Raises:
        HilError: where there is no result to judge, or a bit is wrong.
    """
    if case.says.harvest is None:
        raise InputError(f"case {case.name} promises nothing about harvested power")
    check_board(board)
    model, vectors = load_network(case, vectors_path)
    every = case.says.harvest.checkpoint_steps
    program = make_program(model, vectors, board, every, firmware_root=options.firmware_root)
    return run_harvest(program, case.says.harvest)
