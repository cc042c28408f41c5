"""A hub and nodes on twins: what the nodes tell is the reference's, each run is the same, and defects are red."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from hil.errors import HilError, LinkError, TargetFault
from hil.swarm.judge import judge, judge_samples
from hil.swarm.run import power_twins, run_in
from tests.hil.defects import Defect
from tests.swarm.small import STEP_TOO_MANY, built, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hil.link.spi.bridge import Bridge
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.run import SwarmRun
    from tests.hil.defects import Workshop


HZ = 8_000_000


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> list[BuiltNode]:
    return built(tmp_path_factory.mktemp("nodes"))


def problems(nodes: Sequence[BuiltNode], came: SwarmRun) -> list[str]:
    return [problem for node in nodes for problem in judge(node.prepared, came.nodes[node.name]).problems]


def test_each_anomaly_of_the_reference_is_told_and_no_other(nodes: list[BuiltNode]) -> None:
    assert [len(node.prepared.reference.anomalies) for node in nodes] == [4, 1, 6, 12]
    came = run(nodes)
    assert problems(nodes, came) == []
    assert came.wakes is not None
    for node in nodes:
        told = came.nodes[node.name]
        # One transaction a report, the end's too, and those that begin the watch.
        assert told.transactions == len(told.found) + 2
        assert told.repairs == 0
        assert told.spent is not None
        assert told.spent.stopped_s > 0.9 * told.duration_s
        assert told.spent.total_s == pytest.approx(told.duration_s, abs=1e-3)
        assert told.spent.awake_s > told.totals.cycles / node.board.clock_hz
    assert came.wakes <= sum(len(told.found) + 1 for told in came.nodes.values())


def test_the_baseline_sends_every_sample(nodes: list[BuiltNode]) -> None:
    came = run(nodes, samples=True)
    assert [judge_samples(node.prepared, came.nodes[node.name]) for node in nodes] == [()] * len(nodes)
    for told in came.nodes.values():
        assert told.transactions < 1.2 * told.totals.steps
        assert told.totals.cycles == 0
        assert told.spent is not None
        assert told.spent.stopped_s > 0.9 * told.duration_s


def test_a_run_is_the_same_twice_and_in_any_order(nodes: list[BuiltNode]) -> None:
    for samples in (False, True):
        first = run(nodes, samples=samples)
        assert run(nodes, samples=samples) == first
        assert run(nodes[::-1], samples=samples) == first


def test_identical_nodes_draw_the_same_whatever_their_names(nodes: list[BuiltNode]) -> None:
    """Twenty, of which the first has to tell something while the hub still has the last ones begin."""
    tiny = nodes[2].prepared
    plan = replace(tiny.plan, period_ms=20, rule=replace(tiny.plan.rule, threshold=-(1 << 31), steps=1))
    same = [
        replace(nodes[2], prepared=replace(tiny, plan=plan, node=tiny.node.model_copy(update={"name": f"n{n:02}"})))
        for n in range(20)
    ]
    transaction_s = 40e-6  # with a report of this network
    for samples, reports in ((False, 1), (True, tiny.steps)):
        came = run(same, samples=samples)
        assert {told.bus_bytes for told in came.nodes.values()} == {came.nodes["n00"].bus_bytes}
        spent = [told.spent for told in came.nodes.values()]
        assert None not in spent
        # The hub is busy with another node at times: with a transaction, and once with having it begin.
        waits_s = 1.4e-3 + reports * transaction_s
        for state, most in (("awake_s", 50e-6), ("asleep_s", waits_s), ("stopped_s", waits_s)):
            seconds = [getattr(each, state) for each in spent]
            assert max(seconds) - min(seconds) < most, (samples, state, seconds)


def test_another_firmware_than_the_one_that_was_built_is_no_node(nodes: list[BuiltNode]) -> None:
    """Whatever it computes."""
    built_anew = [replace(node, firmware=replace(node.firmware, build_id="0123456789abcdef")) for node in nodes[2:]]
    with (
        power_twins(nodes, HZ) as world,
        pytest.raises(TargetFault, match=f"node 'maps': stale firmware .*: {nodes[0].firmware.build_id} answers, 0123"),
    ):
        run_in(world, built_anew)


class Faulty:
    """A share of the bus on which bits flip, transactions are lost, or chip select is released too early."""

    def __init__(self, bridge: Bridge, seed: int, share: float) -> None:
        self._bridge = bridge
        self._random = random.Random(seed)
        self._share = share
        self.address, self.clock_hz = bridge.address, bridge.clock_hz
        self.data_ready, self.close = bridge.data_ready, bridge.close
        self.faults = 0

    def exchange(self, data: bytes) -> bytes:
        if self._random.random() >= self._share:
            return self._bridge.exchange(data)
        self.faults += 1
        kind = self._random.choice(("flip in", "flip out", "lost", "cut", "silent"))
        if kind == "lost":
            return b"\xff" * len(data)
        if kind == "cut":
            at = self._random.randrange(len(data))
            return (self._bridge.exchange(data[:at]) if at else b"").ljust(len(data), b"\xff")
        heard = self._bridge.exchange(self._flipped(data) if kind == "flip out" else data)
        if kind == "silent":
            return bytes(len(heard))
        return self._flipped(heard) if kind == "flip in" else heard

    def _flipped(self, data: bytes) -> bytes:
        place, bit = self._random.randrange(len(data)), self._random.randrange(8)
        return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def run_faulty(nodes: Sequence[BuiltNode], seed: int) -> tuple[SwarmRun, int]:
    """With a share of all transactions spoilt; and how many were."""
    bridges: list[Faulty] = []

    def bridged(_name: str, bridge: Bridge) -> Bridge:
        bridges.append(Faulty(bridge, 100 * seed + len(bridges), 0.15))
        return bridges[-1]  # type: ignore[return-value] # as far as a wire needs one

    return run(nodes, bridged=bridged), sum(bridge.faults for bridge in bridges)


def test_faults_on_the_bus_lose_no_anomaly_and_add_none(nodes: list[BuiltNode]) -> None:
    few = [node for node in nodes if node.name in {"tiny", "maps"}]
    faults = 0
    reported: list[str] = []
    for seed in range(24):
        try:
            came, count = run_faulty(few, seed)
        except HilError as error:
            reported.append(str(error))
            continue
        faults += count
        assert problems(few, came) == []
    assert faults > 100
    assert all("node '" in each for each in reported)
    assert len(reported) <= 2, reported


@contextmanager
def with_defect(workshop: Workshop, nodes: Sequence[BuiltNode], defect: Defect) -> Iterator[list[BuiltNode]]:
    """The same nodes with a defect in their firmware."""
    with workshop.planted(defect) as artefact:
        yield [replace(node, firmware=artefact) for node in nodes]


DEFECTS = [
    STEP_TOO_MANY,
    Defect(
        "compares other units",
        "agent/rule.c",
        "const uint32_t *shifts = rule->shifts;",
        "static const uint32_t shifts[4];",
    ),
    Defect("the run goes on into the next", "agent/watch.c", "        rule_begin(&watch->rule);\n", ""),
    Defect(
        "a report is dropped",
        "agent/watch.c",
        "    watch->last++;\n",
        "    if (watch->last == 1u) {\n        return;\n    }\n    watch->last++;\n",
    ),
    Defect(
        "state not reset between sequences",
        "agent/watch.c",
        "    if (watch->step == 0) {\n        const int error",
        "    if (watch->done == 0) {\n        const int error",
    ),
    Defect(
        "starts from zero",
        "agent/watch.c",
        "ltc_set_state(&agent->net, watch->start, agent->net.neurons);",
        "LTC_OK;\n        ltc_reset(&agent->net);",
    ),
    Defect(
        "tells another step",
        "agent/watch.c",
        "watch->sequence | watch->step << 16",
        "watch->sequence | (watch->step + 1u) << 16",
    ),
    Defect(
        "takes a sample twice",
        "agent/watch.c",
        "    watch->next += 1u + agent->net.inputs;\n",
        "    watch->next += watch->done == 7u ? 0u : 1u + agent->net.inputs;\n",
    ),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_a_defect_is_red(workshop: Workshop, nodes: list[BuiltNode], defect: Defect) -> None:
    with with_defect(workshop, nodes, defect) as defective:
        assert problems(defective, run(defective))


def test_a_node_that_hangs_is_named(workshop: Workshop, nodes: list[BuiltNode]) -> None:
    hangs = Defect(
        "hangs",
        "agent/watch.c",
        "    watch->late += ticks - 1u;\n",
        "    watch->late += ticks - 1u;\n    while (watch->done == 20u) {\n    }\n",
    )
    with with_defect(workshop, nodes, hangs) as (defective, *_):
        mixed = [defective if node.name == defective.name else node for node in nodes]
        with pytest.raises(LinkError, match="node 'wrist': board 'nucleo-l031' does not answer"):
            run(mixed)


def test_a_node_that_stops_in_a_fault_is_named(workshop: Workshop, nodes: list[BuiltNode]) -> None:
    faults = Defect(
        "faults",
        "agent/watch.c",
        "    watch->late += ticks - 1u;\n",
        '    watch->late += ticks - 1u;\n    if (watch->done == 20u) {\n        __asm volatile("udf #0");\n    }\n',
    )
    with (
        with_defect(workshop, nodes, faults) as defective,
        pytest.raises(TargetFault, match="the firmware on board 'nucleo-l031' stopped in a HardFault"),
    ):
        run(defective)


def test_a_node_that_restarts_is_named(nodes: list[BuiltNode]) -> None:
    def bridged(name: str, bridge: Bridge) -> Bridge:
        if name == "maps":
            chip = bridge._chip  # type: ignore[attr-defined]
            chip.after(Fraction(1), chip.request_reset, lasting=True)
        return bridge

    with pytest.raises(TargetFault, match="node 'maps': the firmware on board 'nucleo-l031' has restarted"):
        run(nodes, bridged=bridged)


def test_steps_that_take_longer_than_the_period_are_told(nodes: list[BuiltNode]) -> None:
    wrist = nodes[0]
    hurried = replace(wrist, prepared=replace(wrist.prepared, plan=replace(wrist.prepared.plan, period_ms=1)))
    verdict = judge(hurried.prepared, run([hurried]).nodes["wrist"])
    assert verdict.missed == verdict.false == 0
    assert len(verdict.problems) == 1
    assert "took longer than the 1 ms of period_ms" in verdict.problems[0]
