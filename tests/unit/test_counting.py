"""Which source counts a run's cycles, and why one does not: a count that may not fit its step is never given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from hil.backends import LISTED
from hil.board import WaitStates, load_board
from hil.cycles.counts import Call, PathCount
from hil.dut.counting import CycleMeter, Emulated, RunCount, open_counter, timing_model
from hil.dut.selection import Selection
from hil.link.jobs import Dimensions

BOARD = load_board("microbit")
QEMU = Selection("qemu", emulated=True)
SILICON = Selection("hardware", emulated=False, probe="99", port="/dev/tty")
MODEL = "model: QEMU plugin, Cortex-M0 timing"


@dataclass
class FakeCounter:
    """Counts what it is told: for each run the calls, or the number of calls that were missed."""

    runs: list[list[Call] | int]
    begun: int = 0
    ended: int = 0
    astray: int = 0
    path_room: int | None = None
    holds: int = 10  # calls that it keeps
    done: int = 10  # calls of the present run that are over

    @property
    def measured(self) -> int:
        self.begun += 1
        return 1000 * self.begun

    def calls(self, first: int) -> tuple[tuple[Call, ...], int]:
        self.ended = self.begun
        found = self.runs[self.begun - 1]
        if isinstance(found, int):
            return (), found
        fresh = found[first - 1000 * self.begun : self.done]
        return tuple(fresh[-self.holds :]), max(len(fresh) - self.holds, 0)

    def paths(self, root: str) -> dict[tuple[str, ...], PathCount]:
        """Of each run that has ended, a cycle in every call of the function and the rest in what it calls."""
        done = [call.cycles for each in self.runs[: self.ended] if isinstance(each, list) for call in each]
        total = sum(done) - len(done)
        return {(root,): PathCount(len(done), len(done)), (root, "f"): PathCount(len(done), total + self.astray)}


@dataclass
class FakeAgent:
    counter_bits: int = 32
    dimensions: Dimensions = field(default_factory=lambda: Dimensions(4, 2, 1, 6))

    def identify(self) -> SimpleNamespace:
        return SimpleNamespace(counter_bits=self.counter_bits, clock_hz=BOARD.clock_hz)


def calls(*cycles: int, trouble: int = 0) -> list[Call]:
    return [Call("ltc_step", each, each, 0, trouble) for each in cycles]


def step(steps: int, *, retries: int = 0, cycles: tuple[int, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(outputs=np.zeros((steps, 1)), retries=retries, cycles=np.array(cycles, np.uint32))


def run(count: RunCount, steps: SimpleNamespace, sequences: int = 1) -> RunCount:
    count.begin()
    count.end(steps, sequences)
    return count


def emulated(counted: list[Call] | int) -> RunCount:
    meter = CycleMeter(BOARD, QEMU, Emulated(FakeCounter([counted])))
    return meter.start(FakeAgent(), wanted=True)


def test_each_step_has_the_count_of_its_call() -> None:
    cycles = run(emulated(calls(5, 6, 7, 8, 9, 10)), step(6), sequences=2).result()
    assert cycles.measured is not None
    assert cycles.measured.per_step.tolist() == [[5, 6, 7], [8, 9, 10]]
    assert (cycles.core, cycles.measured.source, cycles.measured.tolerance) == ("cortex-m0", MODEL, 0)
    assert cycles.reason == "on-chip TIMER0: QEMU's TIMER0 follows the host's clock, not the core's cycles"


@pytest.mark.parametrize(
    ("counted", "done", "words"),
    [
        (calls(8, 9, 10, 11), step(4, retries=1), "the link needed 1 repairs, so a step may have been executed twice"),
        (calls(8, 9), step(4), "2 calls of ltc_step were counted for 4 steps"),
        (calls(8, 9, 10, 11, 12), step(4), "5 calls of ltc_step were counted for 4 steps"),
        ([], step(4), "no call of ltc_step was measured"),
        (7, step(4), "7 calls were measured but are no longer known"),
        (calls(8, 9, 10, 11, trouble=4), step(4), "cannot be trusted: execution could not be followed"),
    ],
)
def test_a_doubtful_count_makes_the_whole_run_not_measured(
    counted: list[Call] | int, done: SimpleNamespace, words: str
) -> None:
    cycles = run(emulated(counted), done, sequences=2).result()
    assert cycles.measured is None
    assert cycles.sources == ()
    assert cycles.missing[0].startswith(f"{MODEL}: ")
    assert words in cycles.missing[0]


@pytest.mark.parametrize("reads", [True, False])
def test_a_run_may_have_more_steps_than_the_counter_keeps_where_it_is_read_meanwhile(*, reads: bool) -> None:
    counter = FakeCounter([calls(*range(100, 108))], holds=3)
    count = CycleMeter(BOARD, QEMU, Emulated(counter)).start(FakeAgent(), wanted=True)
    count.begin()
    for counter.done in (2, 5, 6, 8):
        if reads:
            count.read_on()
    count.end(step(8), 1)
    cycles = count.result()
    if reads:
        assert cycles.measured is not None
        assert cycles.measured.per_step.tolist() == [list(range(100, 108))]
    else:
        assert "5 calls were measured but are no longer known" in cycles.reason


def test_paths_of_calls_add_up_to_the_steps_of_this_run_or_are_not_given() -> None:
    counter = FakeCounter([calls(50, 60), calls(5, 6, 7, 8, 9, 10)], begun=1, ended=1)  # one run before
    count = CycleMeter(BOARD, QEMU, Emulated(counter)).start(FakeAgent(), wanted=True)
    paths = run(count, step(6), sequences=2).result().paths
    assert [(each.path, each.calls, each.cycles) for each in paths] == [
        (("ltc_step",), 6, 6),
        (("ltc_step", "f"), 6, 5 + 6 + 7 + 8 + 9 + 10 - 6),
    ]
    counter = FakeCounter([calls(5, 6, 7)])
    count = CycleMeter(BOARD, QEMU, Emulated(counter)).start(FakeAgent(), wanted=True)
    count.begin()
    counter.astray = 1
    count.end(step(3), 1)
    result = count.result()
    assert (result.paths, result.no_paths) == ((), "the paths of calls have 19 cycles together, the steps 18")
    counter.path_room = 8
    assert "more paths of calls than the 8" in count.result().no_paths


def test_silicon_counts_by_itself_where_it_is_asked_to() -> None:
    meter = CycleMeter(BOARD, SILICON, Emulated(reason="model: silicon"))
    count = run(meter.start(FakeAgent(), wanted=True), step(2, retries=3, cycles=(11, 12)))
    cycles = count.result()
    assert cycles.measured is not None
    assert cycles.measured.per_step.tolist() == [[11, 12]]  # a count comes with its step's reply: repairs do not matter
    assert (cycles.measured.source, cycles.measured.tolerance) == ("on-chip TIMER0", 0.01)
    assert cycles.missing == ("model: silicon",)

    count = run(meter.start(FakeAgent(), wanted=False), step(2))
    assert not count.counts_on_chip
    assert count.result().reason == "model: silicon; on-chip TIMER0: not asked for"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FakeAgent(counter_bits=0), "the firmware says it has 0 bits, the board's description 32"),
        (FakeAgent(counter_bits=24), "the firmware says it has 24 bits, the board's description 32"),
    ],
)
def test_a_counter_that_is_not_as_described_is_not_believed(agent: FakeAgent, words: str) -> None:
    count = CycleMeter(BOARD, SILICON, Emulated(reason="model: silicon")).start(agent, wanted=True)
    assert not count.counts_on_chip
    assert words in count.result().reason


def test_a_counter_that_a_step_could_wrap_is_not_believed() -> None:
    counter = BOARD.counter
    assert counter is not None
    narrow = BOARD.model_copy(update={"counter": counter.model_copy(update={"bits": 16})})
    count = CycleMeter(narrow, SILICON, Emulated(reason="model: silicon")).start(FakeAgent(16), wanted=True)
    assert "more than 16 bits can tell" in count.result().reason


def test_where_both_count_both_are_given_with_their_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LISTED, "qemu", replace(LISTED["qemu"], counter_unusable=""))
    meter = CycleMeter(BOARD, QEMU, Emulated(FakeCounter([calls(104, 108)])))
    cycles = run(meter.start(FakeAgent(), wanted=True), step(2, cycles=(100, 104))).result()
    assert [each.source for each in cycles.sources] == [MODEL, "on-chip TIMER0"]
    assert [each.tolerance for each in cycles.sources] == [0, 0]
    assert cycles.missing == ()
    assert "says 4 cycles a step less" in cycles.difference
    assert cycles.empty_call == 4  # movs r0, #0; bx lr


def test_a_native_process_has_no_source() -> None:
    host = load_board("host")
    count = CycleMeter(host, Selection("native", emulated=True), Emulated()).start(FakeAgent(), wanted=True)
    assert count.result().reason == "no cycle source on board 'host'"


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        (SILICON, "silicon takes part"),
        (Selection("qemu", emulated=True, probe="emulated:microbit", port="/dev/pts/1"), "by another process"),
    ],
)
def test_a_board_that_was_not_powered_here_has_no_counter(selection: Selection, words: str) -> None:
    found = open_counter(BOARD, SimpleNamespace(), selection, SimpleNamespace())
    assert found.counter is None
    assert words in found.reason


def test_the_board_file_makes_the_timing_model() -> None:
    model = timing_model(BOARD)
    assert model is not None
    assert (model.core, model.multiply_cycles, model.memories, model.exact) == ("cortex-m0", 1, (), True)
    assert timing_model(load_board("host")) is None
    slow = BOARD.memory.flash.model_copy(
        update={"fetch_wait_states": (WaitStates(up_to_hz=BOARD.clock_hz, cycles=1),), "data_wait_states": 2}
    )
    waiting = BOARD.model_copy(update={"memory": BOARD.memory.model_copy(update={"flash": slow})})
    model = timing_model(waiting)
    assert model is not None
    assert not model.exact
    assert [(each.origin, each.fetch_wait_states, each.data_wait_states) for each in model.memories] == [(0, 1, 2)]
    count = CycleMeter(waiting, QEMU, Emulated(FakeCounter([calls(1)]))).start(FakeAgent(), wanted=True)
    assert "instruction fetches approximated" in run(count, step(1)).result().sources[0].source
