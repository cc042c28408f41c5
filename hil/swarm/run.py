"""Runs prepared nodes: each watches, the hub collects, and what that took is told beside what they found."""

from __future__ import annotations

import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.swarm.hub import Hub, NodeSetup, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hil.link.watch import Totals, WatchPlan
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.hub import HubNode
    from hil.swarm.spent import Spent
    from hil.swarm.twins import TwinWorld
    from hil.swarm.world import World

_BOOT_S: Final = 0.5  # a node's data-ready line is high long before


@dataclass(frozen=True)
class NodeRun:
    """What came of a node's watch.

    Attributes:
        address: of its bridge, or the twin.
        clock_hz: of SCK there.
        totals: as it told them.
        found: sequence, step and values of each report, in order.
        bus_bytes: clocked on the bus for it, and ``transactions``: how many that took.
        repairs: that its link needed.
        flash_retries: what had to be tried again to flash it: a sentence each.
        duration_s: from the beginning of its watch to its last report.
        spent: of its time; None where nothing tells that, on silicon.
    """

    address: str
    clock_hz: int
    totals: Totals
    found: tuple[tuple[int, int, tuple[int, ...]], ...]
    bus_bytes: int
    transactions: int
    repairs: int
    flash_retries: tuple[str, ...]
    duration_s: float
    spent: Spent | None


@dataclass(frozen=True)
class SwarmRun:
    """What came of a run with all nodes.

    Attributes:
        nodes: by name, in its order.
        wakes: how often the hub woke up; None where there were two, one of twins and one of the desk.
        hub: its time; None where nothing tells that.
    """

    nodes: Mapping[str, NodeRun]
    wakes: int | None
    hub: Spent | None

    @property
    def bus_bytes(self) -> int:
        """Of all nodes."""
        return sum(node.bus_bytes for node in self.nodes.values())


def run_twins(
    nodes: Sequence[BuiltNode],
    *,
    clock_hz: int,
    samples: bool = False,
    progress: Callable[[str], None] = lambda _name: None,
) -> SwarmRun:
    """As `run_in`, on twins that are powered at once (`power_twins`)."""
    with power_twins(nodes, clock_hz) as world:
        return run_in(world, nodes, samples=samples, progress=progress)


def run_desk(
    nodes: Sequence[BuiltNode],
    *,
    clock_hz: int,
    samples: bool = False,
    progress: Callable[[str], None] = lambda _name: None,
) -> SwarmRun:
    """As `run_in`, on boards on the desk, which are flashed (`hil.swarm.desk.open_desk`)."""
    from hil.swarm.desk import open_desk  # noqa: PLC0415 # imports pyOCD, which no twin needs

    with open_desk(_by_name(nodes), clock_hz) as world:
        return run_in(world, nodes, samples=samples, progress=progress)


@contextmanager
def power_twins(nodes: Sequence[BuiltNode], clock_hz: int) -> Iterator[TwinWorld]:
    """Twins of boards in this process, all powered at second 0.

    Args:
        nodes: which.
        clock_hz: of SCK.
    """
    from hil.swarm.node_chip import NodeChip  # noqa: PLC0415 # imports unicorn, which may be missing
    from hil.swarm.twins import TwinWorld  # noqa: PLC0415 # likewise

    with ExitStack() as stack:
        chips = {
            node.name: stack.enter_context(NodeChip(node.board, node.firmware, node.prepared.slot))
            for node in _by_name(nodes)
        }
        yield TwinWorld(chips, clock_hz)


def run_in(
    world: World,
    nodes: Sequence[BuiltNode],
    *,
    samples: bool = False,
    progress: Callable[[str], None] = lambda _name: None,
) -> SwarmRun:
    """Have all nodes watch, and collect what they tell.

    What happens when does not depend on the order of the nodes.

    Args:
        world: where they are, powered.
        nodes: which.
        samples: each sends its samples instead.
        progress: told the name of each that has ended.

    Raises:
        HilError: a node failed; the message names it.
    """
    hub = Hub(world)
    connected = _connect_all(hub, _by_name(nodes), world, samples=samples)
    books = _Spending(world, progress)
    plans = [(connected[node.name], _plan(node, samples=samples)) for node in _by_name(nodes)]
    totals = hub.run(plans, books)
    return SwarmRun(
        {name: _result(node, totals[name], books.of(name), world.retries(name)) for name, node in connected.items()},
        books.wakes,
        books.hub,
    )


class _Spending:
    """Where time goes, of each node while it watches; of the hub from then on, but not what it takes to have one begin.

    Args:
        world: that tells.
        progress: told the name of each node that has ended.
    """

    def __init__(self, world: World, progress: Callable[[str], None]) -> None:
        self._world = world
        self._progress = progress
        self._begun: dict[str, Spent | None] = {}
        self._ended: dict[str, Spent | None] = {}
        self._wakes = world.wakes
        self._since = self._before = world.hub_spent()

    def begins(self, _name: str) -> None:
        """See `hil.swarm.hub.Books`."""
        self._before = self._world.hub_spent()

    def begun(self, name: str) -> None:
        """See `hil.swarm.hub.Books`."""
        self._begun[name] = self._world.spent(name)
        begin = _between(self._before, self._world.hub_spent())
        if self._since is not None and begin is not None:
            self._since += begin

    def ended(self, name: str) -> None:
        """See `hil.swarm.hub.Books`."""
        self._ended[name] = self._world.spent(name)
        self._progress(name)

    def of(self, name: str) -> Spent | None:
        """A node's time; None where nothing tells that."""
        return _between(self._begun[name], self._ended[name])

    @property
    def hub(self) -> Spent | None:
        """The hub's; None where nothing tells that."""
        return _between(self._since, self._world.hub_spent())

    @property
    def wakes(self) -> int:
        """The hub's."""
        return self._world.wakes - self._wakes


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
    return SwarmRun(dict(sorted(together.items())), None, None)


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
                node.firmware.build_id,
                len(prepared.image),
                zlib.crc32(prepared.image),
                values=1 + prepared.inputs if samples else prepared.outputs,
                epoch=None if prepared.node.attached else zlib.crc32(node.name.encode()),
            )
        )
    return connected


def _plan(node: BuiltNode, *, samples: bool) -> WatchPlan:
    return node.prepared.sample_plan if samples else node.prepared.plan


def _by_name(nodes: Sequence[BuiltNode]) -> list[BuiltNode]:
    return sorted(nodes, key=lambda node: node.name)


def _between(begun: Spent | None, ended: Spent | None) -> Spent | None:
    return None if begun is None or ended is None else ended - begun


def _result(node: HubNode, totals: Totals, spent: Spent | None, flash_retries: tuple[str, ...]) -> NodeRun:
    return NodeRun(
        address=node.wire.address,
        clock_hz=node.clock_hz,
        totals=totals,
        found=tuple(
            (report.sequence, report.step, tuple(map(int, report.values)))
            for _, report in sorted(node.box.reports.items())
        ),
        bus_bytes=node.bus_bytes,
        transactions=node.transactions,
        repairs=node.agent.retries,
        flash_retries=flash_retries,
        duration_s=node.ended_s - node.begun_s,
        spent=spent,
    )
