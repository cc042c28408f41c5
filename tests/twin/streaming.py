"""How well a stream of steps uses the wire and the core, in virtual time.

Three things work at once: the wire to the board, the wire from it, and the core. A run can be no faster than the one
that has most to do. So its efficiency is the largest share of the time for which one of them works: each wire while a
byte is on it, the core while it does not sleep. (The firmware never asks in a loop whether something has come or is
sent.)

What the core does is more than steps: it takes and gives the bytes, checks and frames them. No network that is bound by
the core can have 95 % of the time for its steps, so that share is told, and is no bar. What a byte costs the core is
one, as a slow link would keep it busy too.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from hil.image import ModelImage
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors
from hil.work import Work
from tests.twin.virtual_host import BAUD, BITS, BOARD, AgentChip, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.build import Artefact
    from hil.link.agent import Agent

MOST_CYCLES_A_BYTE = 380
"""190 to 365 by network: an interrupt for each byte, and what `tests.twin.streaming_spi` has."""

FLOOR = 0.95
"""What the efficiency of every case is held to."""


@dataclass(frozen=True)
class Streaming:
    """One case: seconds, of virtual time."""

    steps: int
    virtual_s: float
    to_board_s: float
    from_board_s: float
    core_s: float
    steps_s: float
    repairs: int
    bytes: int
    clock_hz: int

    @property
    def cycles_a_byte(self) -> float:
        """What the core spends beside steps, for each byte of the stream: a slow link keeps it busy as well."""
        return (self.core_s - self.steps_s) * self.clock_hz / self.bytes

    @property
    def shares(self) -> dict[str, float]:
        """Of the time, by what works."""
        return {
            "to the board": self.to_board_s / self.virtual_s,
            "from the board": self.from_board_s / self.virtual_s,
            "core": self.core_s / self.virtual_s,
        }

    @property
    def binds(self) -> str:
        """What has most to do."""
        return max(self.shares, key=lambda each: self.shares[each])

    @property
    def efficiency(self) -> float:
        """The share of what binds."""
        return self.shares[self.binds]

    @property
    def row(self) -> str:
        """A line of a table, below HEAD."""
        shares = "".join(f"{share:8.1%}" for share in self.shares.values())
        alone = self.steps_s / self.virtual_s
        return f"{self.steps:6}{self.virtual_s:12.3f}{shares}  {self.binds:16}{alone:8.1%}{self.cycles_a_byte:13.0f}"

    @property
    def told(self) -> str:
        """What bars are held against."""
        return f"{self.efficiency:.1%}, {self.repairs} repairs, {self.cycles_a_byte:.0f} cycles a byte"


HEAD = f"{'steps':>6}{'virtual, s':>12}{'to':>8}{'from':>8}{'core':>8}  {'binds':16}{'ltc_step':>8}{'cycles/byte':>13}"


def load_work(name: str) -> Work:
    """A public case."""
    folder = examples_dir() / "networks"
    own = folder / f"{name}.model.npz"
    model = load_model(own if own.exists() else folder / f"{name.rpartition('_')[0]}.model.npz")
    return Work.make(model, load_vectors(folder / f"{name}.vectors.npz", model))


def open_image(agent: Agent, chip: AgentChip, image: bytes) -> None:
    """In RAM where it fits, else in flash, where it is put without a programmer."""
    net = ModelImage.from_bytes(image)
    if agent.identify().fits_ram(len(image), net.memory_bytes, len(net.neuron) + len(net.output)):
        agent.load_image(image)
        return
    assert chip.core.write(BOARD.image_slot.origin, image)
    agent.open_flash_image(len(image), zlib.crc32(image))


@dataclass(frozen=True)
class Carried:
    """Bytes of the stream that went each way so far."""

    to_board: int
    from_board: int


def measure(name: str) -> Streaming:
    """Stream all sequences of a public case over the UART as a run does, and compare every bit."""

    def over_uart(chip: AgentChip) -> tuple[Agent, Callable[[], Carried]]:
        agent, wire = connect(chip)
        return agent, lambda: Carried(sum(len(data) for _, data in wire.written), len(chip.sent))

    return stream(build(BOARD), name, over_uart, byte_s=BITS / BAUD)


def stream(
    artefact: Artefact, name: str, link: Callable[[AgentChip], tuple[Agent, Callable[[], Carried]]], *, byte_s: float
) -> Streaming:
    """Stream all sequences of a public case as a run does, and compare every bit.

    Args:
        artefact: the firmware.
        name: the case's.
        link: connects to a chip; gives the agent, and what tells how much was carried.
        byte_s: how long a byte is on the wire.
    """
    work = load_work(name)
    assert artefact.bin is not None
    model = timing_model(BOARD)
    assert model is not None
    chip = AgentChip(artefact.bin)
    with CycleCounter(artefact.elf, model, plugin=False) as counter, chip.counted(counter):
        agent, carried = link(chip)
        open_image(agent, chip, work.converted.image)
        chip.core.book()
        before, bytes_before = counter.snapshot(), carried()
        began, slept, clock = chip.seconds(), chip.slept, chip.now()
        sequences, steps = work.elapsed.shape
        inputs = work.inputs.reshape(sequences * steps, -1)
        result = agent.run(inputs, work.elapsed.reshape(-1), state=work.state0, sequence_steps=steps)
        assert np.array_equal(result.states.reshape(work.golden_states.shape), work.golden_states)
        chip.core.book()
        calls = counter.counts(since=before).of("ltc_step")
        to_board = carried().to_board - bytes_before.to_board
        from_board = carried().from_board - bytes_before.from_board
        return Streaming(
            steps=len(calls),
            virtual_s=float(chip.seconds() - began),
            to_board_s=to_board * byte_s,
            from_board_s=from_board * byte_s,
            core_s=(chip.now() - clock - (chip.slept - slept)) / chip.clock_hz,
            steps_s=sum(call.cycles for call in calls) / chip.clock_hz,
            repairs=result.retries,
            bytes=to_board + from_board,
            clock_hz=chip.clock_hz,
        )
