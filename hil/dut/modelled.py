"""The modelled current of an emulated board: what its chip does in a run of its own, and what it then draws."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.dut.energy_run import refused, run_in_batches
from hil.emulator.activity_log import ActivityLog
from hil.emulator.machine import EmulatorEndedError, MachineError
from hil.energy.model import CurrentModel
from hil.energy.modelled import ModelledCurrent
from hil.energy.steps import energy_of_cycles, step_energy
from hil.step_energy import RunEnergy, combined

if TYPE_CHECKING:
    from hil.board import Board
    from hil.emulator.activity_log import Recording
    from hil.link.agent import Agent
    from hil.step_cycles import RunCycles
    from hil.step_energy import StepEnergy
    from hil.work import Work

_READ_ON: Final = 256
"""Steps after which the record is fetched: each has some hundred changes, and the board keeps a million."""


class Modeller:
    """Models the current of one emulated board.

    Args:
        board: the board.
        machine: records what its chip does; None where nobody can be asked.

    Attributes:
        last_current: of the last run that was recorded; None before.
    """

    def __init__(self, board: Board, machine: Recording | None) -> None:
        self.last_current: ModelledCurrent | None = None
        self._log = ActivityLog(machine) if machine is not None else None
        self._model = CurrentModel.of(board)

    def measure(self, agent: Agent, work: Work, cycles: RunCycles, runs: int) -> RunEnergy:
        """The energy of each step, from so many runs of their own; from its cycles where the emulator tells no more.

        Steps go one by one, and nothing is on the wire meanwhile: so a step's energy is that of no other work.

        Raises:
            LinkError, TargetFault: as they come from the board.
        """
        found: list[StepEnergy] = []
        for _ in range(runs):
            energy = self._record(agent, work, cycles)
            if energy.found is None:
                return energy
            found.append(energy.found)
        return RunEnergy(combined(found))

    def _record(self, agent: Agent, work: Work, cycles: RunCycles) -> RunEnergy:
        log = self._log
        if log is None:
            return RunEnergy(missing=("the emulated board was powered by another process, which records nothing",))
        try:
            log.begin()
        except EmulatorEndedError:
            raise
        except MachineError as error:
            return self._from_cycles(cycles, error.message)

        def on_step(done: int) -> None:
            if done % _READ_ON == 0:
                log.read_on()

        sequences, steps = work.elapsed.shape
        sizes = (1,) * steps
        result = run_in_batches(agent, work, sizes, on_batch=on_step)
        spans = log.end()
        wrong = refused(result, work, sizes, self._model.board.name)
        if wrong is not None:
            return wrong
        self.last_current = ModelledCurrent(spans, self._model)
        return step_energy(self._model, spans, sequences, steps)

    def _from_cycles(self, cycles: RunCycles, why: str) -> RunEnergy:
        if cycles.measured is None:
            return RunEnergy(missing=(why, f"its cycles are not known: {cycles.reason}"))
        energy = energy_of_cycles(self._model, cycles.measured.per_step)
        return replace(energy, missing=(why, *energy.missing))
