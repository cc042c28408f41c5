"""What tells the energy of steps on an opened board, and why what could does not: one class for every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.backends import is_supervised
from hil.step_energy import NOT_ASKED, RunEnergy

if TYPE_CHECKING:
    from hil.board import Board
    from hil.dut.analyzer import Analyzer
    from hil.dut.selection import Selection
    from hil.link.agent import Agent
    from hil.power.trace import Trace
    from hil.work import Work


class EnergyMeter:
    """Tells the energy of the steps of one opened board.

    Args:
        board: the board.
        selection: what realises it.
        analyzer: what measures its current, where one was named.
    """

    def __init__(self, board: Board, selection: Selection, analyzer: Analyzer | None) -> None:
        self._board = board
        self._selection = selection
        self._analyzer = analyzer

    @property
    def last_current(self) -> Trace | None:
        """The current of the last run whose energy was asked for; None where nobody told any."""
        return self._analyzer.last_trace if self._analyzer is not None else None

    def of_run(self, agent: Agent, work: Work, *, runs: int) -> RunEnergy:
        """The energy of vectors that have just been run, which may take further runs of them.

        Args:
            agent: on which their network is open.
            work: the vectors.
            runs: from how many runs the spread is to be seen; 0 where the energy is not wanted.

        Raises:
            LinkError, TargetFault: as they come from the board.
        """
        if runs == 0:
            return NOT_ASKED
        if self._analyzer is not None:
            return self._analyzer.measure(agent, work, runs)
        if not self._selection.emulated:
            return self._none("no analyzer was named with --meter")
        if not is_supervised(self._selection.backend):
            return self._none("a process of this computer draws no current of a chip")
        return self._none("not modelled")

    def _none(self, why: str) -> RunEnergy:
        return RunEnergy(missing=(f"no current source on board '{self._board.name}': {why}",))
