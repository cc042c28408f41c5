"""Batches for who measures current, against the C agent in one process: the right states, or a repair that is told."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.errors import InputError, LinkError, TargetFault
from hil.frame import Command, StepFlag, wire_bytes
from hil.link.batch_job import most_steps
from hil.link.jobs import Limits, SingleJob
from hil.link.refusal import Refusal
from hil.link.session import Request
from tests.contract import mixing
from tests.contract.faults import FAULTS, Schedule
from tests.contract.memory_agent import Direction, MemoryWire, compile_agent, intact

if TYPE_CHECKING:
    from pathlib import Path

    from hil.link.agent import Agent
    from hil.link.batch_job import BatchResult

MODEL = mixing.image(5, 3, 2)
STEPS, SIZES = 40, (16, 16, 8)
INPUTS, ELAPSED = mixing.sequence(2 * STEPS, 3)
START = np.arange(5, dtype=np.int32)
ENDS = np.cumsum(SIZES) - 1
STATES, OUTPUTS = (
    np.concatenate([found[ENDS] for found in pair])
    for pair in zip(
        *(mixing.run(MODEL, INPUTS[rows], ELAPSED[rows], START) for rows in (slice(STEPS), slice(STEPS, None))),
        strict=True,
    )
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_agent(tmp_path_factory.mktemp("agent"))


def opened(wire: MemoryWire) -> Agent:
    agent = wire.agent()
    agent.load_image(MODEL)
    return agent


def run(agent: Agent) -> BatchResult:
    return agent.run_batches(INPUTS, ELAPSED, START, SIZES)


def test_each_batch_tells_of_its_last_step_and_is_alone_on_the_wire(library: Path) -> None:
    wire = MemoryWire(library)
    agent = opened(wire)
    sent = len(wire.up.history)
    told: list[int] = []
    result = agent.run_batches(INPUTS, ELAPSED, START, SIZES, on_batch=told.append)
    assert np.array_equal(result.states, STATES)
    assert np.array_equal(result.outputs, OUTPUTS)
    assert (result.retries, told) == (0, [1, 2, 3, 4, 5, 6])
    assert len(wire.up.history) - sent == 8, "six batches, and the state before each sequence"


@settings(max_examples=150, deadline=None)
@given(
    up=st.lists(st.tuples(st.none() | st.sampled_from(FAULTS), st.integers(0, 2**16 - 1)), max_size=12),
    down=st.lists(st.tuples(st.none() | st.sampled_from(FAULTS), st.integers(0, 2**16 - 1)), max_size=12),
)
def test_faults_are_repaired_and_told_or_reported(library: Path, up: list, down: list) -> None:
    wire = MemoryWire(library)
    agent = opened(wire)
    wire.up.fault, wire.down.fault = Schedule(up), Schedule(down)
    try:
        result = run(agent)
    except (LinkError, TargetFault):
        return
    assert np.array_equal(result.states, STATES)
    assert np.array_equal(result.outputs, OUTPUTS)


def test_a_lost_answer_is_told_as_a_repair(library: Path) -> None:
    wire = MemoryWire(library)
    agent = opened(wire)
    left = [2]

    def lose(_: Direction, frame: bytes) -> list[bytes]:
        left[0] -= 1
        return [] if left[0] == 0 else [frame]

    wire.down.fault = lose
    result = run(agent)
    assert np.array_equal(result.states, STATES)
    assert result.retries == 1
    wire.down.fault = intact
    assert run(agent).retries == 0


def test_what_no_request_holds_is_refused(library: Path) -> None:
    agent = opened(MemoryWire(library))
    assert agent.most_steps == (1028 - 4) // 16
    for sizes in ((), (0, 40), (65, 15), (39,)):
        with pytest.raises(InputError, match=r"80 steps cannot go in batches of .*, 64 at most"):
            agent.run_batches(INPUTS, ELAPSED, START, sizes)


@pytest.mark.parametrize(
    ("steps", "flags"), [(0, 0), (1, StepFlag.STATES), (1, StepFlag.CYCLES)], ids=["none", "states", "cycles"]
)
def test_what_a_batch_does_not_go_with_is_refused(library: Path, steps: int, flags: int) -> None:
    agent = opened(MemoryWire(library))
    payload = struct.pack("<HBB", steps, StepFlag.BATCH | flags, 0) + bytes(16 * steps)
    with pytest.raises(Refusal, match="BAD_ARGUMENT"):
        agent._open_session.run(SingleJob(Request(Command.STEP, payload)))


@given(window=st.integers(64, 3000), payload=st.integers(64, 1028), inputs=st.integers(1, 10))
def test_the_largest_batch_fits_into_the_window(window: int, payload: int, inputs: int) -> None:
    steps = most_steps(Limits(payload, window, 1), inputs)
    size = 4 + 4 * (1 + inputs) * steps
    assert steps == 1 or (size <= payload and wire_bytes(size) <= window)
    larger = size + 4 * (1 + inputs)
    assert larger > payload or wire_bytes(larger) > window
