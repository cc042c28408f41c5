"""What tells the energy of steps on an opened board, and why what could does not: one class for every backend."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hil.backends import is_supervised
from hil.dut.modelled import Modeller
from hil.step_energy import NOT_ASKED, RunEnergy

if TYPE_CHECKING:
    from hil.board import Board
    from hil.dut.analyzer import Analyzer
    from hil.dut.selection import Selection
    from hil.emulator.activity_log import Recording
    from hil.energy.modelled import ModelledCurrent
    from hil.link.agent import Agent
    from hil.power.trace import Trace
    from hil.step_cycles import RunCycles
    from hil.work import Work


class EnergyMeter:
    """Tells the energy of the steps of one opened board.

    Args:
        board: the board.
        selection: what realises it.
        analyzer: what measures its current, where one was named.
        machine: records what an emulated chip does; None where nobody can be asked.
    """

    def __init__(
        self, board: Board, selection: Selection, analyzer: Analyzer | None, machine: Recording | None
    ) -> None:
        self._board = board
        self._selection = selection
        self._analyzer = analyzer
        self._modeller = Modeller(board, machine)

    @property
    def needs_cycles(self) -> bool:
        """Whether a run whose energy is wanted must count its cycles.

        What an analyzer recorded is cut by them where no marker cuts it, and held against them where one does.
        """
        return self._analyzer is not None

    @property
    def last_current(self) -> Trace | ModelledCurrent | None:
        """The current of the last run whose energy was asked for; None where nobody told any."""
        return self._analyzer.last_trace if self._analyzer is not None else self._modeller.last_current

    def of_run(self, agent: Agent, work: Work, cycles: RunCycles, *, runs: int) -> RunEnergy:
        """The energy of vectors that have just been run, which may take further runs of them.

        Args:
            agent: on which their network is open.
            work: the vectors.
            cycles: of that run.
            runs: from how many runs the spread is to be seen; 0 where the energy is not wanted.

        Raises:
            LinkError, TargetFault: as they come from the board.
        """
        if runs == 0:
            return NOT_ASKED
        if self._analyzer is not None:
            return self._analyzer.measure(agent, work, cycles, runs)
        if not self._selection.emulated:
            return self._none("no analyzer was named with --meter")
        if not is_supervised(self._selection.backend):
            return self._none("a process of this computer draws no current of a chip")
        energy = self._modeller.measure(agent, work, cycles, runs)
        if energy.found is not None:
            return energy
        return replace(energy, missing=(f"{self._where}: {energy.reason}",))

    @property
    def _where(self) -> str:
        return f"no current source on board '{self._board.name}'"

    def _none(self, why: str) -> RunEnergy:
        return RunEnergy(missing=(f"{self._where}: {why}",))
