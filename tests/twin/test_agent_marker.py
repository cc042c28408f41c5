"""The marker pin of the firmware on the twin: one pulse a step, as long as the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, AgentChip, connect

if TYPE_CHECKING:
    from fractions import Fraction

    from hil.link.agent import StepResult

STEPS = 60
EMPTY_CALL = 3  # MOVS and BX, which the firmware subtracts
INTERRUPT = 80  # fewer cycles than the link's handler takes with entry and return


def pulses(*, count_cycles: bool) -> tuple[np.ndarray, np.ndarray, StepResult]:
    """Cycles for which the marker is high, those of each step by the twin's count, and the result."""
    work, artefact, model = load_work("tiny_dense"), build(BOARD), timing_model(BOARD)
    assert artefact.bin is not None
    assert model is not None
    chip = AgentChip(artefact.bin)
    port, pin = chip.pins.port(BOARD.marker)
    edges: list[tuple[int, int]] = []
    port.on_output.append(lambda cycle, _old, new: edges.append((cycle, new >> pin & 1)))
    with CycleCounter(artefact.elf, model, plugin=False) as counter, chip.counted(counter):
        agent, _ = connect(chip)
        open_image(agent, chip, work.converted.image)
        assert not edges
        assert port.mode(pin) == 1
        inputs, elapsed = work.inputs[0, :STEPS], work.elapsed[0, :STEPS]
        result = agent.run(inputs, elapsed, state=work.state0, count_cycles=count_cycles)
        assert np.array_equal(result.states, work.golden_states[0, :STEPS])
        chip.core.book()
        calls = counter.counts().of("ltc_step")
    assert [level for _, level in edges] == [1, 0] * STEPS
    cycles = np.array([cycle for cycle, _ in edges]).reshape(STEPS, 2)
    return cycles[:, 1] - cycles[:, 0], np.array([call.cycles for call in calls]), result


def test_with_its_own_count_nothing_disturbs_a_step() -> None:
    high, counted, result = pulses(count_cycles=True)
    assert len(set(counted)) > 1
    assert len(set(high - counted)) == 1, "what comes to a step's cycles is the same each time"
    assert 0 < (high - counted)[0] < INTERRUPT
    assert set(counted - result.cycles) == {EMPTY_CALL}, "and is not in the firmware's count"


def test_without_it_interrupts_lengthen_some() -> None:
    high, counted, _ = pulses(count_cycles=False)
    more = high - counted
    assert min(more) > 0
    assert max(more) > min(more), "bytes arrive and leave meanwhile"
    assert max(more) < min(counted) // 2


def test_in_a_batch_it_is_high_without_a_break_and_nothing_is_sent() -> None:
    work, artefact = load_work("tiny_dense"), build(BOARD)
    assert artefact.bin is not None
    chip = AgentChip(artefact.bin)
    port, pin = chip.pins.port(BOARD.marker)
    edges: list[tuple[Fraction, int]] = []
    agent, wire = connect(chip)
    open_image(agent, chip, work.converted.image)
    port.on_output.append(lambda _cycle, _old, new: edges.append((chip.seconds(), new >> pin & 1)))
    sizes = (20, 20, 7)
    ends = np.cumsum(sizes) - 1
    inputs, elapsed = work.inputs[0, : sum(sizes)], work.elapsed[0, : sum(sizes)]
    result = agent.run_batches(inputs, elapsed, work.state0, sizes)
    assert np.array_equal(result.states, work.golden_states[0, ends])
    assert np.array_equal(result.outputs, work.golden_outputs[0, ends])
    levels = [(at, level) for (at, level), before in zip(edges, [(0, 0), *edges], strict=False) if level != before[1]]
    assert [level for _, level in levels] == [1, 0] * len(sizes)
    for (high, _), (low, _) in zip(levels[::2], levels[1::2], strict=True):
        assert not any(high < at < low for at, _ in chip.sent)
        assert not any(high < at < low for at, _ in wire.written)
    lengths = [float(low - high) for (high, _), (low, _) in zip(levels[::2], levels[1::2], strict=True)]
    assert lengths[0] > 2.5 * lengths[2]
