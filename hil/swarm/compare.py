"""The same nodes twice: telling of anomalies alone, and sending every sample. What that costs, and saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.errors import InputError
from hil.swarm.build_nodes import build_nodes
from hil.swarm.energy import EnergyModel
from hil.swarm.judge import Verdict, judge, judge_samples
from hil.swarm.run import NodeRun, SwarmRun, run_nodes
from hil.swarm.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.board import Board
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.nodes_file import Swarm


@dataclass(frozen=True)
class NodeRow:
    """A node in both runs; energies in millijoules, None where they are not modelled."""

    name: str
    network: str
    watched: NodeRun
    sampled: NodeRun
    verdict: Verdict
    sample_problems: tuple[str, ...]
    watched_mJ: float | None  # noqa: N815 # the unit
    sampled_mJ: float | None  # noqa: N815 # the unit


@dataclass(frozen=True)
class HubEnergy:
    """What the hub is modelled to need, in millijoules: for the bus, and with the steps that it makes itself.

    Attributes:
        watched: nodes tell of anomalies alone.
        sampled: they send every sample, and the hub does nothing with them.
        computing: it makes the nodes' steps with them.
    """

    watched: float
    sampled: float
    computing: float


@dataclass(frozen=True)
class Compared:
    """Both runs.

    Attributes:
        place: on what they ran, in words.
        rows: each node, by name.
        watched: the run that tells of anomalies; ``sampled``: the baseline.
        hub: what the hub needs; None where that is not modelled.
        energy: the model, and why there is none.
    """

    place: str
    rows: tuple[NodeRow, ...]
    watched: SwarmRun
    sampled: SwarmRun
    hub: HubEnergy | None
    energy: EnergyModel

    @property
    def problems(self) -> list[str]:
        """All that is wrong, a sentence each."""
        return [
            f"node '{row.name}'{mode} {problem}"
            for row in self.rows
            for mode, problems in (("", row.verdict.problems), (", sending its samples,", row.sample_problems))
            for problem in problems
        ]

    @property
    def conclusion(self) -> str:
        """The verdict in a sentence."""
        expected = sum(row.verdict.expected for row in self.rows)
        missed, false = (sum(getattr(row.verdict, key) for row in self.rows) for key in ("missed", "false"))
        if self.problems:
            return f"FAILED: of {expected} anomalies of the reference run {missed} missed, {false} false"
        return (
            f"all {expected} anomalies of the reference run were told, none missed, none false; "
            f"outputs and states of {len(self.rows)} nodes equal the exact integer model's in every bit"
        )

    @property
    def savings(self) -> list[str]:
        """What telling of anomalies alone saves, or costs."""
        watched, sampled = self.watched, self.sampled
        lines = [
            f"bytes on the bus: {_instead(watched.bus_bytes, sampled.bus_bytes)}",
            f"hub wake-ups: {_instead(watched.wakes, sampled.wakes)}",
        ]
        hub, energy = self.hub, self.energy
        if energy.missing or hub is None:
            lines.append(
                f"energy: not modelled: {energy.missing or 'nothing tells where the time of a board on the desk goes'}"
            )
            return lines
        inferring = sum(row.watched_mJ or 0.0 for row in self.rows)
        sending = sum(row.sampled_mJ or 0.0 for row in self.rows)
        lines.append(f"energy in mJ, modelled from typical currents at {energy.supply_V:g} V:")
        lines.extend(f"  {source}" for source in energy.sources)
        lines.append("  the oscillator and the timer that wake a node up are not in them")
        lines.append(f"nodes alone, of which each makes its own steps: {_instead(inferring, sending)}")
        with_hub = inferring + hub.watched
        lines.append(f"with a hub of the same kind that only reads: {_instead(with_hub, sending + hub.sampled)}")
        computing = _instead(with_hub, sending + hub.computing)
        lines.append(f"with one that makes the steps of the samples itself, in as many cycles: {computing}")
        return lines


def _instead(now: float, before: float) -> str:
    share = 100 * (1 - now / before) if before else 0.0
    saved = f"{share:.1f} % saved" if share >= 0 else f"{-share:.1f} % more"
    digits = 0 if isinstance(now, int) else 3
    return f"{now:.{digits}f} instead of {before:.{digits}f}, {saved}"


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
    hub_board = load_board(swarm.says.board)
    energy = {node.name: EnergyModel.of(node.board) for node in nodes}
    hub_energy = EnergyModel.of(hub_board)
    rows = tuple(
        NodeRow(
            name=node.name,
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
    worst = next((model for model in (*energy.values(), hub_energy) if model.missing), hub_energy)
    return Compared(
        _place(nodes, clock_hz), rows, watched, sampled, _hub(hub_board, hub_energy, watched, sampled), worst
    )


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
            f"nodes file {swarm.path}, key 'clock_hz': {asked} Hz is more than the {limit} Hz that board "
            f"'{slowest.name}' takes"
        )
    return asked


def _place(nodes: Sequence[BuiltNode], clock_hz: int) -> str:
    desk = sum(node.prepared.node.attached for node in nodes)
    where = "twins in virtual time" if not desk else f"{len(nodes) - desk} twins in virtual time, {desk} on the desk"
    return f"{where}, one bus at {clock_hz / 1e6:g} MHz"


def _hub(board: Board, model: EnergyModel, watched: SwarmRun, sampled: SwarmRun) -> HubEnergy | None:
    """The hub as if it were such a board itself: it computes, where it does, at once when it has read."""
    if watched.hub is None or sampled.hub is None:
        return None
    computing_s = sum(node.totals.cycles for node in watched.nodes.values()) / board.clock_hz
    spent = sampled.hub
    busier = Spent(spent.awake_s + computing_s, spent.asleep_s, max(0.0, spent.stopped_s - computing_s))
    figures = [model.energy_mJ(each) for each in (watched.hub, spent, busier)]
    return HubEnergy(*(each for each in figures if each is not None)) if None not in figures else None
