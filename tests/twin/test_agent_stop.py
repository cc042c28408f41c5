"""Stop mode of the firmware on the twin: once, when asked for, and nothing is lost by it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.build import build
from hil.emulator.twin.core import Stop
from hil.frame import Status
from hil.link.refusal import Refusal
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, FAST, AgentChip, connect

if TYPE_CHECKING:
    from hil.board import Board
    from hil.link.agent import Agent

HALF = 20


def opened(board: Board = BOARD) -> tuple[Agent, AgentChip]:
    artefact = build(board)
    assert artefact.bin is not None
    chip = AgentChip(artefact.bin)
    agent, _ = connect(chip)
    return agent, chip


def until_asleep(chip: AgentChip) -> None:
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        pass


@pytest.mark.parametrize("board", [BOARD, FAST], ids=lambda board: f"{board.clock_hz}")
def test_the_next_request_ends_it_and_no_frame_is_lost(board: Board) -> None:
    agent, chip = opened(board)
    work = load_work("tiny_dense")
    open_image(agent, chip, work.converted.image)
    first = agent.run(work.inputs[0, :HALF], work.elapsed[0, :HALF], state=work.state0)
    assert chip.stood_still == 0, "not asked for"
    agent.stop(0)
    until_asleep(chip)
    assert chip.standing_still
    assert not chip.usart2.wire.to_host
    second = agent.run(work.inputs[0, HALF : 2 * HALF], work.elapsed[0, HALF : 2 * HALF])
    assert chip.stood_still > 0
    states = np.concatenate([first.states, second.states])
    assert np.array_equal(states, work.golden_states[0, : 2 * HALF])
    assert agent.retries == 0
    assert chip.clock_hz == board.clock_hz
    assert agent.identify().defect == 0
    so_far = chip.stood_still
    until_asleep(chip)
    assert not chip.standing_still, "once"
    assert agent.echo(b"awake") == b"awake"
    assert chip.stood_still == so_far
    assert not chip.notes


@pytest.mark.parametrize("milliseconds", [1, 100, 5000])
def test_its_time_ends_it(milliseconds: int) -> None:
    agent, chip = opened()
    agent.stop(milliseconds)
    while not chip.standing_still:
        chip.go(1000)
    until_asleep(chip)
    assert not chip.standing_still
    ticks = milliseconds * 37 // 32  # of LSI behind the prescaler
    assert abs(chip.stood_still - Fraction(32 * ticks, 37_000)) < Fraction(3 * 32, 37_000)
    assert agent.echo(b"again") == b"again"
    assert agent.retries == 0
    assert not chip.rcc.value["CSR"] & 1, "LSI is off again"
    assert not chip.notes


def test_a_byte_ends_it_before_its_time() -> None:
    agent, chip = opened()
    agent.stop(50_000)
    while not chip.standing_still:
        chip.go(1000)
    assert agent.echo(b"early") == b"early"
    assert chip.stood_still < 1
    agent.stop(0)
    until_asleep(chip)
    assert chip.standing_still, "the timer is off"


def test_what_it_cannot_is_refused() -> None:
    agent, chip = opened()
    with pytest.raises(
        Refusal, match=r"refused STOP: STOP_RANGE \(code 18\), it can stop for 56000 ms at most"
    ) as caught:
        agent.stop(56_001)
    assert (caught.value.status, caught.value.detail) == (Status.STOP_RANGE, 56_000)
    until_asleep(chip)
    assert not chip.standing_still
