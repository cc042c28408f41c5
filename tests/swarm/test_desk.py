"""Nodes on the desk: an emulated board stands in for one, flashed through its probe, its pins as a bridge's wires."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest

import hil.swarm.desk
from hil.board import load_board
from hil.emulator.power import power
from hil.emulator.spi_pins import SpiPins
from hil.errors import InputError, LinkError, RigError
from hil.flash import FlashSession
from hil.resources import boards_dir
from hil.swarm.build_nodes import build_nodes
from hil.swarm.desk import DeskWorld
from hil.swarm.judge import judge, judge_samples
from hil.swarm.nodes_file import load_swarm
from hil.swarm.run import run_desk, run_nodes
from tests.swarm.small import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.emulator.power import PoweredBoard
    from hil.swarm.build_nodes import BuiltNode

HZ = 4_000_000
ATTACHED = "\n    probe: emulated:nucleo-l031\n    bridge: spidev:/dev/spidev0.0"


class PinsBridge:
    """A bridge whose wires end at an emulated board's pins."""

    address = "the pins"

    def __init__(self, address: str, clock_hz: int, *, line: bool) -> None:
        self.clock_hz = clock_hz
        self.closed = False
        self._line = line
        self._pins = SpiPins(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exchange(self, data: bytes) -> bytes:
        self._pins.select(on=True)
        heard = self._pins.transfer(data, self.clock_hz, 0)
        self._pins.select(on=False)
        return heard

    def data_ready(self) -> bool | None:
        return self._pins.data_ready() if self._line else None

    def close(self) -> None:
        self.closed = True
        self._pins.close()


@pytest.fixture
def powered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoweredBoard]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(load_board("nucleo-l031"), paced=True) as board:
        yield board


def nodes(folder: Path) -> list[BuiltNode]:
    """`tiny` on the desk, and `maps` beside it on a twin."""
    path = write(folder, ["tiny", "maps"], head="period_ms: 20")
    text = path.read_text()
    path.write_text(text.replace("  - name: tiny", f"  - name: tiny{ATTACHED}"))
    return build_nodes(load_swarm(path))


def bridged(monkeypatch: pytest.MonkeyPatch, powered: PoweredBoard, *, line: bool = True) -> list[PinsBridge]:
    opened: list[PinsBridge] = []

    def open_bridge(address: str, *, clock_hz: int, mode: int, select_s: float) -> PinsBridge:
        assert (address, mode, select_s) == ("spidev:/dev/spidev0.0", 0, 0.0)
        opened.append(PinsBridge(powered.spi_pins, clock_hz, line=line))
        opened[-1].address = address
        return opened[-1]

    monkeypatch.setattr(hil.swarm.desk, "open_bridge", open_bridge)
    return opened


def test_a_board_on_the_desk_beside_a_twin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, powered: PoweredBoard
) -> None:
    tiny, maps = nodes(tmp_path)
    opened = bridged(monkeypatch, powered)
    monkeypatch.setattr(FlashSession, "retries", ("the probe was opened anew",))
    ended: list[str] = []
    came = run_nodes([tiny, maps], clock_hz=HZ, samples=False, progress=ended.append)
    assert sorted(ended) == ["maps", "tiny"]
    assert came.hub is None
    assert came.wakes is None  # as there were two
    assert came.nodes["tiny"].address == "spidev:/dev/spidev0.0"
    assert came.nodes["maps"].address == "twin of node 'maps'"
    assert came.nodes["tiny"].spent is None
    assert came.nodes["tiny"].flash_retries == ("the probe was opened anew",)
    assert came.nodes["maps"].flash_retries == ()
    assert came.nodes["maps"].spent is not None
    for node in (tiny, maps):
        verdict = judge(node.prepared, came.nodes[node.name])
        assert (verdict.missed, verdict.false) == (0, 0)
        assert not verdict.problems
    sampled = run_desk([tiny], clock_hz=HZ, samples=True)
    assert judge_samples(tiny.prepared, sampled.nodes["tiny"]) == ()
    assert all(bridge.closed for bridge in opened)


def test_a_bridge_without_data_ready_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, powered: PoweredBoard
) -> None:
    opened = bridged(monkeypatch, powered, line=False)
    with pytest.raises(InputError, match=r"node 'tiny': bridge spidev:/dev/spidev0[.]0 has no data-ready line"):
        run_desk(nodes(tmp_path)[:1], clock_hz=HZ)
    assert [bridge.closed for bridge in opened] == [True]


