"""The agent over SPI on the twin, hardware and all: modes, Stop mode, faults, busy boards, and faults on the bus."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.build import build
from hil.emulator.twin.core import Stop
from hil.errors import LinkError, TargetFault
from hil.link.spi.blocks import BLOCK_BYTES, Header, decode
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, FAST, AgentChip
from tests.twin.virtual_spi import VirtualBridge, connect

if TYPE_CHECKING:
    from hil.board import Board
    from hil.link.agent import Agent

HZ = 4_000_000
STEPS = 40


def with_spi(board: Board = BOARD, **changes: object) -> Board:
    """The board with other facts about its link."""
    assert board.links.spi is not None
    links = board.links.model_copy(update={"spi": board.links.spi.model_copy(update=changes)})
    return board.model_copy(update={"links": links})


def opened(
    board: Board = BOARD, *, clock_hz: int = HZ, ready: bool = True, kind: type[VirtualBridge] = VirtualBridge
) -> tuple[Agent, AgentChip, VirtualBridge]:
    artefact = build(board, link="spi")
    assert artefact.bin is not None
    assert board.links.spi is not None
    chip = AgentChip(artefact.bin)
    bridge = kind(chip, clock_hz, ready=ready)
    chip.spi_master.mode = board.links.spi.mode
    agent, _ = connect(chip, bridge)
    return agent, chip, bridge


def until_asleep(chip: AgentChip) -> None:
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        pass


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize("ready", [True, False], ids=["data-ready", "polled"])
def test_each_mode_with_and_without_data_ready(mode: int, ready: bool) -> None:
    agent, chip, _ = opened(with_spi(mode=mode, data_ready="PB1" if ready else ""), ready=ready)
    for size in (0, 1, 100, 240):
        payload = random.Random(size).randbytes(size)
        assert agent.echo(payload) == payload
    assert agent.retries == 0
    assert not chip.notes


@pytest.mark.parametrize(("board", "clock_hz"), [(BOARD, 8_000_000), (FAST, 12_000_000), (BOARD, 100_000)])
def test_from_slow_to_the_chips_limit(board: Board, clock_hz: int) -> None:
    agent, chip, _ = opened(board, clock_hz=clock_hz)
    work = load_work("linear_maps")
    open_image(agent, chip, work.converted.image)
    result = agent.run(work.inputs[0], work.elapsed[0], state=work.state0)
    assert np.array_equal(result.states, work.golden_states[0])
    assert result.retries == 0
    assert not chip.notes


@pytest.mark.parametrize("ready", [True, False], ids=["data-ready", "polled"])
def test_a_core_that_counts_its_steps_has_its_interrupts_off_and_loses_nothing(ready: bool) -> None:
    agent, chip, bridge = opened(ready=ready)
    work = load_work("ncp19_lane")
    open_image(agent, chip, work.converted.image)
    result = agent.run(work.inputs[0, :STEPS], work.elapsed[0, :STEPS], state=work.state0, count_cycles=True)
    assert np.array_equal(result.states, work.golden_states[0, :STEPS])
    assert result.retries == 0
    assert result.cycles.min() > 20_000
    assert not chip.notes
    if not ready:
        assert bridge.unanswered > STEPS // 4, "it was asked meanwhile"


@pytest.mark.parametrize("milliseconds", [0, 50])
def test_stop_mode_is_ended_by_the_host_or_by_time(milliseconds: int) -> None:
    agent, chip, _ = opened()
    agent.stop(milliseconds)
    while not chip.standing_still:
        chip.go(1000)
    until_asleep(chip)
    assert chip.standing_still == (milliseconds == 0)
    assert agent.echo(b"again") == b"again"
    assert agent.retries == 0
    assert chip.stood_still > 0
    so_far = chip.stood_still
    until_asleep(chip)
    assert agent.echo(b"awake") == b"awake"
    assert chip.stood_still == so_far, "once"


def test_the_store_over_spi() -> None:
    agent, chip, _ = opened()
    data = random.Random(1).randbytes(400)
    agent.write_store(100, data)
    assert agent.read_store(100, len(data)) == data
    assert bytes(chip.eeprom_content[100:500]) == data
    assert agent.retries == 0


def test_a_fault_is_reported_over_spi() -> None:
    agent, chip, _ = opened()
    chip.core.write_register("pc", 0x2000_1F01)  # zeros and noise, no program
    with pytest.raises(TargetFault, match="HardFault"):
        agent.echo(b"anybody?")
    with pytest.raises(TargetFault, match="HardFault"):
        agent.echo(b"and again?")


class WholeBlocks(VirtualBridge):
    """Clocks on to the end of a block, whatever the host says; beyond the board's own bytes the DMA has ended."""

    def exchange(self, data: bytes) -> bytes:
        return super().exchange(data.ljust(BLOCK_BYTES, b"\0"))


