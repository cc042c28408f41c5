"""What is wrong with a nodes file is told with its line and key, and what to do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hil.swarm.prepare
from hil.board import load_board
from hil.errors import InputError
from hil.frame import RuleKind
from hil.golden import run_integer
from hil.model import load_model
from hil.port import load_port
from hil.resources import boards_dir, firmware_dir
from hil.swarm.build_nodes import build_nodes
from hil.swarm.compare import bus_clock
from hil.swarm.nodes_file import load_swarm
from hil.swarm.prepare import Preparer
from hil.vectors import load_vectors
from hil.work import convert_for
from tests.swarm.small import NETWORKS, write

if TYPE_CHECKING:
    from pathlib import Path

NODE = f"""\
nodes:
  - name: one
    model: {NETWORKS}/basicmotions.model.npz
    recordings: {NETWORKS}/basicmotions_test.vectors.npz
    sequences: [3, 1]
    steps: 20
    anomaly: {{output: Running, largest: true, steps: 5}}
"""


def refusal(folder: Path, text: str) -> InputError:
    path = folder / "nodes.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        use(path)
    return caught.value


def use(path: Path) -> None:
    swarm = load_swarm(path)
    bus_clock(swarm, [node.board for node in build_nodes(swarm)])


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ("name: one", "name: One", 2, "nodes.0.name", "should match"),
        ("sequences: [3, 1]", "sequences: []", 5, "nodes.0.sequences", "at least 1"),
        ("sequences: [3, 1]", "sequences: [3, 40]", 5, "nodes.0.sequences", "there is no sequence 40"),
        ("steps: 20", "steps: 51", 6, "nodes.0.steps", "51 are more than the 50"),
        ("steps: 20", "steps: 0", 6, "nodes.0.steps", "greater than or equal to 1"),
        ("output: Running", "output: Run", 7, "nodes.0.anomaly", "name no output 'Run'"),
        ("output: Running", "output: 4", 7, "nodes.0.anomaly", "there is no output 4: the network has 4"),
        ("largest: true", "above: 0.1, largest: true", 7, "nodes.0.anomaly", "either 'above' with a threshold"),
        ("largest: true, ", "", 7, "nodes.0.anomaly", "either 'above' with a threshold"),
        ("largest: true", "above: 1e9", 7, "nodes.0.anomaly", "beyond what output 1 can be"),
        ("steps: 5", "steps: 256", 7, "nodes.0.anomaly.steps", "less than or equal to 255"),
        ("basicmotions.model", "basicmotion.model", 3, "nodes.0.model", "there is no model file"),
        ("basicmotions_test", "autoncp16", 4, "nodes.0.recordings", "dtype|shape|sequence"),
        ("sequences: [3, 1]", "sequence: [3, 1]", 5, "nodes.0.sequence", "unknown key"),
        ("    steps: 20\n", "    probe: X\n", 2, "nodes.0", "needs both 'probe' and 'bridge'"),
        ("    steps: 20\n", "    period_ms: 57000\n", 6, "nodes.0.period_ms", "57000 ms are more than the 56000"),
        ("nodes:", "period_ms: 57000\nnodes:", 1, "period_ms", "57000 ms are more than the 56000 that the timer"),
        ("    steps: 20\n", "    board: host\n", 6, "nodes.0.board", "'host' cannot be a node: its file names no SPI"),
        ("    steps: 20\n", "    board: microbit\n", 6, "nodes.0.board", "its port 'nrf51' has no timer that wakes"),
        ("nodes:", "board: microbit\nnodes:", 1, "board", "'microbit' cannot be a node: its port 'nrf51' has no timer"),
        ("nodes:", "clock_hz: 9999\nnodes:", 1, "clock_hz", "greater than or equal to 10000"),
        ("steps: 5", "steps: 21", 7, "nodes.0.anomaly.steps", "21 steps in a row cannot be: .* has 20"),
        ("nodes:", "clock_hz: 8000001\nnodes:", 1, "clock_hz", "more than the 8000000 Hz"),
        ("    sequences: [3, 1]\n    steps: 20\n", "", 4, "nodes.0.recordings", "take 57232 bytes"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, line: int | None, key: str, said: str) -> None:  # noqa: PLR0917 # columns
    assert NODE.count(old) == 1
    text = str(refusal(tmp_path, NODE.replace(old, new)))
    assert re.search(said, text)
    place = key if line is None else f"nodes file {tmp_path / 'nodes.yaml'}, line {line}, key '{key}'"
    assert place in text


def test_the_longest_period_is_the_one_that_the_port_s_code_counts() -> None:
    port = firmware_dir() / "port"
    said = re.search(r"#define LONGEST_MS\s+(\d+)u", (port / "stm32l0" / "tick.c").read_text())
    assert said is not None
    ports = [load_port(load_board(name), firmware_dir()) for name in ("nucleo-l031", "microbit")]
    assert [each.tick_most_ms if each else None for each in ports] == [int(said[1]), 0]
    assert "port_tick_longest_ms(void) {\n    return 0;\n}" in (port / "absent" / "stop.c").read_text()


def test_a_node_without_a_twin_must_lie_on_the_desk(tmp_path: Path) -> None:
    text = (boards_dir() / "nucleo-l031.yaml").read_text()
    text, emulators, _ = text.partition("emulators:\n")
    assert emulators
    text = text.replace("name: nucleo-l031", "name: my-board")
    (tmp_path / "my-board.yaml").write_text(text)
    error = refusal(tmp_path, f"board: my-board.yaml\n{NODE}")
    assert f"nodes file {tmp_path / 'nodes.yaml'}, line 1, key 'board': board 'my-board' cannot be a node" in str(error)
    assert "it has no twin" in error.message


def test_a_board_that_its_part_cannot_be_is_refused_by_its_file(tmp_path: Path) -> None:
    text = (boards_dir() / "nucleo-l031.yaml").read_text()
    assert text.count("data_ready: PB1}") == 1
    (tmp_path / "my-board.yaml").write_text(
        text.replace("data_ready: PB1}", "data_ready: PB9}").replace("name: nucleo-l031", "name: my-board")
    )
    assert "key 'links.spi.data_ready': the STM32L031K6 has no pin 'PB9'" in str(
        refusal(tmp_path, f"board: my-board.yaml\n{NODE}")
    )


def test_room_is_told(tmp_path: Path) -> None:
    error = refusal(tmp_path, NODE.replace("    sequences: [3, 1]\n    steps: 20\n", ""))
    assert error.hint is not None
    assert "there is room for 541 steps: choose with 'sequences' and 'steps'" in error.hint


def test_an_output_that_a_watch_cannot_name_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(NODE.replace("output: Running", "output: 256"))
    swarm = load_swarm(tmp_path / "nodes.yaml")
    (node,) = swarm.says.nodes
    preparer = Preparer(swarm)
    recording = preparer._record(node)
    wide = replace(recording, outputs=np.zeros((2, 20, 257), np.int32))
    with pytest.raises(InputError, match=r"line 7, key 'nodes.0.anomaly': a node can look at outputs 0 to 255 alone"):
        preparer._rule(node, wide)


def test_two_nodes_of_one_name(tmp_path: Path) -> None:
    assert "two nodes are called 'tiny'" in str(refusal(tmp_path, write(tmp_path, ["tiny", "tiny"]).read_text()))


@pytest.mark.parametrize(
    ("probe", "bridge", "line", "said"),
    [
        ("X", "spidev:/dev/spidev0.1", 16, "key 'nodes.1.probe': 'X' is the probe of node 'one' already"),
        ("x", "spidev:/dev/spidev0.1", 16, "key 'nodes.1.probe': 'x' is the probe of node 'one' already"),
        ("Y", "spidev:/dev/spidev0.0?hz=1000000", 17, "is the bridge of node 'one' already"),
    ],
)
def test_two_nodes_with_one_probe_or_one_bridge(tmp_path: Path, probe: str, bridge: str, line: int, said: str) -> None:
    first = f"{NODE}    probe: X\n    bridge: spidev:/dev/spidev0.0\n"
    second = NODE.removeprefix("nodes:\n").replace("one", "two")
    text = str(refusal(tmp_path, f"{first}{second}    probe: {probe}\n    bridge: {bridge}\n"))
    assert f"nodes file {tmp_path / 'nodes.yaml'}, line {line}, " in text
    assert said in text


@pytest.mark.parametrize("above", [0.25, -0.1, 0.3])
def test_a_threshold_is_above_in_the_outputs_own_unit(tmp_path: Path, above: float) -> None:
    (tmp_path / "nodes.yaml").write_text(NODE.replace("largest: true", f"above: {above}"))
    (node,) = build_nodes(load_swarm(tmp_path / "nodes.yaml"))
    rule = node.prepared.plan.rule
    assert (rule.kind, rule.output) == (RuleKind.ABOVE, 1)
    model = load_model(NETWORKS / "basicmotions.model.npz")
    vectors = load_vectors(NETWORKS / "basicmotions_test.vectors.npz", model)
    to_float = convert_for(model, vectors).output_to_float
    # The device's numbers above the threshold are those whose values are above it.
    at, next_above = (to_float(np.full(4, number, np.int32))[1] for number in (rule.threshold, rule.threshold + 1))
    assert at <= above < next_above


def test_nodes_with_the_same_firmware_network_and_recordings_share_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []

    def counted(*given: Any) -> Any:
        computed.append(given)
        return run_integer(*given)

    monkeypatch.setattr(hil.swarm.prepare, "run_integer", counted)
    more = NODE.removeprefix("nodes:\n").replace("output: Running", "output: 2")
    others = more.replace("name: one", "name: two") + more.replace("name: one", "name: three").replace("[3, 1]", "[3]")
    (tmp_path / "nodes.yaml").write_text(NODE + others)
    one, two, three = build_nodes(load_swarm(tmp_path / "nodes.yaml"))
    assert len(computed) == 2
    assert one.firmware is two.firmware is three.firmware
    assert one.prepared.samples is two.prepared.samples
    assert one.prepared.plan.rule.output != two.prepared.plan.rule.output
    assert len(three.prepared.samples) == len(one.prepared.samples) // 2