def test_a_bridge_that_fails_at_once_does_not_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, powered: PoweredBoard
) -> None:
    def fails(_self: PinsBridge) -> bool:
        raise LinkError("the bridge has gone")

    opened = bridged(monkeypatch, powered)
    monkeypatch.setattr(PinsBridge, "data_ready", fails)
    with pytest.raises(LinkError, match="node 'tiny': the bridge has gone"):
        run_desk(nodes(tmp_path)[:1], clock_hz=HZ)
    assert [bridge.closed for bridge in opened] == [True]


def test_probe_and_bridge_of_two_boards_are_no_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, powered: PoweredBoard
) -> None:
    """The other board holds the very same firmware and recordings: all that it told would be right."""
    (tiny, _), text = nodes(tmp_path), (boards_dir() / "nucleo-l031.yaml").read_text()
    (tmp_path / "other.yaml").write_text(text.replace("name: nucleo-l031", "name: other"))
    other = load_board(str(tmp_path / "other.yaml"))
    assert tiny.firmware.hex is not None
    with power(other, paced=True) as beside:
        with FlashSession(other, "emulated:other") as session:
            session.program(tiny.firmware.hex)
            session.program_blob(tiny.prepared.slot, other.image_slot.origin)
            session.reset()
        opened = bridged(monkeypatch, beside)
        with pytest.raises(
            RigError, match=r"node 'tiny': .* bridge spidev.* not been restarted by probe .* two boards"
        ):
            run_desk([tiny], clock_hz=HZ)
    assert [bridge.closed for bridge in opened] == [True]
    bridged(monkeypatch, powered)
    assert run_desk([tiny], clock_hz=HZ).nodes["tiny"].totals.steps == tiny.prepared.steps


def test_what_cannot_lie_on_the_desk_is_told(tmp_path: Path) -> None:
    tiny, maps = nodes(tmp_path)

    def on_the_desk(node: BuiltNode, **asked: str | None) -> BuiltNode:
        return replace(node, prepared=replace(node.prepared, node=node.prepared.node.model_copy(update=asked)))

    links = tiny.board.links.model_copy(update={"spi": None})
    for node, said in (
        (on_the_desk(maps, bridge="spidev:/dev/spidev0.0"), "node 'maps': nothing says which debug probe"),
        (on_the_desk(maps, probe="X"), "node 'maps': nothing says which bridge"),
        (replace(tiny, firmware=replace(tiny.firmware, hex=None)), "node 'tiny': the firmware .* no probe can flash"),
        (replace(tiny, board=tiny.board.model_copy(update={"links": links})), "node 'tiny': the file .* names no SPI"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            run_desk([node], clock_hz=HZ)
        assert caught.value.hint


class Line:
    def __init__(self) -> None:
        self.high = False

    def data_ready(self) -> bool:
        return self.high


class Gone:
    def data_ready(self) -> bool:
        raise LinkError("the bridge has gone")


def test_a_bridge_that_goes_while_the_hub_sleeps_names_its_node() -> None:
    world = DeskWorld({"a": Line(), "b": Gone()}, {})  # type: ignore[dict-item] # of a bridge it needs the line
    world.watch_for("a", 0.0, world.now() + 5.0)
    world.watch_for("b", 0.0, world.now() + 5.0)
    with pytest.raises(LinkError, match="node 'b': the bridge has gone"):
        world.next()


def test_the_desk_is_polled_until_a_line_rises_or_a_deadline_passes() -> None:
    now = 0.0
    lines = {"a": Line(), "b": Line()}

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        lines["b"].high = now > 1.0

    world = DeskWorld(lines, {}, lambda: now, sleep)  # type: ignore[arg-type] # of a bridge it needs the line
    world.watch_for("a", 0.0, 2.0)
    world.watch_for("b", 0.0, 5.0)
    assert world.next() == ("b", True)
    assert now == pytest.approx(1.0, abs=2e-3)
    assert world.next() == ("a", False)
    assert now == pytest.approx(2.0, abs=2e-3)
    world.watch_for("b", now + 0.5, 9.0)  # what it was read for already
    assert world.next() == ("b", True)
    assert now == pytest.approx(2.5, abs=2e-3)
    assert world.wakes == 3
