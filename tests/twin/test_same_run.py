"""The agent with a network on the twin: the same run 20 times, and cut into random slices, is the same run.

The host's bytes come at the times at which a host that answers at once has sent them. Compared are all bytes that the
UART sends, with the time of each; with them states and outputs; the cycles of each step; and in the end the clock, the
instructions, the exceptions taken, the registers and the RAM.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from hil.emulator.machine import REGISTERS
from hil.emulator.twin.core import Stop
from hil.emulator.twin.machine import _SLICE_CYCLES
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, AgentChip, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from hil.build import Artefact

CASE = "basicmotions"
STEPS = 25
RUNS = 20
CUTS = 10
LONGEST = 100_000


@dataclass
class Script:
    """What the host has sent, and when; and how long the run took."""

    firmware: Artefact
    written: list[tuple[Fraction, bytes]]
    received: bytes
    end: Fraction


@dataclass
class Outcome:
    """All that can be seen of a run."""

    sent: list[tuple[Fraction, int]]
    steps: list[int]
    clock: int
    instructions: int
    taken: list[int]
    registers: dict[str, int]
    ram: bytes


@pytest.fixture(scope="module")
def script() -> Script:
    """A session with a host that hears and answers: its states and outputs are those of the exact integer model."""
    artefact = build(BOARD)
    assert artefact.bin is not None
    work = load_work(CASE)
    with AgentChip(artefact.bin) as chip:
        agent, wire = connect(chip)
        open_image(agent, chip, work.converted.image)
        result = agent.run(work.inputs[0][:STEPS], work.elapsed[0][:STEPS], state=work.state0)
        assert np.array_equal(result.states, work.golden_states[0][:STEPS])
        assert np.array_equal(result.outputs, work.golden_outputs[0][:STEPS])
        return Script(artefact, wire.written, bytes(byte for _, byte in chip.sent), chip.seconds())


def replay(script: Script, slices: Callable[[], int]) -> Outcome:
    """The same bytes from the host, with the chip run in slices of so many cycles."""
    model = timing_model(BOARD)
    assert model is not None
    assert script.firmware.bin is not None
    chip = AgentChip(script.firmware.bin)
    with CycleCounter(script.firmware.elf, model, plugin=False) as counter, chip.counted(counter):
        for second, data in script.written:
            chip.at_second(second, partial(chip.usart2.wire.send, data), soft=True)
        while chip.go(slices()) is not Stop.ASLEEP or chip.seconds() < script.end:
            pass
        chip.core.book()
        shared = chip.core.shared
        return Outcome(
            chip.sent,
            [call.cycles for call in counter.counts().of("ltc_step")],
            shared.clock,
            shared.instructions,
            list(shared.taken),
            {name: chip.core.read_register(name) for name in REGISTERS},
            bytes(chip.ram_content),
        )


@pytest.fixture(scope="module")
def whole(script: Script) -> Outcome:
    return replay(script, lambda: _SLICE_CYCLES)


def test_the_replay_is_the_run_of_the_session(script: Script, whole: Outcome) -> None:
    assert bytes(byte for _, byte in whole.sent) == script.received
    assert len(whole.steps) == STEPS
    assert len(whole.sent) > 1000
    assert sum(whole.taken) > 2000


def test_twenty_runs_are_one(script: Script, whole: Outcome) -> None:
    for _ in range(RUNS - 1):
        assert replay(script, lambda: _SLICE_CYCLES) == whole


@pytest.mark.parametrize("seed", range(CUTS))
def test_cut_into_random_slices_it_is_the_same(script: Script, whole: Outcome, seed: int) -> None:
    """From one cycle up, all lengths alike often by their number of digits."""
    chance = random.Random(seed)
    count = 0

    def slices() -> int:
        nonlocal count
        count += 1
        return int(LONGEST ** chance.random())

    assert replay(script, slices) == whole
    assert count > 300
