"""The DUT: board, firmware and link, with one life cycle, the same for silicon, emulators and the host process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hil.dut.counting import CycleMeter
from hil.dut.energy import EnergyMeter
from hil.dut.time_bound import TimeBound
from hil.image import checked
from hil.model import load_model
from hil.promise import check_bits
from hil.vectors import load_vectors
from hil.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from hil.dut.analyzer import Analyzer
    from hil.dut.connection import Connection
    from hil.dut.counting import RunCount
    from hil.dut.prepared import Prepared
    from hil.energy.modelled import ModelledCurrent
    from hil.link.client import Identity, StepResult
    from hil.model import Model
    from hil.power.meter import Meter
    from hil.power.trace import Trace
    from hil.result import Provenance, RunResult
    from hil.vectors import Vectors
    from hil.work import SequenceDone

TIMEOUT_S = 300.0
_REOPENINGS = 3


class Dut:
    """An opened DUT. Made by :func:`hil.dut.opening.open_dut`.

    Args:
        prepared: what it was opened with.
        connect: opens the board and its link; called again where the board was lost, for what comes next.
        analyzer: what measures its current, where one was named.
        on_run: called with every result of `run`.

    Attributes:
        board: what it is.
        artefact: the firmware that runs on it.
    """

    def __init__(
        self,
        prepared: Prepared,
        connect: Callable[[], Connection],
        analyzer: Analyzer | None = None,
        on_run: Callable[[RunResult], None] = lambda _: None,
    ) -> None:
        self.board = prepared.board
        self.artefact = prepared.artefact
        self._prepared = prepared
        self._on_run = on_run
        self._connect = connect
        self._analyzer = analyzer
        self._reopened: list[str] = []
        self._use(connect())

    def _use(self, connection: Connection) -> None:
        selection = self._prepared.selection
        self._latest = connection
        self._counting = CycleMeter(self.board, selection, connection.counter)
        self._energy = EnergyMeter(self.board, selection, self._analyzer, connection.machine)

    @property
    def _connection(self) -> Connection:
        """The open link; where the board was lost, to the board opened anew, a few times in a run and not for ever."""
        lost = self._latest.lost
        if lost is not None and len(self._reopened) < _REOPENINGS:
            self._reopened.append(f"{lost.message}; the board was opened anew for what came next")
            self._use(self._connect())
        return self._latest

    @property
    def provenance(self) -> Provenance:
        """Board, backend, firmware, compiler, what was flashed so far, and what was noticed of the firmware."""
        latest = self._latest
        flashed = replace(latest.flashed, retries=(*self._reopened, *latest.flashed.retries))
        return replace(self._prepared.provenance, probe=latest.probe_uid, flashed=flashed, noticed=latest.noticed)

    @property
    def identity(self) -> Identity:
        """What the firmware said of itself."""
        return self._latest.identity

    @property
    def meter(self) -> Meter | None:
        """The open current analyzer; None where none was named."""
        return self._analyzer.meter if self._analyzer is not None else None

    @property
    def marker_channel(self) -> str:
        """The analyzer's channel that the board's marker pin is wired to; empty without one."""
        return self._analyzer.marker if self._analyzer is not None else ""

    @property
    def last_current(self) -> Trace | ModelledCurrent | None:
        """The current of the last run whose energy was asked for; None where nobody told any."""
        return self._energy.last_current

    def run(
        self,
        model: Model | Path,
        vectors: Vectors | Path,
        *,
        check: bool = True,
        count_cycles: bool = False,
        energy_runs: int = 0,
        timeout_s: float = TIMEOUT_S,
        on_sequence: Callable[[SequenceDone], None] | None = None,
    ) -> RunResult:
        """Run every sequence of the vectors on the device, each from their start state.

        Args:
            model: the network, or its file.
            vectors: what to stream, or their file.
            check: raise unless every bit equals the exact integer model's; a caller that judges by itself says False.
            count_cycles: have the firmware count its own cycles, where the board can, which is slower; an emulator
                with a counter counts them in any case.
            energy_runs: in so many further runs of the vectors the current is looked at; their spread tells how far
                runs differ. 0: nobody asks for the energy.
            timeout_s: bound on the time that the device computes, in seconds; loading the image is not counted.
            on_sequence: called after each sequence.

        Raises:
            NumericError: with ``check``, if any bit differs.
            InputError: files that cannot be used, or an image that is too large for the board.
            LinkError, TargetFault, FlashError: as they come from the board.
        """
        result = self.measure(
            model,
            vectors,
            count_cycles=count_cycles,
            energy_runs=energy_runs,
            timeout_s=timeout_s,
            on_sequence=on_sequence,
        )
        self._on_run(result)
        if check:
            check_bits(result)
        return result

    def measure(
        self,
        model: Model | Path,
        vectors: Vectors | Path,
        *,
        count_cycles: bool = False,
        energy_runs: int = 0,
        timeout_s: float = TIMEOUT_S,
        on_sequence: Callable[[SequenceDone], None] | None = None,
    ) -> RunResult:
        """As `run`, for a caller that judges and reports by itself."""
        model = load_model(model) if isinstance(model, Path) else model
        vectors = load_vectors(vectors, model) if isinstance(vectors, Path) else vectors
        work = Work.make(model, vectors)
        place = self._connection.place_image(work.converted.image)
        wanted = count_cycles or (energy_runs > 0 and self._energy.needs_cycles)
        count = self._counting.start(self._connection.client, wanted=wanted)
        watch = TimeBound(self.board.name, timeout_s, vectors)
        step = self._stream(work, watch, count, on_sequence)
        device_s = watch.elapsed_s
        cycles = count.result()
        with self._connection.guard() as client:
            energy = self._energy.of_run(client, work, cycles, runs=energy_runs)
        return work.result(
            self.provenance,
            place,
            step.states.reshape(work.golden_states.shape),
            step.outputs.reshape(work.golden_outputs.shape),
            device_s=device_s,
            retries=step.retries,
            cycles=cycles,
            energy=energy,
        )

    def run_image(
        self,
        image: bytes,
        inputs: NDArray[np.int32],
        elapsed: NDArray[np.uint32],
        state0: NDArray[np.int32],
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Run sequences through a model image in the device's own integers, without any judgement.

        Args:
            image: a model image of N neurons, I inputs and O outputs.
            inputs: (S, T, I).
            elapsed: (S, T), unsigned Q10.22.
            state0: (N,), the start state of every sequence.

        Returns:
            States (S, T, N) and outputs (S, T, O).

        Raises:
            InputError: the image is too large for the board.
            LinkError, TargetFault, FlashError: as they come from the board.
        """
        net, _ = checked(image)
        self._connection.place_image(image)
        with self._connection.guard() as client:
            step = client.run(*_joined(inputs, elapsed), state=state0, sequence_steps=elapsed.shape[1])
        return (
            step.states.reshape(*elapsed.shape, net.neurons),
            step.outputs.reshape(*elapsed.shape, net.outputs),
        )

    def _stream(
        self, work: Work, watch: TimeBound, count: RunCount, on_sequence: Callable[[SequenceDone], None] | None
    ) -> StepResult:
        """All sequences, without a pause between them."""
        sequences, steps = work.elapsed.shape
        told = 0

        def progress(done: int, states: NDArray[np.int32], outputs: NDArray[np.int32]) -> None:
            nonlocal told
            watch.done = done
            watch.check()
            count.read_on()
            while on_sequence is not None and (told + 1) * steps <= done:
                rows = slice(told * steps, (told + 1) * steps)
                on_sequence(work.done(told, states[rows], outputs[rows]))
                told += 1

        with self._connection.guard() as client:
            count.begin()
            step = client.run(
                *_joined(work.inputs, work.elapsed),
                state=work.state0,
                sequence_steps=steps,
                count_cycles=count.counts_on_chip,
                progress=progress,
                while_waiting=watch.check,
            )
            count.end(step, sequences)
        return step


def _joined(inputs: NDArray[np.int32], elapsed: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Sequences one after the other: (S, T, I) and (S, T) as (S * T, I) and (S * T,)."""
    return inputs.reshape(elapsed.size, inputs.shape[2]), elapsed.reshape(-1)
