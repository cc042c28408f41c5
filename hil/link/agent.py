"""What the harness asks of the agent on a board, over any session."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.errors import InputError, LinkError
from hil.frame import Command, Source, Status
from hil.link.batch_job import BatchJob, BatchResult, most_steps
from hil.link.jobs import Dimensions, ImageJob, Limits, SingleJob, StepJob
from hil.link.refusal import Refusal
from hil.link.session import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from hil.link.jobs import Progress
    from hil.link.session import Session
    from hil.link.watch import ReportBox, WatchPlan

_IDENTITY = struct.Struct("<12I8s")
_DIMENSIONS = struct.Struct("<4H")
_OPEN_CYCLES_A_BYTE = 400
_UNKNOWN = 0xFFFFFFFF
_STORE_WORD_S = 0.02  # twice and more what erasing and programming a word takes


@dataclass(frozen=True)
class Identity:
    """What the agent says of itself. Sizes in bytes.

    Attributes:
        protocol_version: of the link.
        ltc_version: of the LTC runtime, major.minor.patch.
        board_name: the board that the firmware was built for.
        build_id: of the firmware, 16 hexadecimal digits (Artefact.build_id).
        clock_hz: core clock.
        payload_bytes: longest payload of a request.
        window_bytes: encoded bytes that may be unanswered.
        arena_bytes: RAM for image, working memory and scratch together.
        slot_origin: address of the image slot in flash.
        slot_bytes: its size.
        stack_unused_bytes: stack that was never touched so far; None where the port cannot tell.
        counter_bits: of the core's own cycle counter; 0 where it has none.
        defect: what of the board itself does not work (hil.frame.Defect), 0 for nothing.
        store_bytes: what keeps its content without power, for the firmware's own use; 0 without.
    """

    protocol_version: int
    ltc_version: str
    board_name: str
    build_id: str
    clock_hz: int
    payload_bytes: int
    window_bytes: int
    arena_bytes: int
    slot_origin: int
    slot_bytes: int
    stack_unused_bytes: int | None
    counter_bits: int
    defect: int
    store_bytes: int

    def fits_ram(self, image_bytes: int, memory_bytes: int, values: int) -> bool:
        """Whether an image can be loaded into RAM and run there.

        Args:
            image_bytes: its size.
            memory_bytes: working memory that the runtime asks for, in whole words.
            values: states and outputs, which the agent keeps as well.
        """
        return -(-image_bytes // 8) * 8 + memory_bytes + 4 * values <= self.arena_bytes


@dataclass(frozen=True)
class StepResult:
    """What a run of T steps gave: N neurons, O outputs, all int32 in the network's own formats.

    Attributes:
        states: (T, N) after each step; (0, N) where they were not wanted.
        outputs: (T, O).
        final_state: (N,) after the last step.
        retries: repairs that the link needed.
        cycles: uint32 (T,), what the core's own counter says of each step; (0,) where it was not asked.
    """

    states: NDArray[np.int32]
    outputs: NDArray[np.int32]
    final_state: NDArray[np.int32]
    retries: int
    cycles: NDArray[np.uint32]


class Agent:
    """The agent at the other end of a session.

    Args:
        board_name: for messages.
    """

    def __init__(self, board_name: str) -> None:
        self._board_name = board_name
        self._session: Session | None = None
        self._identity: Identity | None = None
        self._dimensions: Dimensions | None = None
        self._state: NDArray[np.int32] | None = None

    @property
    def epoch(self) -> int:
        """The epoch that the session is in."""
        return self._open_session.epoch

    @property
    def found(self) -> set[int]:
        """The epochs that the agent had before this session; 0 from one that has just booted, see `Session`."""
        return self._open_session.found

    def attach(self, session: Session) -> None:
        """Talk through this session from now on; asks the agent who it is.

        Raises:
            LinkError: nobody, or something else, answers.
        """
        self._session = session
        session.window_bytes = self.identify().window_bytes

    @property
    def traffic(self) -> tuple[str, ...]:
        """The last frames in and out, in lines."""
        return self._open_session.traffic

    @property
    def retries(self) -> int:
        """Repairs that the link has needed so far."""
        return self._open_session.repairs

    @property
    def dimensions(self) -> Dimensions:
        """Of the open network.

        Raises:
            InputError: none is open.
        """
        if self._dimensions is None:
            raise InputError(f"no network is open on board '{self._board_name}'", hint="call load_image() first")
        return self._dimensions

    def identify(self) -> Identity:
        """Ask the agent anew who it is."""
        self._identity = self._ask_identity()
        return self._identity

    def echo(self, payload: bytes) -> bytes:
        """Send bytes there and back."""
        return self._ask(Command.ECHO, payload, reply_bytes=len(payload))

    def load_image(self, image: bytes) -> Dimensions:
        """Write a model image into RAM and open it; its state is then zero.

        Raises:
            TargetFault: it does not fit (NO_ROOM, IMAGE_RANGE) or is not accepted (IMAGE_REJECTED).
        """
        identity = self._known_identity
        if len(image) > identity.arena_bytes:
            raise Refusal(self._board_name, Command.IMAGE_WRITE, Status.IMAGE_RANGE, identity.arena_bytes)
        crc = zlib.crc32(image)
        self._forget_network()
        job = ImageJob(image, crc, self._limits, _open_s(len(image), identity))
        self._open_session.run(job)
        return self._opened(job.body, crc)

    def open_flash_image(self, length: int, crc: int) -> Dimensions:
        """Open the image in the flash slot, which must have this length in bytes and this CRC-32 (zlib, whole image).

        Raises:
            TargetFault: another image is there (IMAGE_CRC), or it is not accepted.
        """
        self._forget_network()
        payload = struct.pack("<III", Source.FLASH, length, crc)
        open_s = _open_s(length, self._known_identity)
        body = self._ask(Command.IMAGE_OPEN, payload, reply_bytes=_DIMENSIONS.size, compute_s=open_s)
        return self._opened(body, crc)

    def read_store(self, offset: int, size: int) -> bytes:
        """Read what keeps its content without power; both in bytes, multiples of 4.

        Raises:
            TargetFault: that is beyond what there is (STORE_RANGE).
        """
        return self._ask(Command.STORE_READ, struct.pack("<II", offset, size), reply_bytes=size)

    def write_store(self, offset: int, data: bytes) -> None:
        """Write words into it that are still there after a reset, a power cut, or with other firmware.

        Raises:
            TargetFault: that is beyond what there is (STORE_RANGE), or a word did not get there (STORE_FAILED).
        """
        part = self._known_identity.payload_bytes - 4 & ~3
        for at in range(0, len(data), part):
            piece = data[at : at + part]
            payload = struct.pack("<I", offset + at) + piece
            # Alone: while the memory is written the core may not even take bytes from the wire.
            self._ask(Command.STORE_WRITE, payload, compute_s=len(piece) // 4 * _STORE_WORD_S, alone=True)

    def stop(self, milliseconds: int) -> None:
        """Have the core stop with all its clocks, once: for a time (0: no end), or until something is asked of it.

        A debugger cannot reach it meanwhile. The byte that wakes it up is lost, so the next request begins an epoch:
        the zero before its SYNC is that byte.

        Raises:
            TargetFault: it cannot stop for so long, or not at all (STOP_RANGE).
        """
        self._ask(Command.STOP, struct.pack("<I", milliseconds), alone=True)
        self._open_session.rest()

    def watch(self, plan: WatchPlan, box: ReportBox) -> int:
        """Have the node step by itself from now on, through the recording in its image slot; its reports go to ``box``.

        What else is asked of its network, or to stop, ends that.

        Returns:
            How many reports it keeps until `take_reports` says that they have come.

        Raises:
            TargetFault: it cannot (TICK_RANGE, WATCH_RANGE, WATCH_ROOM, NO_NETWORK), or the plan has a number out of
                range (BAD_ARGUMENT).
        """
        session = self._open_session
        session.on_report = lambda _frame: None
        session.rest()  # in an epoch of its own, so that no report of an earlier watch can count
        body = self._ask(Command.WATCH, plan.encode(), reply_bytes=4)
        self._check_length(Command.WATCH, body, 4)
        session.on_report = box.take
        self._state = None
        return int.from_bytes(body, "little")

    def take_reports(self, taken: int, *, again: bool = False) -> int:
        """Tell that all reports up to a number have come; with ``again`` have those behind it sent once more.

        Returns:
            Number of the latest report there is, the end's included.
        """
        body = self._ask(Command.REPORTS, struct.pack("<II", taken, again), reply_bytes=4)
        self._check_length(Command.REPORTS, body, 4)
        return int.from_bytes(body, "little")

    def listen(self) -> tuple[int, bool]:
        """Take what the board sends of itself, as `Session.listen` says."""
        return self._open_session.listen()

    def reset_state(self) -> None:
        """Set every state to zero."""
        neurons = self.dimensions.neurons
        self._state = None
        self._ask(Command.STATE_RESET)
        self._state = np.zeros(neurons, np.int32)

    def set_state(self, state: NDArray[np.int32]) -> None:
        """Set every neuron's state, int32 (N,)."""
        _expect(state, np.dtype(np.int32), (self.dimensions.neurons,), "state")
        self._state = None
        self._ask(Command.STATE_SET, state.astype("<i4").tobytes())
        self._state = state.copy()

    def get_state(self) -> NDArray[np.int32]:
        """Every neuron's state, int32 (N,)."""
        size = 4 * self.dimensions.neurons
        body = self._ask(Command.STATE_GET, reply_bytes=size)
        self._check_length(Command.STATE_GET, body, size)
        self._state = np.frombuffer(body, "<i4").astype(np.int32)
        return self._state.copy()

    def run(
        self,
        inputs: NDArray[np.int32],
        elapsed: NDArray[np.uint32],
        *,
        state: NDArray[np.int32] | None = None,
        sequence_steps: int | None = None,
        want_states: bool = True,
        count_cycles: bool = False,
        progress: Progress | None = None,
        while_waiting: Callable[[], None] = lambda: None,
    ) -> StepResult:
        """Run T steps.

        Args:
            inputs: int32 (T, I), in the network's input formats.
            elapsed: uint32 (T,), time since the step before, in the runtime's format.
            state: int32 (N,) to start from; without it the present one.
            sequence_steps: after so many steps, of which T is a multiple, the next sequence begins with the state to
                start from; without it there is one sequence.
            want_states: return every state, not the last alone.
            count_cycles: have the core count the cycles of each step, undisturbed; it goes slower.
            progress: called after each batch, see there.
            while_waiting: see `Session.run`.

        Raises:
            InputError: shapes or types do not fit the open network.
            TargetFault: the runtime refused a step, or the firmware stopped.
            LinkError: the link could not be repaired.
        """
        dimensions = self.dimensions
        _expect(inputs, np.dtype(np.int32), (len(elapsed), dimensions.inputs), "inputs")
        _expect(elapsed, np.dtype(np.uint32), (len(elapsed),), "elapsed")
        if count_cycles and not self._known_identity.counter_bits:
            raise InputError(f"the firmware on board '{self._board_name}' has no cycle counter")
        sequence_steps = sequence_steps or max(1, len(elapsed))
        if len(elapsed) % sequence_steps:
            raise InputError(f"{len(elapsed)} steps are no whole number of sequences of {sequence_steps}")
        restore = state is not None
        if state is not None:
            _expect(state, np.dtype(np.int32), (dimensions.neurons,), "state")
        else:
            state = self._state if self._state is not None else self.get_state()
        job = StepJob(
            inputs,
            elapsed,
            state,
            sequence_steps=sequence_steps,
            restore=restore,
            dimensions=dimensions,
            limits=self._limits,
            want_states=want_states,
            count_cycles=count_cycles,
            progress=progress,
        )
        before = self.retries
        self._state = None  # unknown should the run end early
        try:
            self._open_session.run(job, while_waiting)
        except Refusal as refusal:
            if refusal.status != Status.STEP_REJECTED:
                raise
            sequence, step = divmod(job.done + (refusal.detail >> 8), sequence_steps)
            where = f" at step {step}" + (f" of sequence {sequence}" if len(elapsed) > sequence_steps else "")
            raise Refusal(self._board_name, Command.STEP, refusal.status, refusal.detail, where=where) from refusal
        self._state = job.state
        return StepResult(job.states, job.outputs, job.state.copy(), self.retries - before, job.cycles)

    @property
    def most_steps(self) -> int:
        """How many steps of the open network a batch can have."""
        return most_steps(self._limits, self.dimensions.inputs)

    def run_batches(
        self,
        inputs: NDArray[np.int32],
        elapsed: NDArray[np.uint32],
        state: NDArray[np.int32],
        sizes: Sequence[int],
        *,
        on_batch: Callable[[int], None] | None = None,
    ) -> BatchResult:
        """Run sequences in batches for who measures current: the marker is high over each, and the wire is at rest.

        Args:
            inputs: int32 (T, I), in the network's input formats.
            elapsed: uint32 (T,), time since the step before, in the runtime's format.
            state: int32 (N,) that each sequence starts from.
            sizes: steps of each batch of a sequence, at most `most_steps`; T is a multiple of their sum.
            on_batch: called after each with how many are done.

        Raises:
            InputError: shapes or types do not fit the open network, or sizes do not fit T or a request.
            TargetFault: the runtime refused a step, or the firmware stopped.
            LinkError: the link could not be repaired.
        """
        dimensions = self.dimensions
        _expect(inputs, np.dtype(np.int32), (len(elapsed), dimensions.inputs), "inputs")
        _expect(elapsed, np.dtype(np.uint32), (len(elapsed),), "elapsed")
        _expect(state, np.dtype(np.int32), (dimensions.neurons,), "state")
        if not sizes or min(sizes) < 1 or max(sizes) > self.most_steps or len(elapsed) % sum(sizes):
            raise InputError(f"{len(elapsed)} steps cannot go in batches of {list(sizes)}, {self.most_steps} at most")
        job = BatchJob(inputs, elapsed, state, sizes, dimensions=dimensions, limits=self._limits, on_batch=on_batch)
        before = self.retries
        self._state = None
        self._open_session.run(job)
        return BatchResult(job.states, job.outputs, self.retries - before)

    # ---- inside ----

    @property
    def _open_session(self) -> Session:
        if self._session is None:
            raise LinkError(f"the link to board '{self._board_name}' is not open", hint="use AgentClient with 'with'")
        return self._session

    @property
    def _known_identity(self) -> Identity:
        return self._identity or self.identify()

    @property
    def _limits(self) -> Limits:
        identity = self._known_identity
        return Limits(identity.payload_bytes, identity.window_bytes, identity.clock_hz)

    def _ask(
        self,
        command: Command,
        payload: bytes = b"",
        *,
        reply_bytes: int = 0,
        compute_s: float = 0.0,
        alone: bool = False,
    ) -> bytes:
        job = SingleJob(Request(command, payload, reply_bytes + 1, compute_s, alone))
        self._open_session.run(job)
        return job.body

    def _ask_identity(self) -> Identity:
        body = self._ask(Command.IDENTIFY, reply_bytes=_IDENTITY.size + 32)
        if len(body) < _IDENTITY.size:
            self._check_length(Command.IDENTIFY, body, _IDENTITY.size)
        (protocol, ltc, clock, payload, window, arena, slot, slot_bytes, stack, counter, defect, store, build_id) = (
            _IDENTITY.unpack_from(body)
        )
        return Identity(
            protocol_version=protocol,
            ltc_version=f"{ltc >> 16}.{ltc >> 8 & 0xFF}.{ltc & 0xFF}",
            board_name=body[_IDENTITY.size :].decode("ascii", "replace"),
            build_id=build_id.hex(),
            clock_hz=clock,
            payload_bytes=payload,
            window_bytes=window,
            arena_bytes=arena,
            slot_origin=slot,
            slot_bytes=slot_bytes,
            stack_unused_bytes=None if stack == _UNKNOWN else stack,
            counter_bits=counter,
            defect=defect,
            store_bytes=store,
        )

    def _forget_network(self) -> None:
        self._dimensions = None
        self._state = None
        self._open_session.network = None

    def _opened(self, body: bytes, crc: int) -> Dimensions:
        self._check_length(Command.IMAGE_OPEN, body, _DIMENSIONS.size)
        self._dimensions = Dimensions(*_DIMENSIONS.unpack(body))
        self._state = np.zeros(self._dimensions.neurons, np.int32)
        self._open_session.network = crc or 1
        return self._dimensions

    def _check_length(self, command: Command, body: bytes, expected: int) -> None:
        if len(body) != expected:
            raise LinkError(
                f"board '{self._board_name}' answered {command.name} with {len(body)} bytes, not {expected}",
                hint="flash the present firmware ('--flash always')",
            )


def _open_s(image_bytes: int, identity: Identity) -> float:
    """A generous bound on the time that the agent needs to check and open an image."""
    return image_bytes * _OPEN_CYCLES_A_BYTE / identity.clock_hz


def _expect(array: NDArray[np.generic], dtype: np.dtype[np.generic], shape: tuple[int, ...], name: str) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise InputError(
            f"{name} must be {dtype} of shape {shape} for the open network, not {array.dtype} of shape {array.shape}"
        )
