"""A hub's node without SPI: the C agent in one process, on a wire whose every frame the test decides about."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.frame import RuleKind
from hil.link.session import Session
from hil.link.watch import DeviceRule, WatchPlan
from hil.swarm.hub import HubNode, NodeSetup
from hil.swarm.rule import find_anomalies
from tests.contract import mixing
from tests.contract.memory_agent import MemoryWire, intact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.memory_agent import Fault

SEQUENCES, STEPS, INPUTS, NEURONS, OUTPUTS = 4, 40, 2, 3, 2
RULE = DeviceRule(RuleKind.ABOVE, 1, 1, 0)
_MODEL = mixing.image(NEURONS, INPUTS, OUTPUTS)


@dataclass(frozen=True)
class Recording:
    """What lies behind the image, and what a node must tell of it."""

    content: bytes
    anomalies: list[tuple[int, int, tuple[int, ...]]]
    crc: int

    @classmethod
    def make(cls, seed: int) -> Recording:
        rng = np.random.default_rng(seed)
        start = rng.integers(-100, 100, NEURONS).astype("<i4")
        content, crc, outputs = start.tobytes(), 0, []
        for sequence in range(SEQUENCES):
            inputs, elapsed = mixing.sequence(STEPS, INPUTS, 10 * seed + sequence)
            rows = np.concatenate([elapsed[:, None].view(np.int32), inputs], axis=1)
            content += rows.astype("<i4").tobytes()
            states, given = mixing.run(_MODEL, inputs, elapsed, start)
            crc = zlib.crc32(states[-1].astype("<i4").tobytes(), zlib.crc32(given.astype("<i4").tobytes(), crc))
            outputs.append(given)
        stacked = np.stack(outputs)
        places = find_anomalies(RULE, stacked)
        return cls(content, [(s, t, tuple(map(int, stacked[s, t]))) for s, t in places], crc)


RECORDINGS = [Recording.make(seed) for seed in (1, 2)]
OFFSETS = (len(_MODEL), len(_MODEL) + len(RECORDINGS[0].content))
# Two sequences of two steps, of which the last has no elapsed time: the runtime refuses it.
_REFUSED = np.array([0] * NEURONS + [1, 5, 6] * 3 + [0, 5, 6], "<i4").tobytes()
REFUSED_OFFSET = OFFSETS[1] + len(RECORDINGS[1].content)
IMAGE = _MODEL + b"".join(recording.content for recording in RECORDINGS) + _REFUSED


class NodeWire(MemoryWire):
    """Looks to the hub like a `SpiWire`."""

    expects = False
    settled_at = 0.0
    clocked_bytes = transactions = 0

    @property
    def line(self) -> bool:
        """Data-ready: something has come, whatever of it is left."""
        return bool(self._arrived)

    def lose_arrived(self) -> None:
        """What the host has not read yet is lost."""
        self._arrived.clear()

    def tick(self) -> None:
        """A period passes on the node."""
        if not self.silent:
            self._agent.wire_tick()
        if sent := self.take():
            self._arrived.append(self.down.carry(sent))


def connect(
    library: Path, up: Fault = intact, down: Fault = intact, session: type[Session] = Session
) -> tuple[HubNode, NodeWire]:
    """A node with the mixing network open; faults come from then on."""
    wire = NodeWire(library)
    agent = wire.agent(session=session)
    agent.load_image(IMAGE)
    wire.up.fault, wire.down.fault = up, down
    setup = NodeSetup("memory", "memory", 1_000_000_000, "", len(IMAGE), zlib.crc32(IMAGE), OUTPUTS)
    return HubNode(setup, agent, wire, 1, agent.identify()), wire  # type: ignore[arg-type] # as far as the hub sees


def watch(node: HubNode, wire: NodeWire, which: int) -> None:
    """One watch to its end; the hub looks when the line is high, and in the end when it is not."""
    node.begin(WatchPlan(10, OFFSETS[which], SEQUENCES, STEPS, RULE), wire.clock)
    ticks = 0
    while True:
        wire.tick()
        ticks += 1
        if wire.line:
            if node.serve(wire.now, ready=True):
                return
        elif ticks > 2 * SEQUENCES * STEPS:
            wire.now = max(wire.now, node.deadline_s)
            if node.serve(wire.now, ready=False):
                return


def told(node: HubNode) -> list[tuple[int, int, tuple[int, ...]]]:
    """What has come, in order."""
    return [(each.sequence, each.step, tuple(map(int, each.values))) for _, each in sorted(node.box.reports.items())]
