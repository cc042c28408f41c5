"""What counts the cycles of steps on an opened board, and why what could does not: one class for every backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.cycles.counter import CycleCounter
from hil.cycles.counter_file import RING
from hil.cycles.counts import PathCount, trusted
from hil.cycles.timing import CORES, MemoryTiming, TimingModel, costs
from hil.emulator.backend import counts_cycles, find_backend
from hil.errors import CyclesError, RigError
from hil.step_cycles import MODEL, PathCycles, RunCycles, StepCycles

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from hil.board import Board
    from hil.cycles.counts import Call
    from hil.dut.selection import Selection
    from hil.link.agent import Agent, StepResult
    from hil.step_cycles import Counts

STEP: Final = "ltc_step"
_TITLES: Final = {"cortex-m0": "Cortex-M0", "cortex-m0plus": "Cortex-M0+"}


@dataclass(frozen=True)
class Emulated:
    """The counter in an emulator, or why there is none."""

    counter: CycleCounter | None = None
    reason: str = ""


def timing_model(board: Board) -> TimingModel | None:
    """What the board file says of the cycles of its core and memories; None where it says nothing."""
    if board.timing is None:
        return None
    memories = [
        MemoryTiming(each.origin, each.bytes, waits, each.data_wait_states)
        for each in (board.memory.flash, board.memory.ram)
        if (waits := each.fetch_waits(board.clock_hz)) or each.data_wait_states
    ]
    port = board.timing.single_cycle_port
    if port is not None:
        memories.append(MemoryTiming(port.origin, port.bytes, single_cycle_port=True))
    return TimingModel(board.core, board.timing.multiply_cycles, tuple(memories))


def open_counter(board: Board, elf: Path, selection: Selection, stack: ExitStack) -> Emulated:
    """Make the counter that an emulator is to be started with, where there is a way to.

    Args:
        board: the board.
        elf: the firmware that will run.
        selection: what realises the board.
        stack: closes the counter; whatever uses it must be closed before.
    """
    if not selection.emulated:
        return Emulated(reason="model: silicon takes part, nothing is emulated")
    if selection.probe is not None:
        return Emulated(reason=f"model: '{selection.probe}' was powered without the counter, by another process")
    model = timing_model(board)
    if model is None:
        return Emulated(reason=f"model: board '{board.name}' has no timing in its description")
    try:
        if not counts_cycles(selection.backend):
            why = find_backend(selection.backend).why_not_counted
            return Emulated(reason=f"model: this {selection.backend} {why}")
        counter = CycleCounter(
            elf, model, measure=[STEP], plugin=find_backend(selection.backend).counter_plugin, ring=RING
        )
        return Emulated(stack.enter_context(counter))
    except RigError as error:
        return Emulated(reason=f"model: {error.message}" + (f" ({error.hint})" if error.hint else ""))


class CycleMeter:
    """Counts the steps that one opened board makes.

    Args:
        board: the board.
        selection: what realises it.
        emulated: the counter in the emulator, or why there is none.
    """

    def __init__(self, board: Board, selection: Selection, emulated: Emulated) -> None:
        self._board = board
        self._emulated = emulated
        emulator = board.emulator(selection.backend) if selection.emulated else None
        self._unusable = emulator.counter_unusable if emulator else ""
        self._is_emulated = selection.emulated
        self._model = timing_model(board)
        approximate = "" if self._model is None or self._model.exact else ", instruction fetches approximated"
        counter = find_backend(selection.backend).counter_name if selection.emulated else ""
        self._model_source = f"{MODEL}{counter}, {_TITLES.get(board.core, board.core)} timing{approximate}"

    def start(self, agent: Agent, *, wanted: bool) -> RunCount:
        """Begin a run.

        Args:
            agent: what will make the steps; a network is open on it.
            wanted: whether the firmware should count as well, which makes it slower.
        """
        board = self._board
        on_chip = f"on-chip {board.counter.name}" if board.counter else ""
        count = RunCount(board.core, self._model_source, on_chip, empty_call(board))
        if self._model is None:
            count.missing.append(f"no cycle source on board '{board.name}'")
            return count
        count.counter = self._emulated.counter
        if count.counter is None:
            count.missing.append(self._emulated.reason)
        why = self._why_not_on_chip(agent)
        if not why and not wanted:
            why = "not asked for"
        if why:
            count.missing.append(f"{count.on_chip_source or 'on-chip counter'}: {why}")
        elif board.counter is not None:
            count.counts_on_chip = True
            count.tolerance = 0.0 if self._is_emulated else board.counter.tolerance
        return count

    def _why_not_on_chip(self, agent: Agent) -> str:
        counter = self._board.counter
        if counter is None:
            return "the board's description names none"
        if self._unusable:
            return self._unusable
        identity = agent.identify()
        if identity.counter_bits != counter.bits:
            return f"the firmware says it has {identity.counter_bits} bits, the board's description {counter.bits}"
        longest = agent.dimensions.step_s(identity.clock_hz) * identity.clock_hz
        if longest >= 2**counter.bits:
            return f"a step may take {longest:.0f} cycles, more than {counter.bits} bits can tell"
        return ""


@dataclass
class RunCount:
    """The counts of one run. Made by `CycleMeter.start`.

    Attributes:
        core: the core's name.
        model_source: what the count in the emulator is called.
        on_chip_source: what the firmware's own count is called.
        empty_call: cycles that it lacks, see `empty_call`.
        missing: why a source does not count.
        counter: the one in the emulator, if it counts.
        counts_on_chip: the firmware counts as well.
        tolerance: share by which two of its runs may differ.
    """

    core: str
    model_source: str
    on_chip_source: str
    empty_call: int = 0
    missing: list[str] = field(default_factory=list)
    counter: CycleCounter | None = None
    counts_on_chip: bool = False
    tolerance: float = 0.0
    _model: Counts | None = None
    _on_chip: Counts | None = None
    _trouble: str = ""
    _next: int = 0  # number of the first call that was not read yet
    _calls: list[Call] = field(default_factory=list)
    _missed: int = 0
    _paths: dict[tuple[str, ...], PathCount] = field(default_factory=dict)

    def begin(self) -> None:
        """The core is at rest, and about to be given the steps."""
        if self.counter is not None:
            self._next = self.counter.measured
            self._paths = self.counter.paths(STEP)

    def read_on(self) -> None:
        """Take the calls that have ended so far: the counter keeps a limited number, a run may have any."""
        if self.counter is not None:
            calls, missed = self.counter.calls(self._next)
            self._next += missed + len(calls)
            self._missed += missed
            self._calls += calls

    def end(self, step: StepResult, sequences: int) -> None:
        """Every step of so many sequences, each of as many steps, has been answered."""
        if self.counts_on_chip:
            self._on_chip = step.cycles.astype(np.int64).reshape(sequences, -1)
        if self.counter is None:
            return
        steps = len(step.outputs)
        # A step that was executed twice looks like any other call: only a run without repairs has one call a step.
        if step.retries:
            self._trouble = f"the link needed {step.retries} repairs, so a step may have been executed twice"
            return
        self.read_on()
        try:
            calls = trusted(self._calls, self._missed, STEP)
        except CyclesError as error:
            self._trouble = error.message
            return
        if len(calls) == steps:
            self._model = np.array([call.cycles for call in calls], np.int64).reshape(sequences, -1)
        else:
            self._trouble = f"{len(calls)} calls of {STEP} were counted for {steps} steps"

    def result(self) -> RunCycles:
        """The counts of all sequences."""
        sources, missing = [], list(self.missing)
        if self._trouble:
            missing.insert(0, f"{self.model_source}: {self._trouble}")
        elif self._model is not None:
            sources.append(StepCycles(self.model_source, self._model))
        if self._on_chip is not None:
            sources.append(StepCycles(self.on_chip_source, self._on_chip, self.tolerance))
        paths, no_paths = self._paths_since()
        return RunCycles(
            self.core, tuple(sources), tuple(missing), self.empty_call, paths, no_paths, bool(self._trouble)
        )

    def _paths_since(self) -> tuple[tuple[PathCycles, ...], str]:
        """The paths of calls of this run, or why there are none."""
        if self.counter is None or self._model is None or self._trouble:
            return (), f"{self.on_chip_source or 'what counted'} counts whole steps"
        none = PathCount(0, 0)
        paths = [
            PathCycles(path, now.calls - then.calls, now.cycles - then.cycles)
            for path, now in self.counter.paths(STEP).items()
            if (then := self._paths.get(path, none)).calls != now.calls
        ]
        steps = int(self._model.sum())
        total = sum(each.cycles for each in paths)
        room = self.counter.path_room
        if total != steps and room is not None:
            return (), f"there are more paths of calls than the {room} that there is room for"
        if total != steps:
            return (), f"the paths of calls have {total} cycles together, the steps {steps}"
        return tuple(sorted(paths, key=lambda each: each.path)), ""


def empty_call(board: Board) -> int:
    """Cycles of the function that does nothing (agent.c): MOVS and BX, in one word of the flash."""
    if board.core not in CORES:
        return 0
    table = costs(board.core)
    cycles = (table["alu"].cycles or 0) + (table["branch_exchange"].cycles or 0)
    return cycles + board.memory.flash.fetch_waits(board.clock_hz)
