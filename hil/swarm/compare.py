"""The same nodes twice: telling of anomalies alone, and sending every sample. What that costs, and saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.errors import InputError
from hil.swarm.build_nodes import build_nodes
from hil.swarm.energy import EnergyModel
from hil.swarm.judge import Verdict, judge, judge_samples
from hil.swarm.nodes_file import KIND
from hil.swarm.run import NodeRun, SwarmRun, run_nodes
from hil.swarm.spent import Spent
from hil.yaml_file import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hil.board import Board
    from hil.swarm.nodes_file import Swarm


@dataclass(frozen=True)
class NodeRow:
    """A node in both runs; energies in millijoules, None where they are not modelled.

    Attributes:
        attached: a board on the desk, and no twin.
    """

    name: str
    attached: bool
    network: str
    watched: NodeRun
    sampled: NodeRun
    verdict: Verdict
    sample_problems: tuple[str, ...]
    watched_mJ: float | None  # noqa: N815 # the unit
    sampled_mJ: float | None  # noqa: N815 # the unit


@dataclass(frozen=True)
class HubEnergy:
    """What the hub is modelled to need: for the bus, and with the steps that it makes itself.

    Attributes:
        watched_mJ: nodes tell of anomalies alone.
        sampled_mJ: they send every sample, and the hub does nothing with them.
        computing_mJ: it makes the nodes' steps with them.
    """

    watched_mJ: float  # noqa: N815 # the unit
    sampled_mJ: float  # noqa: N815 # the unit
    computing_mJ: float  # noqa: N815 # the unit


@dataclass(frozen=True)
class Compared:
    """Both runs.

    Attributes:
        rows: each node, by name.
        watched: the run that tells of anomalies.
        sampled: the baseline.
        hub: what the hub needs; None where that is not modelled.
        models: by board, of nodes and hub.
    """

    rows: tuple[NodeRow, ...]
    watched: SwarmRun
    sampled: SwarmRun
    hub: HubEnergy | None
    models: Mapping[str, EnergyModel]

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a sentence each."""
        return [
            f"node '{row.name}'{mode} {problem}"
            for row in self.rows
            for mode, problems in (("", row.verdict.problems), (", sending its samples,", row.sample_problems))
            for problem in problems
        ]


def compare_runs(swarm: Swarm, progress: Callable[[str], None]) -> Compared:
    """Prepare all nodes, and run them twice.

    Args:
        swarm: the nodes file.
        progress: told the name of each node that has ended, in each run.

    Raises:
        HilError: a file that cannot be used, or a node that failed; the message names it.
    """
    nodes = build_nodes(swarm)
    clock_hz = bus_clock(swarm, [node.board for node in nodes])
    watched = run_nodes(nodes, clock_hz=clock_hz, samples=False, progress=progress)
    sampled = run_nodes(nodes, clock_hz=clock_hz, samples=True, progress=progress)
    hub_board = load_board(swarm.hub_board_name)
    energy = {node.name: EnergyModel.of(node.board) for node in nodes}
    hub_energy = EnergyModel.of(hub_board)
    rows = tuple(
        NodeRow(
            name=node.name,
            attached=node.prepared.node.attached,
            network=node.prepared.model_name,
            watched=watched.nodes[node.name],
            sampled=sampled.nodes[node.name],
            verdict=judge(node.prepared, watched.nodes[node.name]),
            sample_problems=judge_samples(node.prepared, sampled.nodes[node.name]),
            watched_mJ=energy[node.name].energy_mJ(watched.nodes[node.name].spent),
            sampled_mJ=energy[node.name].energy_mJ(sampled.nodes[node.name].spent),
        )
        for node in sorted(nodes, key=lambda node: node.name)
    )
    models = {node.board.name: energy[node.name] for node in nodes} | {hub_board.name: hub_energy}
    return Compared(rows, watched, sampled, _hub(hub_board, hub_energy, watched, sampled), models)


def bus_clock(swarm: Swarm, boards: Sequence[Board]) -> int:
    """SCK of the bus: what was asked for, or the fastest that all boards take.

    Raises:
        InputError: one does not take what was asked for.
    """
    slowest = min(boards, key=lambda board: board.links.spi.max_hz if board.links.spi else 0)
    limit = slowest.links.spi.max_hz if slowest.links.spi else 0
    asked = swarm.says.clock_hz or limit
    if asked > limit:
        raise InputError(
            f"{place_of(swarm.path, KIND, ('clock_hz',))}: {asked} Hz is more than the {limit} Hz that board "
            f"'{slowest.name}' takes",
            hint=f"write clock_hz: {limit}, or leave it out",
        )
    return asked


def _hub(board: Board, model: EnergyModel, watched: SwarmRun, sampled: SwarmRun) -> HubEnergy | None:
    """The hub as if it were such a board itself: it computes, where it does, at once when it has read."""
    if watched.hub is None or sampled.hub is None:
        return None
    computing_s = sum(node.totals.cycles for node in watched.nodes.values()) / board.clock_hz
    spent = sampled.hub
    busier = Spent(spent.awake_s + computing_s, spent.asleep_s, max(0.0, spent.stopped_s - computing_s))
    figures = [model.energy_mJ(each) for each in (watched.hub, spent, busier)]
    return HubEnergy(*(each for each in figures if each is not None)) if None not in figures else None
