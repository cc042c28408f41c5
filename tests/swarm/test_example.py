"""``hil swarm examples/swarm/nodes.yaml``: what it prints is in the README, and float64 has the same anomalies."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from hil.commands.swarm import SwarmRequest, swarm
from hil.resources import examples_dir
from hil.swarm.nodes_file import load_swarm
from hil.swarm.prepare import Preparer
from hil.swarm.rule import find_runs
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = examples_dir() / "swarm" / "nodes.yaml"
ERRORS = 4  # of the integer model's largest error, that a value may move without another anomaly


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the command prints, and its JSON."""
    out, path = io.StringIO(), tmp_path_factory.mktemp("example") / "swarm.json"
    console = Console(file=out, width=200, soft_wrap=True, highlight=False, markup=False)
    assert swarm(SwarmRequest(EXAMPLE, path), console) == 0
    return out.getvalue(), path


def test_float64_has_the_same_anomalies(printed: tuple[str, Path]) -> None:
    nodes = json.loads(printed[1].read_text())["nodes"]
    told = sum(len(node["anomalies"]["told"]) for node in nodes)
    assert told > 0
    assert [node["float64"] for node in nodes] == [{"same": node["reference"], "more": 0} for node in nodes]
    assert printed[0].splitlines()[-1].endswith(f"float64: {told} of {told} the same")


def test_no_threshold_is_at_a_knife_s_edge() -> None:
    file = load_swarm(EXAMPLE)
    preparer = Preparer(file)
    for node in file.says.nodes:
        recording = preparer._record(node)
        rule = preparer._rule(node, recording)
        floats = recording.float64
        error = np.abs(np.ldexp(recording.outputs.astype(float), -recording.converted.output_frac) - floats).max()
        watched = floats[..., rule.output]
        others = np.delete(floats, rule.output, axis=-1)
        over = watched - (others.max(axis=-1) if node.anomaly.above is None else node.anomaly.above)
        found = {tuple(find_runs(over > more, rule.steps)) for more in (-ERRORS * error, 0.0, ERRORS * error)}
        assert len(found) == 1, node.name


def test_the_readme_shows_what_the_command_prints(printed: tuple[str, Path]) -> None:
    readme = (REPO / "README.md").read_text()
    block = next(block for block in readme.split("\n\n") if block.startswith("    anomalies alone:"))
    lines = printed[0].splitlines()
    shown = [line[4:] for line in block.splitlines()]
    assert len(shown) > 10
    assert [line for line in shown if line != "…" and line not in lines] == []
