"""The current analyzer on an opened board: it measures in a run of its own, in batches under the marker."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hil.dut.energy_run import refused, run_in_batches
from hil.errors import CurrentError, InputError, RigError
from hil.power.measured import batch_windows, energy_of_steps, name_of, sizes_of_batches, wanted_in_batch
from hil.power.opening import open_meter
from hil.power.plan import MeterPlan
from hil.power.window_cycles import Batches, check_lengths
from hil.step_energy import RunEnergy, combined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hil.board import Board
    from hil.dut.selection import Selection
    from hil.link.agent import Agent
    from hil.link.batch_job import BatchResult
    from hil.power.meter import Meter
    from hil.power.trace import Trace
    from hil.step_cycles import RunCycles
    from hil.step_energy import StepEnergy
    from hil.work import Work

_SPIKE: Final = 0.5
"""Of the shortest batch: what is shorter is none, but the core at work on a byte of the link."""

_LATENCY_S: Final = 0.05
"""What an instrument's samples may take to come: those of so much time before it is stopped may be lost."""

_ECHO_BYTES: Final = 256


def check_meter(board: Board, selection: Selection, address: str | None) -> None:
    """Refuse an analyzer where there is nothing real to measure.

    Raises:
        InputError: the board is emulated and the analyzer is not simulated, or the other way round.
        RigError: an option of its address cannot be heeded.
    """
    if address is None:
        return
    plan = MeterPlan.of(address)
    if selection.emulated and not plan.simulated:
        raise InputError(
            f"--meter {address} names a current analyzer, but board '{board.name}' is emulated: it draws no current",
            hint="leave --meter out to have the current modelled, or name the attached board with --probe",
        )
    if plan.simulated and not selection.emulated:
        raise InputError(
            f"--meter {address} is a simulated analyzer, which does not measure what board '{board.name}' draws",
            hint="leave 'simulated' out of its address",
        )


@dataclass(frozen=True)
class _Length:
    """Of a step, and of what else is in the window of a batch.

    Attributes:
        step_s: in s.
        edge_s: by how much each edge of a window may be off, in s.
        around_s: in each window beside its steps, in s.
    """

    step_s: float
    edge_s: float
    around_s: float = 0.0


