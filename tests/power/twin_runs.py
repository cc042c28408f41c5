"""Runs of the real firmware on the twin, with the current that its board's model says: what instruments measure."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.build import build
from hil.energy.model import CurrentModel
from hil.energy.modelled import ModelledCurrent
from hil.swarm.build_nodes import build_nodes
from hil.swarm.hub import Hub
from hil.swarm.nodes_file import load_swarm
from hil.swarm.run import _connect_all, power_twins
from tests.power.runs import Run
from tests.swarm.small import write
from tests.twin.activity import recorded
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, AgentChip, connect

if TYPE_CHECKING:
    from pathlib import Path

    from hil.energy.spans import Spans

_LEAST_S: Final = 0.0005
"""Taking a byte or sending one keeps the core awake for less, a step for more."""
_PERIOD_S: Final = Fraction(10, 1000)
_REST_S: Final = Fraction(4, 1000)


def streamed_run(network: str = "ncp19_lane", steps: int = 6) -> Run:
    """The agent, sent one step after another over UART: it sleeps while bytes come and go."""
    artefact, work = build(BOARD), load_work(network)
    assert artefact.bin is not None
    chip = AgentChip(artefact.bin)
    agent, _ = connect(chip)
    open_image(agent, chip, work.converted.image)
    log = recorded(chip, BOARD.marker)
    for step in range(steps):
        _rest(chip)
        agent.run(work.inputs[0, step : step + 1], work.elapsed[0, step : step + 1], state=work.state0)
    _rest(chip)
    return run_from(f"{network}, streamed", log.end(), steps, _LEAST_S)


def stopped_run(folder: Path, name: str = "wrist", steps: int = 4) -> Run:
    """A node that makes its steps by itself, every 10 ms, in Stop mode in between; by its name in `small.NODES`."""
    nodes = build_nodes(load_swarm(write(folder, [name], head=f"period_ms: {_PERIOD_S * 1000}")))
    with power_twins(nodes, 8_000_000) as world:
        (node,) = _connect_all(Hub(world), nodes, world, samples=False).values()
        node.begin(nodes[0].prepared.plan, world.now)
        chip = world.bridge(name)._chip
        chip.run_to(chip.seconds() + _PERIOD_S / 2)
        log = recorded(chip, BOARD.marker)
        chip.run_to(chip.seconds() + steps * _PERIOD_S)
        return run_from(f"{nodes[0].prepared.model_name}, stopped between steps", log.end(), steps, 0.0)


def run_from(name: str, spans: Spans, steps: int, least_s: float) -> Run:
    """What was recorded, from the first moment at rest to the last."""
    current = ModelledCurrent(spans, CurrentModel.of(BOARD))
    assert len(current.windows) == steps, f"{len(current.windows)} steps"
    typical = current.typical_A
    assert np.isfinite(typical).all(), current.unknown(0, len(spans))
    resting = np.flatnonzero(typical < (typical.min() + typical.max()) / 2)
    first, end = int(resting[0]), int(resting[-1]) + 1
    edges_s = spans.edges_s[first : end + 1] - spans.edges_s[first]
    return Run(name, edges_s, typical[first:end], current.windows_s - spans.edges_s[first], least_s)


def _rest(chip: AgentChip) -> None:
    """Nothing is sent for a while."""
    until = chip.seconds() + _REST_S
    timer = chip.at_second(until, lambda: None, lasting=True)  # so that there is something due
    while chip.seconds() < until:
        chip.go(chip.cycles(until - chip.seconds()) + 1)
    chip.cancel(timer)
