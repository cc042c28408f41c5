"""Runs prepared nodes: each watches, the hub collects, and what that took is told beside what they found."""

from __future__ import annotations

import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.swarm.hub import Hub, NodeSetup, naming
from hil.swarm.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hil.link.spi.bridge import Bridge
    from hil.link.watch import ReportBox, Totals, WatchPlan
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.hub import HubNode
    from hil.swarm.world import World

_BOOT_S: Final = 0.5  # a node's data-ready line is high long before


@dataclass(frozen=True)
class NodeRun:
    """What came of a node's watch.

    Attributes:
        totals: as it told them.
        found: sequence, step and values of each report, in order.
        bus_bytes: clocked on the bus for it, and ``transactions``: how many that took.
        repairs: that its link needed.
        duration_s: from the beginning of its watch to its last report.
        spent: of its time; None where nothing tells that, on silicon.
    """

    totals: Totals
    found: tuple[tuple[int, int, tuple[int, ...]], ...]
    bus_bytes: int
    transactions: int
    repairs: int
    duration_s: float
    spent: Spent | None


@dataclass(frozen=True)
class SwarmRun:
    """What came of a run with all nodes.

    Attributes:
        nodes: by name, in its order.
        wakes: how often the hub woke up.
        hub: its time; None where nothing tells that.
    """

    nodes: Mapping[str, NodeRun]
    wakes: int
    hub: Spent | None

    @property
    def bus_bytes(self) -> int:
        """Of all nodes."""
        return sum(node.bus_bytes for node in self.nodes.values())


def run_twins(
    nodes: Iterable[BuiltNode],
    *,
    clock_hz: int,
    samples: bool = False,
    progress: Callable[[str], None] = lambda _name: None,
    bridged: Callable[[str, Bridge], Bridge] = lambda _name, bridge: bridge,
) -> SwarmRun:
    """Power all nodes at once, on twins in this process, and collect what they tell.

    What happens when does not depend on the order of the nodes.

    Args:
        nodes: which.
        clock_hz: of SCK.
        samples: each sends its samples instead.
        progress: told the name of each that has ended.
        bridged: for tests: what the hub talks through instead of a node's share of the bus.

    Raises:
        HilError: a node failed; the message names it.
    """
    from hil.swarm.node_chip import NodeChip  # noqa: PLC0415 # imports unicorn, which may be missing
    from hil.swarm.twins import TwinWorld  # noqa: PLC0415 # likewise

    ordered = sorted(nodes, key=lambda node: node.name)
    with ExitStack() as stack:
        chips = {
            node.name: stack.enter_context(NodeChip(node.board, node.firmware, node.prepared.slot)) for node in ordered
        }
        world = TwinWorld(chips, clock_hz)
        bridges = {name: bridged(name, world.bridge(name)) for name in chips}
        hub = Hub(world, bridges.__getitem__)
        begun: dict[str, Spent] = {}
        ended: dict[str, Spent] = {}

        def has_ended(name: str) -> None:
            ended[name] = chips[name].spent
            progress(name)

        connected = _connect_all(hub, ordered, world, samples=samples)
        for node in ordered:
            hub.begin(connected[node.name], _plan(node, samples=samples))
            begun[node.name] = chips[node.name].spent
        since, wakes, slept = world.now(), world.wakes, world.slept_s
        hub.collect(connected.values(), has_ended)
        slept_s = float(world.slept_s - slept)
        return SwarmRun(
            {name: _result(node, ended[name] - begun[name]) for name, node in connected.items()},
            world.wakes - wakes,
            Spent(world.now() - since - slept_s, 0.0, slept_s),
        )


def run_desk(
    nodes: Iterable[BuiltNode],
    *,
    clock_hz: int,
    samples: bool = False,
    progress: Callable[[str], None] = lambda _name: None,
) -> SwarmRun:
    """Flash boards on the desk, open their bridges, and collect what they tell, in the time of the wall.

    Nothing there tells where the time of a node or of the hub goes.

    Args:
        nodes: boards with a probe and a bridge.
        clock_hz: of SCK.
        samples: each sends its samples instead.
        progress: told the name of each that has ended.

    Raises:
        HilError: a board cannot be flashed or reached, or a node failed; the message names it.
    """
    from hil.swarm.desk import DeskWorld, open_desk  # noqa: PLC0415 # imports pyOCD, which no twin needs

    ordered = sorted(nodes, key=lambda node: node.name)
    with ExitStack() as stack:
        bridges = {}
        for node in ordered:
            with naming(node.name):
                bridges[node.name] = stack.enter_context(open_desk(node, clock_hz))
        world = DeskWorld(bridges)
        hub = Hub(world)
        connected = _connect_all(hub, ordered, world, samples=samples)
        wakes = world.wakes
        for node in ordered:
            hub.begin(connected[node.name], _plan(node, samples=samples))
        hub.collect(connected.values(), progress)
        return SwarmRun({name: _result(node, None) for name, node in connected.items()}, world.wakes - wakes, None)


def run_nodes(nodes: Sequence[BuiltNode], *, clock_hz: int, samples: bool, progress: Callable[[str], None]) -> SwarmRun:
    """Twins in virtual time, then boards on the desk in that of the wall; as `run_twins` and `run_desk`."""
    desk = [node for node in nodes if node.prepared.node.attached]
    twins = [node for node in nodes if not node.prepared.node.attached]
    runs = []
    if twins:
        runs.append(run_twins(twins, clock_hz=clock_hz, samples=samples, progress=progress))
    if desk:
        runs.append(run_desk(desk, clock_hz=clock_hz, samples=samples, progress=progress))
    if len(runs) == 1:
        return runs[0]
    together = {name: run for each in runs for name, run in each.nodes.items()}
    return SwarmRun(dict(sorted(together.items())), sum(each.wakes for each in runs), None)


def _connect_all(hub: Hub, nodes: Sequence[BuiltNode], world: World, *, samples: bool) -> dict[str, HubNode]:
    """Have the hub get to know each node once it has booted."""
    connected = {}
    for node in nodes:
        with naming(node.name):
            world.watch_for(node.name, world.now(), world.now() + _BOOT_S)
            world.next()
        prepared = node.prepared
        connected[node.name] = hub.connect(
            NodeSetup(
                node.name,
                node.board.name,
                node.board.clock_hz,
                len(prepared.image),
                zlib.crc32(prepared.image),
                values=1 + prepared.inputs if samples else prepared.outputs,
                epoch=None if prepared.node.attached else zlib.crc32(node.name.encode()),
            )
        )
    return connected


def _plan(node: BuiltNode, *, samples: bool) -> WatchPlan:
    return node.prepared.sample_plan if samples else node.prepared.plan


def _result(node: HubNode, spent: Spent | None) -> NodeRun:
    box: ReportBox = node.box
    assert box.totals is not None  # noqa: S101 # the hub has collected it
    return NodeRun(
        totals=box.totals,
        found=tuple(
            (report.sequence, report.step, tuple(map(int, report.values))) for _, report in sorted(box.reports.items())
        ),
        bus_bytes=node.bus_bytes,
        transactions=node.transactions,
        repairs=node.agent.retries,
        duration_s=node.ended_s - node.begun_s,
        spent=spent,
    )
