"""How well a stream of steps over SPI uses the wire and the core, in virtual time; see `tests.twin.streaming`.

Each direction of the wire works while a byte of the stream is on it: headers, and what is clocked without being asked
for, count as idle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from tests.twin.streaming import Streaming, load_work, open_image
from tests.twin.virtual_host import BOARD, AgentChip
from tests.twin.virtual_spi import VirtualBridge, connect

if TYPE_CHECKING:
    from pathlib import Path

MOST_CYCLES_A_BYTE = 105
"""75 to 97 by network: the CRC takes most of it, then taking COBS apart and the copies to and from the blocks."""

_BITS = 8


def measure(name: str, clock_hz: int, *, firmware_root: Path | None = None) -> Streaming:
    """Stream all sequences of a public case as a run does, and compare every bit."""
    artefact = build(BOARD, link="spi", firmware_root=firmware_root)
    work = load_work(name)
    assert artefact.bin is not None
    model = timing_model(BOARD)
    assert model is not None
    chip = AgentChip(artefact.bin)
    with CycleCounter(artefact.elf, model, plugin=False) as counter, chip.counted(counter):
        bridge = VirtualBridge(chip, clock_hz)
        agent, _ = connect(chip, bridge)
        open_image(agent, chip, work.converted.image)
        chip.core.book()
        before, to_board, from_board = counter.snapshot(), bridge.to_board, bridge.from_board
        began, slept, clock = chip.seconds(), chip.slept, chip.now()
        sequences, steps = work.elapsed.shape
        inputs = work.inputs.reshape(sequences * steps, -1)
        result = agent.run(inputs, work.elapsed.reshape(-1), state=work.state0, sequence_steps=steps)
        assert np.array_equal(result.states.reshape(work.golden_states.shape), work.golden_states)
        chip.core.book()
        calls = counter.counts(since=before).of("ltc_step")
        return Streaming(
            steps=len(calls),
            virtual_s=float(chip.seconds() - began),
            to_board_s=(bridge.to_board - to_board) * _BITS / clock_hz,
            from_board_s=(bridge.from_board - from_board) * _BITS / clock_hz,
            core_s=(chip.now() - clock - (chip.slept - slept)) / chip.clock_hz,
            steps_s=sum(call.cycles for call in calls) / chip.clock_hz,
            repairs=result.retries,
            bytes=bridge.to_board - to_board + bridge.from_board - from_board,
            clock_hz=chip.clock_hz,
        )
