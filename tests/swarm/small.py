"""A small swarm whose run takes a second or two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hil.resources import examples_dir
from hil.swarm.build_nodes import build_nodes
from hil.swarm.nodes_file import load_swarm
from hil.swarm.run import power_twins, run_in
from tests.hil.defects import Defect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hil.link.spi.bridge import Bridge
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.run import SwarmRun
    from hil.swarm.world import World

NETWORKS = examples_dir() / "networks"
STEP_TOO_MANY = Defect(
    "a step too many in a row", "agent/rule.c", "rule->run == rule->steps;", "rule->run == rule->steps + 1u;"
)
NODES = {
    # four sequences, an anomaly in three of them
    "wrist": """
  - name: wrist
    model: {networks}/basicmotions.model.npz
    recordings: {networks}/basicmotions_test.vectors.npz
    sequences: [30, 2, 0, 31]
    steps: 30
    anomaly: {{output: Badminton, largest: true, steps: 5}}""",
    # a sequence ends, and the next one begins, with steps that together would be a run
    "still": """
  - name: still
    model: {networks}/basicmotions.model.npz
    recordings: {networks}/basicmotions_test.vectors.npz
    sequences: [0, 12, 1]
    steps: 30
    anomaly: {{output: Standing, largest: true, steps: 3}}""",
    "tiny": """
  - name: tiny
    model: {networks}/tiny_dense.model.npz
    recordings: {networks}/tiny_dense.vectors.npz
    steps: 60
    anomaly: {{output: 0, above: 0.579, steps: 2}}""",
    "maps": """
  - name: maps
    model: {networks}/linear_maps.model.npz
    recordings: {networks}/linear_maps.vectors.npz
    steps: 60
    anomaly: {{output: 1, above: 0.262, steps: 1}}""",
}


def write(folder: Path, names: Sequence[str] = tuple(NODES), *, head: str = "period_ms: 50") -> Path:
    """A nodes file with these nodes, in this order."""
    path = folder / "nodes.yaml"
    nodes = "".join(NODES[name].format(networks=NETWORKS) for name in names)
    path.write_text(f"{head}\nnodes:{nodes}\n")
    return path


def built(folder: Path, names: Sequence[str] = tuple(NODES)) -> list[BuiltNode]:
    """The same, prepared."""
    return build_nodes(load_swarm(write(folder, names)))


class BridgedWorld:
    """A world whose nodes the hub reaches through something of the test's own."""

    def __init__(self, world: World, bridged: Callable[[str, Bridge], Bridge]) -> None:
        self._world = world
        self._bridged = bridged

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def bridge(self, node: str) -> Bridge:
        return self._bridged(node, self._world.bridge(node))


def run(
    nodes: Sequence[BuiltNode],
    *,
    samples: bool = False,
    bridged: Callable[[str, Bridge], Bridge] = lambda _name, bridge: bridge,
) -> SwarmRun:
    with power_twins(nodes, 8_000_000) as world:
        return run_in(BridgedWorld(world, bridged), nodes, samples=samples)
