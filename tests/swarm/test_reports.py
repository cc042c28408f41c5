"""Reports that the bus loses, doubles or damages: each anomaly is collected once, or the hub says that it cannot."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hil.link.session
from hil.emulator.machine import MemoryFault
from hil.errors import HilError, InputError, LinkError, RigError, TargetFault
from hil.frame import REPLY, Command, RuleKind, Status, decode
from hil.link.refusal import Refusal
from hil.link.session import Session
from hil.link.watch import DeviceRule, WatchPlan
from hil.swarm.hub import naming
from tests.contract.faults import FAULTS, RandomFaults, Schedule, replay_run
from tests.contract.memory_agent import compile_agent
from tests.swarm.memory_node import OFFSETS, RECORDINGS, REFUSED_OFFSET, RULE, SEQUENCES, STEPS, connect, told, watch

if TYPE_CHECKING:
    from hil.swarm.hub import HubNode
    from tests.contract.memory_agent import Direction
    from tests.swarm.memory_node import NodeWire

PLAN = st.lists(st.tuples(st.none() | st.sampled_from(FAULTS), st.integers(0, 2**16 - 1)), max_size=30)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_agent(tmp_path_factory.mktemp("agent"))


def check(node, which: int) -> None:
    recording = RECORDINGS[which]
    assert told(node) == recording.anomalies
    totals = node.box.totals
    assert (totals.steps, totals.anomalies, totals.crc) == (SEQUENCES * STEPS, len(recording.anomalies), recording.crc)
    assert totals.dropped == totals.late == 0


def serve_on(node: HubNode, wire: NodeWire, *, ready: bool = False) -> None:
    """Until all has come; the line is as it is, or stuck at high."""
    while not node.serve(wire.now, ready=ready or wire.line):
        pass


def without_reports(_: Direction, frame: bytes) -> list[bytes]:
    """Answers alone come."""
    whole = decode(frame[:-1])
    return [] if whole is not None and whole.command == Command.REPORT | REPLY else [frame]


def work(library: Path, up, down, session: type[Session] = Session) -> int:
    """Two watches with other recordings; returns the repairs."""
    node, wire = connect(library, up, down, session)
    for which in (0, 1):
        watch(node, wire, which)
        check(node, which)
    return node.agent.retries


def test_there_is_something_to_tell() -> None:
    assert [len(recording.anomalies) for recording in RECORDINGS] == [39, 42]
    assert RECORDINGS[0].anomalies != RECORDINGS[1].anomalies


@settings(max_examples=600, deadline=None)
@given(up=PLAN, down=PLAN)
def test_any_faults_are_repaired_or_reported(library: Path, up: list, down: list) -> None:
    faults = sum(fault is not None for fault, _ in up + down)
    try:
        work(library, Schedule(up), Schedule(down))
    except (LinkError, RigError):
        assert faults > 4


def test_thousands_of_faults_lose_no_anomaly_and_add_none(library: Path) -> None:
    faults = reported = 0
    for seed in range(600):
        up, down = RandomFaults(seed, 0.15), RandomFaults(~seed, 0.15)
        try:
            work(library, up, down)
        except (LinkError, RigError):
            reported += 1
        faults += up.faults + down.faults
    assert faults > 8000
    assert reported <= 6


def test_the_hub_takes_reports_off_the_nodes_hands(library: Path) -> None:
    # More anomalies than a node keeps, and none is dropped.
    node, wire = connect(library)
    watch(node, wire, 0)
    assert 0 < node._room < len(RECORDINGS[0].anomalies)
    assert node._acknowledged > 0
    check(node, 0)


def test_a_node_that_nobody_listens_to_counts_what_it_drops(tmp_path: Path) -> None:
    few = ("agent/watch.c", "watch->room > WATCH_REPORTS_MOST", "watch->room > 6u")
    most = ("agent/watch.c", "watch->room = WATCH_REPORTS_MOST", "watch->room = 6u")
    text = (Path(__file__).parents[2] / "firmware" / "agent" / "watch.c").read_text()
    assert text.count(few[1]) == text.count(most[1]) == 1
    both = text[text.index(few[1]) : text.index(most[1]) + len(most[1])]
    library = compile_agent(tmp_path, ("agent/watch.c", both, both.replace(few[1], few[2]).replace(most[1], most[2])))
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    for _ in range(SEQUENCES * STEPS):
        wire.tick()
    serve_on(node, wire)
    assert told(node) == RECORDINGS[0].anomalies[:6]
    assert node.box.totals is not None
    assert node.box.totals.dropped == len(RECORDINGS[0].anomalies) - 6
    assert node.box.totals.anomalies == len(RECORDINGS[0].anomalies)


def test_a_crash_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    wire.tick()
    wire.crash()
    wire.inject(wire.take())
    with pytest.raises(TargetFault, match="stopped in a HardFault at pc 0x00001234"):
        serve_on(node, wire)


def test_a_restart_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    wire.tick()
    wire.boot()
    wire.inject(b"\0")  # what a board says when it has booted
    with pytest.raises(TargetFault, match="has restarted in the middle of the session"):
        serve_on(node, wire, ready=True)


def test_a_node_that_hangs_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    wire.silent = True
    with pytest.raises(LinkError, match="does not answer"):
        node.serve(node.deadline_s, ready=False)


def test_a_node_that_does_not_end_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    wire.tick()  # and no other
    with pytest.raises(TargetFault, match="not ended its watch in time"):
        serve_on(node, wire)


def test_a_line_that_is_stuck_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    with pytest.raises(RigError, match="was high 8 times in a row, and nothing came that it had to tell"):
        serve_on(node, wire, ready=True)


def test_a_stuck_line_is_looked_at_less_and_less_often(library: Path) -> None:
    # A board that was slow for a moment, as an emulated one on a busy computer, is not given up meanwhile.
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    pauses = []
    for _ in range(7):
        assert not node.serve(wire.now, ready=True)
        pauses.append(node.pause_s)
    assert pauses[0] == 0
    assert pauses == sorted(pauses)
    assert sum(pauses) > 0.1
    wire.tick()
    while not wire.line:
        wire.tick()
    assert not node.serve(wire.now, ready=True)
    assert node.box.taken > 0
    assert node.pause_s == 0


def test_a_line_that_stays_low_while_there_are_reports_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    for _ in range(SEQUENCES * STEPS):
        wire.tick()
    wire.lose_arrived()
    wire.down.fault = without_reports
    for _ in range(7):
        assert not node.serve(node.deadline_s, ready=False)
    with pytest.raises(RigError, match="was low 8 times in a row when it should have told something"):
        node.serve(node.deadline_s, ready=False)


@pytest.mark.parametrize(
    "error",
    [
        Refusal("memory", Command.WATCH, Status.TICK_RANGE, 7),
        MemoryFault(0x1234),
        InputError("no such file", cause="gone", hint="look"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_goes_wrong_with_a_node_names_it_and_stays_what_it_is(error: HilError) -> None:
    before = dict(vars(error))
    with pytest.raises(type(error)) as caught, naming("one"):
        raise error
    assert caught.value is error
    assert str(error).startswith(f"node 'one': {before.pop('message')}")
    assert {key: value for key, value in vars(error).items() if key != "message"} == before


def test_a_refused_step_is_told(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, REFUSED_OFFSET, 2, 2, RULE), wire.clock)
    for _ in range(4):
        wire.tick()
    with pytest.raises(Refusal, match=r"WATCH at sequence 1, step 1: STEP_REJECTED.*LTC_ERR_ELAPSED") as caught:
        serve_on(node, wire)
    assert caught.value.status == Status.STEP_REJECTED


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"period_ms": 0}, Status.TICK_RANGE),
        ({"period_ms": 1001}, Status.TICK_RANGE),
        ({"sequences": 0}, Status.BAD_ARGUMENT),
        ({"offset": 6}, Status.BAD_ARGUMENT),
        ({"rule": DeviceRule(RuleKind.LARGEST, 1, 1)}, Status.BAD_ARGUMENT),  # its first shift is a word of a sample
        ({"offset": 65536}, Status.WATCH_RANGE),
        ({"steps": 65535}, Status.WATCH_RANGE),
    ],
)
def test_a_plan_that_cannot_be_is_refused(library: Path, change: dict[str, Any], status: Status) -> None:
    node, wire = connect(library)
    plan = WatchPlan(**({"period_ms": 10, "offset": OFFSETS[0], "sequences": 2, "steps": 3, "rule": RULE} | change))
    with pytest.raises(Refusal) as caught:
        node.begin(plan, wire.clock)
    assert caught.value.status == status
    assert "the image" not in str(caught.value)  # which would be about what was not asked for
    if status == Status.WATCH_RANGE:
        assert "the recordings do not fit into the 65536 bytes of its image slot" in caught.value.message


def test_a_start_state_that_the_runtime_refuses_is_told(tmp_path: Path) -> None:
    sets = "ltc_set_state(&agent->net, watch->start, agent->net.neurons);"
    refuses = ("agent/watch.c", sets, "watch->done == 0 ? LTC_OK : LTC_ERR_STATE;")
    node, wire = connect(compile_agent(tmp_path, refuses))
    node.begin(WatchPlan(10, OFFSETS[0], 2, 3, RULE), wire.clock)
    for _ in range(4):
        wire.tick()
    with pytest.raises(Refusal, match=r"at sequence 1, step 0: STATE_REJECTED .* the state: LTC_ERR_STATE"):
        serve_on(node, wire)


def test_a_network_that_leaves_no_room_for_reports_is_refused(tmp_path: Path) -> None:
    node, wire = connect(compile_agent(tmp_path, ("agent/watch.c", "room < WATCH_REPORTS_FEWEST", "room < 33u")))
    with pytest.raises(Refusal, match="leaves RAM for 32 reports, which are too few") as caught:
        node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    assert caught.value.status == Status.WATCH_ROOM


def test_what_uses_the_network_ends_the_watch(library: Path) -> None:
    node, wire = connect(library)
    node.begin(WatchPlan(10, OFFSETS[0], SEQUENCES, STEPS, RULE), wire.clock)
    node.agent.echo(b"x")
    assert node.agent.take_reports(0) == 0
    node.agent.reset_state()
    with pytest.raises(Refusal) as caught:
        node.agent.take_reports(0)
    assert caught.value.status == Status.NO_WATCH


def caught(library: Path, session: type[Session] = Session, kinds=FAULTS) -> bool:
    """Whether some faults make a report wrong, missing or false."""
    for seed in range(150):
        faults = RandomFaults(seed, 0.2, kinds)
        try:
            work(library, faults, faults, session)
        except AssertionError:
            return True
        except (LinkError, RigError, TargetFault):
            continue
    return False


def test_these_faults_find_a_session_that_takes_reports_of_old_epochs(library: Path) -> None:
    text = Path(hil.link.session.__file__).read_text()
    old = "if frame.epoch == self._epoch and frame.command == Command.REPORT | REPLY:"
    assert text.count(old) == 1
    text = text.replace(old, "if frame.command == Command.REPORT | REPLY:")
    defective = types.ModuleType("defective_session")
    sys.modules[defective.__name__] = defective  # where dataclasses look up their annotations
    try:
        exec(compile(text, "defective_session", "exec"), vars(defective))  # noqa: S102 - own source
        assert caught(library, defective.Session, [replay_run])
    finally:
        del sys.modules[defective.__name__]


def test_these_faults_find_a_node_that_keeps_only_the_latest(tmp_path: Path) -> None:
    keeps_one = ("agent/watch.c", "(number - 1u) % watch->room * watch->words", "(number - 1u) % 1u * watch->words")
    assert caught(compile_agent(tmp_path, keeps_one))


def test_without_faults_nothing_is_repaired_or_asked_again(library: Path) -> None:
    node, wire = connect(library)
    sent = len(wire.up.history)
    watch(node, wire, 0)
    check(node, 0)
    assert node.agent.retries == 0
    assert len(wire.up.history) - sent == 3 + len(RECORDINGS[0].anomalies) // (
        node._room // 2
    )  # zero, SYNC, WATCH, some taken
