"""What goes into the image slot of a board that runs by itself, and what it must compute by the exact integer model."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import InputError
from hil.work import Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.board import Board
    from hil.model import Model
    from hil.vectors import Vectors

MAGIC: Final = 0x31565248
_PLAN: Final = struct.Struct("<8I")  # struct harvest_plan of firmware/harvest/harvest.h
_STORED_BESIDE: Final = 2  # words of a checkpoint beside the states: firmware/checkpoint
_SLOTS: Final = 2


@dataclass(frozen=True, eq=False)
class HarvestPlan:
    """Recordings that a board goes through again and again, from power cut to power cut.

    Shapes: R steps of all sequences together, N neurons, O outputs.

    Attributes:
        model_name: of the network.
        vectors_name: of the recordings.
        slot: whole content of the image slot: image, start state, records, and the plan at its end.
        steps: of each sequence.
        every: steps between two checkpoints.
        states: (R, N) the exact integer model's after each step, in the device's numbers.
        outputs: (R, O) likewise.
        elapsed_s: mean time that a step stands for, in the network's seconds.
        left_out: steps of the vectors for which the slot has no room.
    """

    model_name: str
    vectors_name: str
    slot: bytes
    steps: int
    every: int
    states: NDArray[np.int32]
    outputs: NDArray[np.int32]
    elapsed_s: float
    left_out: int

    @property
    def recorded(self) -> int:
        """Steps until the recordings start over."""
        return len(self.states)

    @property
    def checkpoint_words(self) -> int:
        """That a checkpoint takes of the store."""
        _, neurons = self.states.shape
        return int(neurons) + _STORED_BESIDE

    def after(self, steps: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """States (N,) and outputs (O,) after so many steps, from 1 on."""
        row = (steps - 1) % self.recorded
        return self.states[row], self.outputs[row]


def make_plan(model: Model, vectors: Vectors, board: Board, every: int) -> HarvestPlan:
    """Lay out a network and as much of its vectors as the board's slot holds: whole sequences, or steps of one.

    Args:
        model: the network, with the solver that it shall have.
        vectors: its recordings.
        board: whose slot.
        every: steps between two checkpoints, from 1 on.

    Raises:
        InputError: network or checkpoints do not fit the board, or as `Work.make`.
    """
    work = Work.make(model, vectors)
    image = work.converted.image
    offset = -(-len(image) // 4) * 4
    record_bytes = 4 * (1 + model.inputs)
    room = (board.image_slot.bytes - _PLAN.size - offset - 4 * model.neurons) // record_bytes
    if room < 1:
        raise InputError(
            f"model '{model.name}' does not fit board '{board.name}': its image takes {len(image)} bytes, and the slot "
            f"of {board.image_slot.bytes} must hold a step's inputs as well"
        )
    store = board.memory.eeprom.bytes if board.memory.eeprom is not None else 0
    needed = 4 * _SLOTS * (model.neurons + _STORED_BESIDE)
    if needed > store:
        raise InputError(
            f"two checkpoints of model '{model.name}' take {needed} bytes, and board '{board.name}' has {store} that "
            "keep their content without power (key 'memory.eeprom')"
        )
    sequences = min(vectors.sequences, max(1, room // vectors.steps))
    steps = min(vectors.steps, room)
    elapsed, inputs = work.elapsed[:sequences, :steps], work.inputs[:sequences, :steps]
    records = np.concatenate([elapsed[..., None].astype("<u4"), inputs.astype("<i4").view("<u4")], axis=-1)
    content = work.state0.astype("<i4").tobytes() + records.tobytes()
    fields = (MAGIC, len(image), offset, sequences, steps, every, zlib.crc32(content))
    head = struct.pack("<7I", *fields)
    plan = head + struct.pack("<I", zlib.crc32(head))
    slot = (image.ljust(offset, b"\0") + content).ljust(board.image_slot.bytes - _PLAN.size, b"\0") + plan
    return HarvestPlan(
        model_name=model.name,
        vectors_name=vectors.name,
        slot=slot,
        steps=steps,
        every=every,
        states=work.golden_states[:sequences, :steps].reshape(-1, model.neurons),
        outputs=work.golden_outputs[:sequences, :steps].reshape(sequences * steps, -1),
        elapsed_s=float(vectors.elapsed[:sequences, :steps].mean()),
        left_out=vectors.sequences * vectors.steps - sequences * steps,
    )