class Analyzer:
    """An open analyzer and how the board is measured with it. Made by `opened`.

    Attributes:
        meter: the instrument.
        name: its name, serial number and firmware.
        last_trace: what it recorded last; None before the first measurement.
    """

    def __init__(self, board: Board, meter: Meter, plan: MeterPlan) -> None:
        self.meter = meter
        self.last_trace: Trace | None = None
        self._identity = meter.identify()
        self._plan = plan
        self._board = board
        supply = plan.supply_V if plan.supply_V is not None else board.supply_V
        if supply is None:
            raise RigError(
                f"the supply of board '{board.name}' is not known, so its energy cannot be measured",
                hint=f"add &supply=3.3, in V, to {meter.address}, or supply_V to the board's file",
            )
        self._supply_V = supply

    @classmethod
    @contextmanager
    def opened(cls, board: Board, address: str) -> Iterator[Analyzer]:
        """Open the analyzer; one that supplies gives the board its power from here on.

        Raises:
            RigError: as `open_meter`, or the board's supply is not known.
        """
        with open_meter(address) as meter:
            yield cls(board, meter, MeterPlan.of(address))

    @property
    def name(self) -> str:
        """The instrument, for people; that it is simulated, where it is."""
        return f"simulated {name_of(self._identity)}" if self._plan.simulated else name_of(self._identity)

    @property
    def marker(self) -> str:
        """The digital channel that the board's marker pin is wired to; empty where it is wired to none."""
        return self._plan.marker

    def measure(self, agent: Agent, work: Work, cycles: RunCycles, runs: int) -> RunEnergy:
        """Measure the energy of each step of the vectors, whose cycles are known or not, in so many runs of their own.

        Raises:
            LinkError, TargetFault: as they come from the board.
        """
        try:
            length = self._measure_length(agent, work, cycles)
            wanted = wanted_in_batch(length.step_s, length.edge_s + length.around_s / 2, self._plan)
            sizes = sizes_of_batches(work.elapsed.shape[1], wanted, agent.most_steps)
            found: list[StepEnergy] = []
            for _ in range(runs):
                trace, result = self._record(agent, work, sizes)
                wrong = refused(result, work, sizes, self._board.name)
                if wrong is not None:
                    return wrong
                found.append(self._energy(trace, work, sizes, length))
                self._check_lengths(trace, cycles, sizes, len(work.elapsed))
        except (RigError, CurrentError) as error:
            return RunEnergy(missing=(error.message,), failure=error)
        return RunEnergy(combined(found))

    def _energy(self, trace: Trace, work: Work, sizes: Sequence[int], length: _Length) -> StepEnergy:
        sequences = len(work.elapsed)
        least_s = _SPIKE * min(sizes) * length.step_s
        windows = [
            replace(window, uncertainty_s=window.uncertainty_s + length.around_s / 2)
            for window in batch_windows(trace, self._plan, sequences * len(sizes), least_s=least_s)
        ]
        return energy_of_steps(
            trace, windows, sizes, sequences, supply_V=self._supply_V, identity=self._identity, plan=self._plan
        )

    def _check_lengths(self, trace: Trace, cycles: RunCycles, sizes: Sequence[int], sequences: int) -> None:
        """Where the marker cuts and cycles are known, no window is shorter than its steps."""
        counted = cycles.measured
        if self._plan.marker and counted is not None:
            batches = Batches.of(counted, sizes, sequences)
            windows = batch_windows(trace, self._plan, len(batches.cycles))
            check_lengths(trace.instrument, windows, batches, self._board.clock_hz)

    def _record(
        self, agent: Agent, work: Work, sizes: Sequence[int], sequences: int | None = None
    ) -> tuple[Trace, BatchResult]:
        """Run the first sequences, as far as these batches go, and what was recorded meanwhile."""
        self.meter.start()
        try:
            result = run_in_batches(agent, work, sizes, sequences=sequences)
            _outlast(agent)
        except BaseException:
            with suppress(RigError):
                self.meter.stop()
            raise
        self.last_trace = self.meter.stop()
        return self.last_trace, result

    def _measure_length(self, agent: Agent, work: Work, cycles: RunCycles) -> _Length:
        """How long a step is, from a batch as long as goes.

        Without a marker the core's work on a batch's frames, before its steps and behind them, looks like steps. Cycles
        tell how long those are; what is left counts as where the window may be cut.
        """
        most = min(agent.most_steps, work.elapsed.shape[1])
        trace, _ = self._record(agent, work, (most,), 1)
        if self._plan.marker:
            window = batch_windows(trace, self._plan, 1)[0]
            return _Length(window.duration_s / most, window.uncertainty_s)
        counted = cycles.measured
        if counted is None:
            raise RigError(
                f"the steps of board '{self._board.name}' cannot be told from its work on the link: no marker is wired "
                "to the instrument, and their cycles are not known",
                cause=cycles.reason or None,
                hint=f"wire the marker pin {self._board.marker} to a digital channel, and add &marker=… to the address",
            )
        longest_s = max((window.duration_s for window in batch_windows(trace, self._plan, None)), default=0.0)
        window = batch_windows(trace, self._plan, 1, least_s=_SPIKE * longest_s)[0]
        steps_s = float(counted.per_step[0, :most].sum()) / self._board.clock_hz
        return _Length(steps_s / most, window.uncertainty_s, max(0.0, window.duration_s - steps_s))


def _outlast(agent: Agent) -> None:
    """Keep the board where it is until what it did last has been sampled and has come: its marker is low meanwhile."""
    begun = time.monotonic()
    agent.echo(bytes(_ECHO_BYTES))
    while time.monotonic() - begun < _LATENCY_S:
        agent.echo(bytes(_ECHO_BYTES))
