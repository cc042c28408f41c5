"""The jobs that a client gives its session: one request, an image, a run of steps. Each can go on after damage."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from hil.errors import LinkError
from hil.frame import Command, Source, StepFlag, wire_bytes
from hil.link.session import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_REPLY_BYTES = 4096
_BATCH_COMPUTE_S = 1.0

Progress: TypeAlias = "Callable[[int, NDArray[np.int32], NDArray[np.int32]], None]"
"""Told after each batch how many steps are done so far, and the arrays in which their states and outputs are."""


@dataclass(frozen=True)
class Limits:
    """What the agent can take: longest payload and window in bytes, and its clock in Hz."""

    payload_bytes: int
    window_bytes: int
    clock_hz: int

    @property
    def batch_bytes(self) -> int:
        """A payload such that three frames fit into the window, at least 16 bytes.

        One is at work, one waits, and one is on the wire: with two the core would wait for the next whenever a frame
        takes as long on the wire as its work.
        """
        return max(16, min(self.payload_bytes, self.window_bytes // 3 - wire_bytes(0) - 8))


@dataclass(frozen=True)
class Dimensions:
    """Of an open network."""

    neurons: int
    inputs: int
    outputs: int
    unfolds: int

    def __str__(self) -> str:
        return f"{self.neurons} neurons, {self.inputs} inputs, {self.outputs} outputs and {self.unfolds} unfolds"

    def step_s(self, clock_hz: int) -> float:
        """A generous bound on the time of one step, for time-outs: fully connected, in slow code."""
        synapses = self.neurons * (self.inputs + self.unfolds * (self.neurons + 8))
        return (20_000 + 400 * synapses) / clock_hz


class SingleJob:
    """One request that may be executed again without harm."""

    def __init__(self, request: Request) -> None:
        self.body = b""
        self._request = request
        self._taken = False

    def take(self) -> Request | None:
        """See Job."""
        if self._taken:
            return None
        self._taken = True
        return self._request

    def accept(self, body: bytes) -> bool:
        """See Job."""
        self.body = body
        return True

    def rewind(self) -> None:
        """See Job."""
        self._taken = False


class ImageJob:
    """Write an image into the arena, then open it. Writing a part twice changes nothing."""

    def __init__(self, image: bytes, crc: int, limits: Limits, open_s: float) -> None:
        self.body = b""
        self._image = image
        self._part_bytes = (limits.batch_bytes - 4) & ~3
        self._open = Request(
            Command.IMAGE_OPEN, struct.pack("<III", Source.RAM, len(image), crc), reply_bytes=9, compute_s=open_s
        )
        self._next = 0
        self._accepted = 0
        self._open_taken = False

    def take(self) -> Request | None:
        """See Job."""
        if self._next < len(self._image):
            part = self._image[self._next : self._next + self._part_bytes]
            payload = struct.pack("<I", self._next) + part
            self._next += len(part)
            return Request(Command.IMAGE_WRITE, payload, reply_bytes=1)
        if self._open_taken:
            return None
        self._open_taken = True
        return self._open

    def accept(self, body: bytes) -> bool:
        """See Job."""
        if self._accepted < len(self._image):
            self._accepted = min(self._accepted + self._part_bytes, len(self._image))
        else:
            self.body = body
        return True

    def rewind(self) -> None:
        """See Job."""
        self._next = self._accepted
        self._open_taken = False


class StepJob:
    """Run steps in batches. The last state received is where a repair goes on from, so every batch returns one.

    The core begins when it has a whole frame. So the first batch is one step, and each next one twice as long as the
    one before, until it is as long as goes.

    Several sequences are one job: between two of them the state is set to the start again, and nothing is waited for.

    Args:
        inputs: int32 (T, I), in the network's input formats.
        elapsed: uint32 (T,).
        state: int32 (N,), the state before the first step of each sequence.
        sequence_steps: steps of each sequence.
        restore: the agent is not in that state yet.
        want_states: every state, not only the last of a batch.
        count_cycles: have the core count each step with its interrupts off, so one batch at a time is on its way.
    """

    def __init__(
        self,
        inputs: NDArray[np.int32],
        elapsed: NDArray[np.uint32],
        state: NDArray[np.int32],
        *,
        sequence_steps: int,
        dimensions: Dimensions,
        limits: Limits,
        restore: bool,
        want_states: bool,
        count_cycles: bool,
        progress: Progress | None,
    ) -> None:
        steps = len(elapsed)
        self.state = state
        self.states = np.empty((steps if want_states else 0, dimensions.neurons), np.int32)
        self.outputs = np.empty((steps, dimensions.outputs), np.int32)
        self.cycles = np.empty(steps if count_cycles else 0, np.uint32)
        self.done = 0
        self._words = np.empty((steps, 1 + dimensions.inputs), "<i4")
        self._words[:, 0] = elapsed.view(np.int32)
        self._words[:, 1:] = inputs
        self._start = state
        self._sequence_steps = sequence_steps
        self._dimensions = dimensions
        self._flags = StepFlag.OUTPUTS | (StepFlag.STATES if want_states else StepFlag.LAST_STATE)
        if count_cycles:
            self._flags |= StepFlag.CYCLES
        self._want_states = want_states
        self._count_cycles = count_cycles
        self._progress = progress
        self._step_s = dimensions.step_s(limits.clock_hz)
        self._largest = self._largest_batch(limits)
        self._batch = self._largest
        self._ramp = 1
        self._next = 0
        self._restore = restore
        self._taken: deque[int] = deque()  # steps of each batch on its way; 0 for the state that a repair restores

    def _largest_batch(self, limits: Limits) -> int:
        by_request = (limits.batch_bytes - 4) // self._words.itemsize // self._words.shape[1]
        by_reply = _REPLY_BYTES // max(1, self._reply_bytes(1))
        return max(1, min(by_request, by_reply, int(_BATCH_COMPUTE_S / self._step_s), 0xFFFF))

    def _reply_bytes(self, steps: int) -> int:
        """Body of the reply to a batch."""
        state_rows = steps if self._want_states else 1
        return 4 * (state_rows * self._dimensions.neurons + steps * (self._dimensions.outputs + self._count_cycles))

    def take(self) -> Request | None:
        """See Job."""
        if self._restore:
            self._restore = False
            self._taken.append(0)
            state = self._state_before(self._next)
            if not state.any():  # as programs begin with the runtime, so that its own zeroing is seen as well
                return Request(Command.STATE_RESET, reply_bytes=1)
            return Request(Command.STATE_SET, state.astype("<i4").tobytes(), reply_bytes=1)
        steps = min(self._ramp, self._batch, self._left_of_sequence())
        if steps == 0:
            return None
        self._ramp = min(2 * self._ramp, self._largest)
        payload = struct.pack("<HBB", steps, self._flags, 0) + self._words[self._next : self._next + steps].tobytes()
        self._taken.append(steps)
        self._next += steps
        self._restore = self._begins_sequence(self._next)
        return Request(
            Command.STEP,
            payload,
            reply_bytes=1 + self._reply_bytes(steps),
            compute_s=steps * self._step_s,
            alone=self._count_cycles,
        )

    def _begins_sequence(self, step: int) -> bool:
        return 0 < step < len(self._words) and step % self._sequence_steps == 0

    def _left_of_sequence(self) -> int:
        """Steps from the next one to the end of its sequence."""
        if self._next == len(self._words):
            return 0
        return self._sequence_steps - self._next % self._sequence_steps

    def _state_before(self, step: int) -> NDArray[np.int32]:
        """Of a sequence's first step, or of the one that comes after what is done."""
        return self._start if self._begins_sequence(step) else self.state

    def accept(self, body: bytes) -> bool:
        """See Job."""
        steps = self._taken.popleft()
        if steps == 0:
            return False
        if len(body) != self._reply_bytes(steps):
            raise LinkError(f"the agent answered {steps} steps with {len(body)} bytes, not {self._reply_bytes(steps)}")
        words = np.frombuffer(body, "<i4")
        neurons, outputs = self._dimensions.neurons, self._dimensions.outputs
        rows = slice(self.done, self.done + steps)
        if self._want_states:
            table = words.reshape(steps, -1)
            self.states[rows] = table[:, :neurons]
            self.state = table[-1, :neurons].astype(np.int32)
            rest = table[:, neurons:]
        else:
            # The one state comes before what else there is of the last step.
            before = (steps - 1) * (outputs + self._count_cycles)
            self.state = words[before : before + neurons].astype(np.int32)
            rest = np.delete(words, slice(before, before + neurons)).reshape(steps, -1)
        self.outputs[rows] = rest[:, :outputs]
        if self._count_cycles:
            self.cycles[rows] = rest[:, outputs].view(np.uint32)
        self.done += steps
        self._batch = min(2 * self._batch, self._largest)
        if self._progress is not None:
            self._progress(self.done, self.states, self.outputs)
        return True

    def rewind(self) -> None:
        """See Job. Shorter batches get through where long ones meet damage too often."""
        if self._taken:
            self._batch = max(1, self._batch // 2)
        self._ramp = 1
        self._taken.clear()
        self._next = self.done
        self._restore = True
