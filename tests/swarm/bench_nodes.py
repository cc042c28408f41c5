"""How time and memory of ``hil swarm`` grow with the nodes: 1, 10, 25 and 50, each number in a process of its own.

The nodes are those of examples/swarm/nodes.yaml in turn, so that networks and recordings differ; of each 80 steps.
Seconds are those of the processor, which other programs beside do not change much.

python -m tests.swarm.bench_nodes [COUNT ...]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hil.resources import examples_dir
from hil.swarm.build_nodes import build_nodes
from hil.swarm.judge import judge, judge_samples
from hil.swarm.nodes_file import load_swarm
from hil.swarm.run import run_twins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.nodes_file import Node

COUNTS: Final = (1, 10, 25, 50)
_HZ: Final = 8_000_000


@dataclass(frozen=True)
class Cost:
    """Of a number of nodes: both runs, steps and bytes of all, seconds of the processor, the most memory in MB."""

    nodes: int
    steps: int
    bus_bytes: int
    watched_s: float
    sampled_s: float
    memory_mb: float


def many(count: int) -> list[BuiltNode]:
    """The example's nodes in turn, shortened, each by a name of its own."""
    swarm = load_swarm(examples_dir() / "swarm" / "nodes.yaml")
    shortened = [node.model_copy(update=_short(node)) for node in swarm.says.nodes]
    renamed = [shortened[n % len(shortened)].model_copy(update={"name": f"node-{n:03}"}) for n in range(count)]
    return build_nodes(replace(swarm, says=swarm.says.model_copy(update={"nodes": tuple(renamed)})))


def _short(node: Node) -> dict[str, object]:
    """To 80 steps: of two sequences, or of the only one."""
    return {"sequences": node.sequences[:2], "steps": 40} if node.sequences else {"steps": 80}


def measure(count: int) -> Cost:
    """Run so many nodes in both ways, and see that they are right."""
    nodes = many(count)
    begun = time.process_time()
    watched = run_twins(nodes, clock_hz=_HZ)
    between = time.process_time()
    sampled = run_twins(nodes, clock_hz=_HZ, samples=True)
    ended = time.process_time()
    for node in nodes:
        assert not judge(node.prepared, watched.nodes[node.name]).problems
        assert not judge_samples(node.prepared, sampled.nodes[node.name])
    return Cost(
        nodes=count,
        steps=sum(node.prepared.steps for node in nodes),
        bus_bytes=watched.bus_bytes + sampled.bus_bytes,
        watched_s=between - begun,
        sampled_s=ended - between,
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def measure_apart(count: int) -> Cost:
    """In a process of its own, for its memory."""
    command = [sys.executable, "-m", "tests.swarm.bench_nodes", "--one", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout))


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--one"]:
        print(json.dumps(measure(int(arguments[1])).__dict__))  # noqa: T201 # for `measure_apart`
        return
    print(  # noqa: T201
        "nodes   steps  bytes on the bus  anomalies CPU s  samples CPU s  CPU s a node  memory MB  MB a node"
    )
    base = 0.0
    for count in map(int, arguments or COUNTS):
        cost = measure_apart(count)
        base = base or cost.memory_mb
        seconds = (cost.watched_s + cost.sampled_s) / count
        growth = f"{(cost.memory_mb - base) / (count - 1):9.2f}" if count > 1 else "        -"
        print(  # noqa: T201
            f"{count:5}  {cost.steps:6}  {cost.bus_bytes:16}  {cost.watched_s:15.2f}  {cost.sampled_s:13.2f}  "
            f"{seconds:12.3f}  {cost.memory_mb:9.1f}  {growth}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
