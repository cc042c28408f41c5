"""A wire that damages frames may cost time, never a wrong number: the session against the C agent, in one process."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hil.link.session
from hil.errors import LinkError, TargetFault
from hil.link.session import Session
from tests.contract import mixing
from tests.contract.faults import FAULTS, FaultFunction, RandomFaults, Schedule, double, drop, flip, replay_run
from tests.contract.memory_agent import Direction, MemoryWire, compile_agent

MODEL = mixing.image(5, 3, 2, padding=3000)
INPUTS, ELAPSED = mixing.sequence(200, 3)
START = np.arange(5, dtype=np.int32)
STATES, OUTPUTS = mixing.run(MODEL, INPUTS, ELAPSED)
LATER_STATES, LATER_OUTPUTS = mixing.run(MODEL, INPUTS, ELAPSED, START)
HALF = len(ELAPSED) // 2
ANEW_STATES, _ = mixing.run(MODEL, INPUTS[HALF:], ELAPSED[HALF:], START)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_agent(tmp_path_factory.mktemp("agent"))


def work(wire: MemoryWire, session: type[Session] = Session) -> int:
    """Everything the harness does with an agent; returns the repairs. Fails on the first number that is wrong."""
    agent = wire.agent(session=session)
    agent.load_image(MODEL)
    first = agent.run(INPUTS, ELAPSED)
    assert np.array_equal(first.states, STATES)
    assert np.array_equal(first.outputs, OUTPUTS)
    assert np.array_equal(agent.get_state(), STATES[-1])
    agent.set_state(START)
    second = agent.run(INPUTS, ELAPSED, want_states=False)
    assert np.array_equal(second.outputs, LATER_OUTPUTS)
    assert np.array_equal(second.final_state, LATER_STATES[-1])
    third = agent.run(INPUTS, ELAPSED, state=START, sequence_steps=HALF)
    assert np.array_equal(third.states, np.concatenate([LATER_STATES[:HALF], ANEW_STATES]))
    agent.reset_state()
    assert not agent.get_state().any()
    return agent.retries


PLAN = st.lists(st.tuples(st.none() | st.sampled_from(FAULTS), st.integers(0, 2**16 - 1)), max_size=30)


@settings(max_examples=2000, deadline=None)
@given(up=PLAN, down=PLAN)
def test_any_faults_are_repaired_or_reported(library: Path, up: list, down: list) -> None:
    wire = MemoryWire(library, Schedule(up), Schedule(down))
    faults = sum(fault is not None for fault, _ in up + down)
    try:
        work(wire)
    except LinkError:
        # Ten repairs in a row may fail, or four time-outs without any answer to SYNC; fewer faults cannot do that.
        assert faults > 4


def test_thousands_of_faults_pass_no_wrong_number(library: Path) -> None:
    faults = repairs = reported = 0
    for seed in range(3000):
        up, down = RandomFaults(seed, 0.12), RandomFaults(~seed, 0.12)
        try:
            repairs += work(MemoryWire(library, up, down))
        except LinkError:
            reported += 1
        faults += up.faults + down.faults
    assert faults > 40_000
    assert repairs > 10_000
    assert reported <= 2


def replay_after_loss(direction: Direction, frame: bytes, number: int) -> list[bytes]:
    """Old frames come again, in a session that losses have given many epochs."""
    return drop(direction, frame, number) if number % 4 == 0 else replay_run(direction, frame, number)


def caught(library: Path, fault: FaultFunction, session: type[Session] = Session) -> bool:
    """Whether some seed of this fault makes the work fail with a wrong number or a refusal."""
    for seed in range(60):
        faults = RandomFaults(seed, 0.2, [fault])
        try:
            work(MemoryWire(library, faults, faults), session)
        except (AssertionError, TargetFault):
            return True
        except LinkError:
            continue
    return False


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (("agent/agent.c", "request.header.seq != agent->expected", "request.header.seq == 0"), double),
        (("agent/frame.c", "decoder->length) == sent ?", "decoder->length) != 0 || sent != 0 ?"), flip),
    ],
    ids=["executes any seq", "ignores the CRC"],
)
def test_these_faults_find_an_agent_without_a_check(
    tmp_path: Path, edit: tuple[str, str, str], fault: FaultFunction
) -> None:
    assert caught(compile_agent(tmp_path, edit), fault)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("if frame.seq > seq or", "if", drop),
        ("if frame.epoch != self._epoch or not frame.is_reply:", "if not frame.is_reply:", replay_after_loss),
        ("job.rewind()", "pass", drop),
    ],
    ids=["takes any later answer", "takes answers of old epochs", "goes on without restoring"],
)
def test_these_faults_find_a_session_without_a_check(library: Path, old: str, new: str, fault: FaultFunction) -> None:
    text = Path(hil.link.session.__file__).read_text()
    assert text.count(old) == 1
    defective = types.ModuleType("defective_session")
    sys.modules[defective.__name__] = defective  # where dataclasses look up their annotations
    try:
        exec(compile(text.replace(old, new), "defective_session", "exec"), vars(defective))  # noqa: S102 - own source
        assert caught(library, fault, defective.Session)
    finally:
        del sys.modules[defective.__name__]
