"""The DUT: board, firmware, probe and link, with one life cycle, the same for silicon, emulators and the host process.

:func:`prepare_dut` chooses the backend and builds the firmware. :func:`open_prepared` powers or finds the board,
flashes it, opens the link and makes sure that the firmware that answers is the one just built. :func:`open_dut` does
both.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hil.build import build
from hil.dut.analyzer import Analyzer, check_meter
from hil.dut.board_check import check_board
from hil.dut.connection import Connection
from hil.dut.counting import CycleMeter
from hil.dut.energy import EnergyMeter
from hil.dut.farm_board import realise_in_farm
from hil.dut.options import DutOptions
from hil.dut.realised import realise
from hil.dut.selection import probe_to_be, select
from hil.dut.time_bound import TimeBound
from hil.emulator.backend import emulator_version
from hil.errors import HilError
from hil.image import checked
from hil.model import load_model
from hil.promise import check_bits
from hil.result import Provenance
from hil.rig import load_rig
from hil.vectors import load_vectors
from hil.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.counting import RunCount
    from hil.dut.realised import Realised
    from hil.dut.selection import Selection
    from hil.energy.modelled import ModelledCurrent
    from hil.flash_mode import FlashMode
    from hil.link.client import Identity, StepResult
    from hil.model import Model
    from hil.power.meter import Meter
    from hil.power.trace import Trace
    from hil.result import RunResult
    from hil.vectors import Vectors
    from hil.work import SequenceDone

TIMEOUT_S = 300.0
_REOPENINGS = 3


@dataclass(frozen=True)
class Prepared:
    """What a DUT will be opened with: nothing is powered yet, the firmware is built."""

    board: Board
    options: DutOptions
    selection: Selection
    artefact: Artefact
    provenance: Provenance


class Dut:
    """An opened DUT. Made by :func:`open_dut`.

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


def prepare_dut(board: Board, options: DutOptions, *, progress: Callable[[str], None] | None = None) -> Prepared:
    """Choose the backend and build the firmware; nothing is powered or opened.

    Args:
        board: the board.
        options: how to open it.
        progress: called with each line of the build.

    Raises:
        InputError: options that do not fit the board, or a board's file that does not fit its port or its part.
        BuildError: the firmware cannot be built.
        RigError: an attached board was asked for and there is none.
    """
    check_board(board, options.firmware_root)
    selection = select(board, options)
    if options.meter is None and not selection.emulated and selection.farm is None:
        options = replace(options, meter=load_rig(options.rig).of(board.name, selection.probe).analyzer)
    check_meter(board, selection, options.meter)
    artefact = build(board, link=options.link, progress=progress, firmware_root=options.firmware_root)
    provenance = Provenance(
        board=board.name,
        backend=selection.backend,
        backend_version="" if selection.farm else emulator_version(selection.backend),
        emulated=selection.emulated,
        reason=selection.reason,
        probe=selection.probe or probe_to_be(board, selection, options),
        firmware=artefact.build_id,
        compiler=artefact.compiler,
        core=board.core,
        flags=artefact.flags,
        link=options.link,
        meter=options.meter or "",
    )
    return Prepared(board, options, selection, artefact, provenance)


@contextmanager
def open_prepared(
    prepared: Prepared,
    *,
    on_run: Callable[[RunResult], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Dut]:
    """Power or find the board, flash it, open its link; all is closed again at the end.

    Args:
        prepared: what to open.
        on_run: called with every result that the DUT's `run` gives.
        tell: told in a sentence that another run is waited for.

    Raises:
        RigError: it cannot be powered or found, or its port cannot be opened.
        FlashError: it cannot be flashed, or must be and flashing was forbidden.
        LinkError: nobody answers.
        TargetFault: another firmware answers.
    """
    with ExitStack() as stack:
        address = prepared.options.meter
        # First, as it may give the board its power.
        analyzer = stack.enter_context(Analyzer.opened(prepared.board, address)) if address else None
        opened = stack.enter_context(ExitStack())

        def connect() -> Connection:
            with suppress(HilError):  # what was lost may not let itself be closed
                opened.close()
            realised = opened.enter_context(_realise(prepared, tell))
            return Connection(prepared.board, prepared.artefact, realised, opened, link=prepared.options.link)

        provenance = replace(prepared.provenance, meter=analyzer.name if analyzer is not None else "")
        yield Dut(replace(prepared, provenance=provenance), connect, analyzer, on_run)


def _realise(prepared: Prepared, tell: Callable[[str], None]) -> AbstractContextManager[Realised]:
    board, artefact, selection, options = prepared.board, prepared.artefact, prepared.selection, prepared.options
    if selection.farm is not None:
        return realise_in_farm(board, artefact, selection.farm, options.flash, tell)
    return realise(board, artefact, selection, options, tell)


@contextmanager
def open_dut(
    board: Board,
    *,
    backend: str = "auto",
    probe: str | None = None,
    port: str | None = None,
    link: str = "uart",
    flash: FlashMode = "auto",
    instance: str = "auto",
    farm: str | None = None,
    wait_s: float | None = None,
    firmware_root: Path | None = None,
    meter: str | None = None,
) -> Iterator[Dut]:
    """Build, power or find, flash, open: the DUT is ready.

    Args:
        board: the board.
        backend: ``auto``, ``hardware``, or an emulator of the board.
        probe: uid of the debug probe of an attached board.
        port: its serial port.
        link: ``uart`` or ``spi``.
        flash: ``auto``, ``always`` or ``never``.
        instance: which of the emulated boards of this kind; ``auto`` takes the first that nobody uses.
        farm: address of a labgrid coordinator, ``HOST[:PORT][/PLACE]``, whose places have the board.
        wait_s: how long to wait for a board that is in use, see `DutOptions`.
        firmware_root: folder of C sources to build instead of those that ship with hil, laid out as ``firmware/``.
        meter: address of the current analyzer that measures the board.

    Raises:
        HilError: as :func:`prepare_dut` and :func:`open_prepared` do.
    """
    options = DutOptions(
        backend, probe, port, link, flash, instance, firmware_root, farm=farm, wait_s=wait_s, meter=meter
    )
    with open_prepared(prepare_dut(board, options)) as dut:
        yield dut
