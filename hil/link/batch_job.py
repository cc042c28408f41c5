"""Steps in batches for who measures the board's current: while one is at work nothing is on the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.errors import LinkError
from hil.frame import Command, StepFlag, wire_bytes
from hil.link.session import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hil.link.jobs import Dimensions, Limits

_FLAGS = StepFlag.BATCH | StepFlag.LAST_STATE | StepFlag.OUTPUTS


@dataclass(frozen=True)
class BatchResult:
    """What B batches gave, of N neurons and O outputs.

    Attributes:
        states: (B, N) after the last step of each.
        outputs: (B, O) of the last step of each.
        retries: repairs that the link needed: then some batch may have run twice.
    """

    states: NDArray[np.int32]
    outputs: NDArray[np.int32]
    retries: int


def most_steps(limits: Limits, inputs: int) -> int:
    """How many steps of a network with so many inputs one request holds, at least 1."""
    room = limits.payload_bytes
    while wire_bytes(room) > limits.window_bytes and room > 0:
        room -= 1
    return max(1, min((room - 4) // (4 * (1 + inputs)), 0xFFFF))


class BatchJob:
    """Run sequences in batches, each with the marker high from its first step to its last.

    Args:
        inputs: int32 (T, I), in the network's input formats.
        elapsed: uint32 (T,).
        state: int32 (N,), the state before the first step of each sequence.
        sizes: steps of each batch of a sequence; their sum is a sequence's steps, of which T is a multiple.
        dimensions: of the open network.
        limits: of the agent.
        on_batch: called after each with how many are done.
    """

    def __init__(
        self,
        inputs: NDArray[np.int32],
        elapsed: NDArray[np.uint32],
        state: NDArray[np.int32],
        sizes: Sequence[int],
        *,
        dimensions: Dimensions,
        limits: Limits,
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        self._sizes = tuple(sizes)
        batches = len(elapsed) // sum(sizes) * len(sizes)
        self.states = np.empty((batches, dimensions.neurons), np.int32)
        self.outputs = np.empty((batches, dimensions.outputs), np.int32)
        self.done = 0
        self._words = np.empty((len(elapsed), 1 + dimensions.inputs), "<i4")
        self._words[:, 0] = elapsed.view(np.int32)
        self._words[:, 1:] = inputs
        self._begins = np.cumsum([0, *self._sizes * (batches // len(self._sizes))])
        self._start = state
        self._dimensions = dimensions
        self._step_s = dimensions.step_s(limits.clock_hz)
        self._on_batch = on_batch
        self._next = 0
        self._restore = True
        self._taken: list[bool] = []
        """Of each request on its way whether it is a batch; a restored state is none."""

    def take(self) -> Request | None:
        """See Job."""
        if self._next == len(self.states):
            return None
        if self._restore:
            self._restore = False
            self._taken.append(False)
            return Request(Command.STATE_SET, self._state_before().astype("<i4").tobytes(), reply_bytes=1, alone=True)
        begin, end = int(self._begins[self._next]), int(self._begins[self._next + 1])
        payload = struct.pack("<HBB", end - begin, _FLAGS, 0) + self._words[begin:end].tobytes()
        self._taken.append(True)
        self._next += 1
        self._restore = self._next % len(self._sizes) == 0
        return Request(
            Command.STEP,
            payload,
            reply_bytes=1 + self._reply_bytes,
            compute_s=(end - begin) * self._step_s,
            alone=True,
        )

    def accept(self, body: bytes) -> bool:
        """See Job."""
        if not self._taken.pop(0):
            return False
        if len(body) != self._reply_bytes:
            raise LinkError(f"the agent answered a batch with {len(body)} bytes, not {self._reply_bytes}")
        words = np.frombuffer(body, "<i4")
        self.states[self.done] = words[: self._dimensions.neurons]
        self.outputs[self.done] = words[self._dimensions.neurons :]
        self.done += 1
        if self._on_batch is not None:
            self._on_batch(self.done)
        return True

    def rewind(self) -> None:
        """See Job."""
        self._taken.clear()
        self._next = self.done
        self._restore = True

    @property
    def _reply_bytes(self) -> int:
        return 4 * (self._dimensions.neurons + self._dimensions.outputs)

    def _state_before(self) -> NDArray[np.int32]:
        """Of the next batch: where no sequence begins with it, what the one before has left."""
        return self._start if self._next % len(self._sizes) == 0 else self.states[self._next - 1]