def test_a_host_that_clocks_more_than_it_says_changes_nothing() -> None:
    agent, _, _ = opened(kind=WholeBlocks)
    assert agent.echo(b"x" * 200) == b"x" * 200
    assert agent.retries == 0


def test_what_the_board_says_of_itself_after_reset() -> None:
    _, chip, bridge = opened()
    chip.reset()
    until_asleep(chip)
    assert bridge.data_ready()
    assert decode(bridge.exchange(Header(0).encode())) == Header(1)
    until_asleep(chip)
    assert bridge.data_ready(), "nothing was taken"
    bridge.exchange(Header(0, 1).encode() + b"\0")
    until_asleep(chip)
    assert not bridge.data_ready()
    bridge.exchange(b"\xff" * 4)
    until_asleep(chip)
    assert not bridge.data_ready()


def test_a_board_that_hears_nothing_holds_data_ready_low() -> None:
    _, chip, bridge = opened()
    chip.reset()
    until_asleep(chip)
    bridge.exchange(b"\xff" * 4)
    until_asleep(chip)
    assert not bridge.data_ready()
    assert decode(bridge.exchange(Header(0).encode())) == Header(1)
    until_asleep(chip)
    assert bridge.data_ready()


class FaultyBridge(VirtualBridge):
    """Flips, slips, cuts, and transactions that are not one: what a bad cable does to the real slave and its DMA."""

    def __init__(self, chip: AgentChip, clock_hz: int, *, ready: bool = True) -> None:
        super().__init__(chip, clock_hz, ready=ready)
        self.faults = 0
        self.random = random.Random(8)
        self.share = 0.0

    def exchange(self, data: bytes) -> bytes:
        if self.random.random() >= self.share:
            return super().exchange(data)
        self.faults += 1
        match self.random.randrange(5):
            case 0:  # a bit on MOSI
                at = self.random.randrange(len(data))
                return super().exchange(data[:at] + bytes((data[at] ^ 1 << self.random.randrange(8),)) + data[at + 1 :])
            case 1:  # a bit on MISO
                heard = bytearray(super().exchange(data))
                heard[self.random.randrange(len(heard))] ^= 1 << self.random.randrange(8)
                return bytes(heard)
            case 2:  # chip select released in the middle of a byte
                pulses = self.random.randrange(8 * len(data))
                heard = self._chip.spi_master.transfer(data, self.clock_hz, pulses=pulses)
                return heard.ljust(len(data), b"\xff")
            case 3:  # for a moment, in the middle
                at = self.random.randrange(1, len(data))
                return super().exchange(data[:at]) + super().exchange(data[at:])
            case _:  # not selected at all
                self._chip.spi_master.clock(data, self.clock_hz)
                return b"\xff" * len(data)


@pytest.mark.parametrize("ready", [True, False], ids=["data-ready", "polled"])
def test_faults_on_the_real_pins_pass_no_wrong_number(ready: bool) -> None:
    agent, chip, bridge = opened(ready=ready, kind=FaultyBridge)
    work = load_work("tiny_dense")
    open_image(agent, chip, work.converted.image)
    assert isinstance(bridge, FaultyBridge)
    bridge.share = 0.02
    errors = 0
    for _ in range(12):
        try:
            result = agent.run(work.inputs[0], work.elapsed[0], state=work.state0)
        except LinkError:
            errors += 1
        else:
            assert np.array_equal(result.states, work.golden_states[0])
    assert bridge.faults > 20
    assert agent.retries > 8
    assert errors < 3
    bridge.share = 0.0
    assert agent.echo(b"sound") == b"sound"
