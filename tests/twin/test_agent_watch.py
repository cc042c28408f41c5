"""A node that watches, close up: its timer, its stops, and what happens when it is spoken to while it is stopped."""

from __future__ import annotations

import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from hil.build import build
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.clock_tree import LSI_HZ
from hil.frame import Status
from hil.link.refusal import Refusal
from hil.link.watch import ReportBox
from hil.swarm.hub import Hub, NodeSetup
from hil.swarm.node_chip import NodeChip
from hil.swarm.twins import TwinWorld
from tests.swarm.small import built
from tests.twin.unready import lsi_never_starts
from tests.twin.virtual_host import BOARD, AgentChip, connect

if TYPE_CHECKING:
    from hil.link.agent import Agent
    from hil.swarm.build_nodes import BuiltNode
    from hil.swarm.hub import HubNode

PERIOD_MS = 50
PERIOD_S = PERIOD_MS * 37 / LSI_HZ  # as the port counts it


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> BuiltNode:
    (tiny,) = built(tmp_path_factory.mktemp("nodes"), ["tiny"])
    assert tiny.prepared.plan.period_ms == PERIOD_MS
    return tiny


def begun(node: BuiltNode) -> tuple[HubNode, NodeChip, TwinWorld]:
    """Over SPI, as a hub has it."""
    prepared = node.prepared
    chip = NodeChip(node.board, node.firmware, prepared.slot)
    world = TwinWorld({"tiny": chip}, 4_000_000)
    world.watch_for("tiny", 0.0, 0.5)
    world.next()
    hub = Hub(world)
    image, build_id = prepared.image, node.firmware.build_id
    setup = NodeSetup(
        "tiny", BOARD.name, BOARD.clock_hz, build_id, len(image), zlib.crc32(image), prepared.outputs, epoch=7
    )
    connected = hub.connect(setup)
    connected.begin(prepared.plan, world.now)
    return connected, chip, world


def test_it_stops_between_ticks_and_keeps_their_time(node: BuiltNode) -> None:
    _, chip, world = begun(node)
    start = chip.seconds()
    chip.run_to(start + Fraction(1, 100))  # its first tick is to come
    waiting = chip.spent
    chip.run_to(start + Fraction(PERIOD_S) * 5 + Fraction(1, 100))
    passed = chip.spent - waiting
    assert passed.stopped_s > 0.97 * passed.total_s
    assert passed.asleep_s < 1e-6
    assert float(chip.seconds()) - world.now() > 5 * PERIOD_S


def test_spoken_to_while_it_is_stopped_it_answers_and_stops_again_with_its_next_tick(node: BuiltNode) -> None:
    connected, chip, world = begun(node)
    world.wait(2.5 * PERIOD_S)
    chip.run_to(Fraction(world.now()))
    assert chip.standing_still
    before = chip.spent
    assert connected.agent.take_reports(0) == 0
    assert connected.agent.retries == 0
    assert not chip.standing_still
    world.wait(PERIOD_S)
    chip.run_to(Fraction(world.now()))
    assert chip.standing_still
    passed = chip.spent - before
    assert 0.2 * PERIOD_S < passed.asleep_s < 0.6 * PERIOD_S  # from then until the tick, and no longer


def test_stop_and_steps_end_the_watch_and_its_timer(node: BuiltNode) -> None:
    connected, chip, world = begun(node)
    world.wait(1.5 * PERIOD_S)
    connected.agent.reset_state()
    chip.run_to(chip.seconds() + Fraction(3))
    assert not chip.standing_still
    assert not chip.lptim1.value["CR"]
    with pytest.raises(Refusal) as caught:
        connected.agent.take_reports(0)
    assert caught.value.status == Status.NO_WATCH


def over_uart(node: BuiltNode) -> tuple[Agent, AgentChip]:
    """The network and its recording in flash, and the one opened."""
    prepared = node.prepared
    artefact = build(BOARD)
    assert artefact.bin is not None
    chip = AgentChip(artefact.bin)
    agent, _ = connect(chip)
    assert chip.core.write(BOARD.image_slot.origin, prepared.slot)
    agent.open_flash_image(len(prepared.image), zlib.crc32(prepared.image))
    return agent, chip


def test_with_a_timer_that_does_not_start_it_is_refused(node: BuiltNode, monkeypatch: pytest.MonkeyPatch) -> None:
    lsi_never_starts(monkeypatch)
    agent, chip = over_uart(node)
    with pytest.raises(Refusal, match="or starts") as caught:
        agent.watch(node.prepared.plan, ReportBox())
    assert (caught.value.status, caught.value.detail) == (Status.TICK_RANGE, 0)
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        pass
    assert not chip.standing_still
    with pytest.raises(Refusal) as caught:
        agent.take_reports(0)
    assert caught.value.status == Status.NO_WATCH


def test_over_the_uart_it_tells_the_same(node: BuiltNode) -> None:
    prepared = node.prepared
    agent, chip = over_uart(node)
    box = ReportBox()
    agent.watch(prepared.plan, box)
    since = chip.seconds()
    while not box.complete:
        agent.listen()
    told = [(each.sequence, each.step, tuple(map(int, each.values))) for _, each in sorted(box.reports.items())]
    assert tuple(told) == prepared.reference.anomalies
    assert box.totals is not None
    assert (box.totals.crc, box.totals.late) == (prepared.reference.crc, 0)
    assert chip.stood_still > 0.8 * (chip.seconds() - since)
