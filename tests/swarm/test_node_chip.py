"""A node's chip runs up to a moment and no further, whether its core's clock goes on until then or stands still."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from hil.swarm.hub import Hub
from hil.swarm.run import _connect_all, power_twins
from tests.swarm.small import built

if TYPE_CHECKING:
    from pathlib import Path


def test_it_runs_no_further_than_it_was_asked_to(tmp_path: Path) -> None:
    nodes = built(tmp_path, ["tiny"])  # a step each 50 ms, and a report at the eleventh
    with power_twins(nodes, 8_000_000) as world:
        (node,) = _connect_all(Hub(world), nodes, world, samples=False).values()
        node.begin(nodes[0].prepared.plan, world.now)
        chip = world.bridge("tiny")._chip
        moment, late = chip.seconds(), []
        for milliseconds in (3, 60, 500, 30, 7):  # it stops; has a report to tell; sleeps, as nobody takes it
            moment += Fraction(milliseconds, 1000)
            chip.run_to(moment)
            late.append(float(chip.seconds() - moment))
        assert chip.rose_at is not None
        # To the end of an instruction, or of waking up.
        assert max(late) < 1e-5
