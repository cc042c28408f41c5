"""Stop mode of the firmware on the twin: once, when asked for, and nothing is lost by it."""

from __future__ import annotations

from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.build import build
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.lptim import Lptim
from hil.frame import Status
from hil.link.refusal import Refusal
from tests.twin.streaming import load_work, open_image
from tests.twin.unready import lsi_never_starts
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


def never_ready(monkeypatch: pytest.MonkeyPatch, what: str, *, from_start: int = 1) -> None:
    """LSI, or LPTIM1 from the so-manieth time on that ARR is written, does not say that it is ready."""
    if what == "LSI":
        lsi_never_starts(monkeypatch)
        return
    sync, starts = Lptim._sync, count(1)

    def syncs(timer: Lptim, register: str, flag: int, word: int, mask: int) -> None:
        if next(starts) < from_start:
            sync(timer, register, flag, word, mask)

    monkeypatch.setattr(Lptim, "_sync", syncs)


@pytest.mark.parametrize("what", ["LSI", "LPTIM1"])
def test_with_a_timer_that_does_not_start_it_is_refused(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    never_ready(monkeypatch, what)
    agent, chip = opened()
    with pytest.raises(Refusal, match=r"it can stop for 0 ms at most .*nothing that ends it") as caught:
        agent.stop(100)
    assert (caught.value.status, caught.value.detail) == (Status.STOP_RANGE, 0)
    until_asleep(chip)
    assert not chip.standing_still
    assert not chip.rcc.value["CSR"] & 1, "LSI is off again"
    assert agent.echo(b"awake") == b"awake"
    agent.stop(0)
    until_asleep(chip)
    assert chip.standing_still, "without a time it needs no timer"
    assert agent.echo(b"awake") == b"awake"


def test_a_timer_that_fails_when_the_core_would_stop_leaves_it_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    never_ready(monkeypatch, "LPTIM1", from_start=2)
    agent, chip = opened()
    agent.stop(100)
    until_asleep(chip)
    assert not chip.standing_still
    assert chip.stood_still == 0
    assert agent.echo(b"awake") == b"awake"
