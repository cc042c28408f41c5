"""Requests over a link that loses, doubles and damages bytes: window, epochs, repair (docs/protocol.md).

The agent executes a request only if its epoch is the present one and its seq the next one. So within an epoch it has
executed exactly a beginning of what was sent, each request once. Any sign of damage ends the epoch: a SYNC starts a
later one, and the job goes on from what was answered. A reply counts only if epoch, seq and command are those awaited.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hil.errors import HilError, LinkError, TargetFault
from hil.frame import LAST_SEQ, PROTOCOL_VERSION, REPLY, Command, Frame, FrameDecoder, Status, wire_bytes
from hil.link.heard import Heard
from hil.link.refusal import Refusal, core_fault

if TYPE_CHECKING:
    from collections.abc import Callable

_SYNC_BODY = struct.Struct("<III")
_EPOCH_MASK = 0xFFFFFFFF
_FIRST_SYNC_WAIT_S = 0.05
_LONGEST_SYNC_WAIT_S = 0.5
_SYNC_TIMEOUTS = 3
_LEAST_SYNCS = 10
_PARKED_AFTER = 3
_REPAIRS_WITHOUT_PROGRESS = 10
_LOST = {Status.BAD_FRAME, Status.NOT_SYNCED, Status.BAD_EPOCH, Status.BAD_SEQ}


def opening_budget_s(timeout_s: float) -> float:
    """How long an agent that says nothing is waited for when a session begins, in s.

    Args:
        timeout_s: how long an answer may take beyond transmission and computation.
    """
    return _SYNC_TIMEOUTS * timeout_s


@dataclass(frozen=True)
class Request:
    """A command with its payload.

    ``compute_s`` bounds how long the core may work on it; ``alone``: nothing may be on its way to the core meanwhile.
    """

    command: Command
    payload: bytes = b""
    reply_bytes: int = 0
    compute_s: float = 0.0
    alone: bool = False


class Wire(Protocol):
    """What a session needs of a port: `Transport` over a UART, `SpiWire` over SPI."""

    address: str

    def write(self, data: bytes) -> None:
        """Hand bytes to the port."""

    def read(self) -> bytes:
        """Whatever has arrived, after a short wait."""

    def diagnosis(self) -> str:
        """What is wrong with the wires, as far as they tell; empty where nothing is known to be."""


class Job(Protocol):
    """A run of requests that can go on after damage."""

    def take(self) -> Request | None:
        """The next request to send, or None when all were taken."""

    def accept(self, body: bytes) -> bool:
        """Take the reply to the oldest request taken; returns whether the job came forward."""

    def rewind(self) -> None:
        """Forget what was taken and not accepted; the agent may have executed any beginning of it."""


class _DamageError(Exception):
    """The present epoch is spoilt; never leaves this module."""


class Session:
    """One conversation with one agent. Not for several threads.

    Args:
        wire: an open port.
        board_name: for messages.
        baud: bits per second that bound the transmission time; 0 where the link has no pace.
        timeout_s: how long an answer may take beyond transmission and computation.
        elf: path of the program on the board, for hints.
        clock: monotonic time in seconds.
        random_bits: of so many bits; epochs of different sessions must not meet.

    Attributes:
        window_bytes: encoded bytes that may be unanswered; the smallest allowed until the agent has said more.
        network: CRC-32 of the image that must be open on the agent, None where that is not settled.
        repairs: how often something had to be sent again.
        on_report: told each report of the present epoch; one may come again, and some may be missing.
        found: the epochs that the agent had before this session's first, as it told them; 0 from one just booted.
            Without this session's own: empty where every answer that could have told was lost.
    """

    def __init__(
        self,
        wire: Wire,
        board_name: str,
        *,
        baud: int,
        timeout_s: float,
        elf: str = "agent.elf",
        clock: Callable[[], float] = time.monotonic,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self.window_bytes = 1
        self.network: int | None = None
        self.repairs = 0
        self.found: set[int] = set()
        self._wire = wire
        self._board_name = board_name
        self._elf = elf
        self._byte_s = 10 / (baud or 115200)
        self._timeout_s = timeout_s
        self._decoder = FrameDecoder()
        self._frames: deque[Frame | None] = deque()
        self._clock = clock
        self._random_bits = random_bits
        self._heard = Heard(clock)
        self._epoch = random_bits(32)
        self._issued: set[int] = set()
        self._established = False
        self._synced = False
        self._next_seq = 0
        self._pending: deque[tuple[int, Request]] = deque()
        self._progressed = False
        self.on_report: Callable[[Frame], None] = lambda _frame: None
        self._while_waiting: Callable[[], None] = lambda: None

    @property
    def epoch(self) -> int:
        """The latest epoch."""
        return self._epoch

    @property
    def traffic(self) -> tuple[str, ...]:
        """The last frames in and out, in lines."""
        return self._heard.lines()

    def run(self, job: Job, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Carry a job to its end.

        Args:
            job: what is to be done.
            while_waiting: called at least every `READ_SLICE_S` while an answer is awaited; what it raises ends the job.

        Raises:
            LinkError: no answer in time, or damage that repairs did not get past.
            TargetFault: the agent refused a request, stopped in a fault or has restarted.
        """
        futile = 0
        finished = False
        self._while_waiting = while_waiting
        try:
            while not finished:
                self._progressed = False
                try:
                    if not self._synced:
                        self._start_epoch(job)
                    self._pump(job)
                    finished = True
                except _DamageError as damage:
                    self._synced = False
                    self.repairs += 1
                    futile = 1 if self._progressed else futile + 1
                    if futile > _REPAIRS_WITHOUT_PROGRESS:
                        raise self._silence(f"{futile - 1} repairs did not help; {damage}") from None
        except HilError as error:
            error.post_mortem += self._heard.lines()
            raise
        finally:
            self._while_waiting = lambda: None
            # Whatever ended this early, an interrupt from the keyboard too, may have left answers on their way.
            self._synced = self._synced and finished

    def listen(self) -> tuple[int, bool]:
        """Take what has come without being asked for; waits a short time for the first of it.

        Reports of the present epoch go to `on_report`, also while an answer is awaited.

        Returns:
            How many whole frames came, and whether something is damaged: then what it was is to be asked for again.

        Raises:
            TargetFault: the firmware stopped in a fault.
            LinkError: the wire is gone.
        """
        self._read()
        count, damaged = 0, self._decoder.pending_bytes > 0
        while self._frames:
            frame = self._next_frame()
            if frame is None or frame.command == Command.NOTICE | REPLY:
                damaged = True
            else:
                count += 1
                if frame.epoch in {0, self._epoch} and frame.command == Command.FAULT | REPLY:
                    raise self._core_fault(frame)
                self._take_report(frame)
        return count, damaged

    def _take_report(self, frame: Frame) -> None:
        if frame.epoch == self._epoch and frame.command == Command.REPORT | REPLY:
            self.on_report(frame)

    def rest(self) -> None:
        """Nothing is on its way, and what is said next may not be heard at first: it begins an epoch."""
        self._synced = False

    def _pump(self, job: Job) -> None:
        """Send what the window allows and take the answers in order, until the job has no more."""
        request = job.take()
        in_flight = 0
        deadline = 0.0
        while request is not None or self._pending:
            if request is not None and not self._pending and self._next_seq > LAST_SEQ:
                self._start_epoch(job)
                request = job.take()
            while request is not None and self._may_send(request, in_flight):
                if not self._pending:
                    deadline = self._deadline(request)
                in_flight += self._send(request)
                request = job.take()
            body = self._await_reply(deadline)
            _, answered = self._pending.popleft()
            in_flight -= wire_bytes(len(answered.payload))
            self._progressed |= job.accept(body)
            if self._pending:
                deadline = self._deadline(self._pending[0][1])

    def _may_send(self, request: Request, in_flight: int) -> bool:
        if self._next_seq > LAST_SEQ:
            return False
        if request.alone or any(pending.alone for _, pending in self._pending):
            return not self._pending
        return not self._pending or in_flight + wire_bytes(len(request.payload)) <= self.window_bytes

    def _send(self, request: Request) -> int:
        """Send with the next seq; returns the most bytes that it takes on the wire."""
        frame = Frame(self._epoch, self._next_seq, request.command, request.payload)
        self._heard.sent(frame)
        self._wire.write(frame.encode())
        self._pending.append((self._next_seq, request))
        self._next_seq += 1
        return wire_bytes(len(request.payload))

    def _deadline(self, request: Request) -> float:
        """When the answer must be there, should the agent start on the request now at the earliest."""
        on_the_wire = wire_bytes(len(request.payload)) + wire_bytes(request.reply_bytes)
        return self._clock() + self._timeout_s + on_the_wire * self._byte_s + request.compute_s

    # ---- answers ----

    def _await_reply(self, deadline: float) -> bytes:
        """The body of the reply to the oldest pending request.

        Raises:
            _DamageError: it, or something before it, was lost or damaged.
            TargetFault: the agent refused, or stopped in a fault.
        """
        seq, request = self._pending[0]
        while True:
            frame = self._receive(deadline)
            if frame is None:
                raise _DamageError(f"no whole answer to {request.command.name} {seq} came back")
            if frame.epoch != self._epoch or not frame.is_reply:
                continue  # late, or an echo of the line: it says nothing about this epoch
            command = frame.command & ~REPLY
            if command == Command.REPORT:
                self._take_report(frame)
                continue
            if command == Command.FAULT:
                raise self._core_fault(frame)
            if command == Command.NOTICE:
                raise _DamageError(f"the agent received damage while {request.command.name} {seq} was awaited")
            if frame.seq < seq:
                continue  # answered before; the line doubled it
            if frame.seq > seq or command != request.command or frame.status in _LOST:
                raise _DamageError(f"{request.command.name} {seq} or the answer to it was lost")
            if frame.status != Status.OK:
                raise Refusal(self._board_name, request.command, frame.status, frame.detail)
            return frame.body

    def _receive(self, deadline: float) -> Frame | None:
        """The next frame; None for a damaged one, or when the time is over."""
        while not self._frames:
            if self._clock() > deadline:
                return None
            self._read()
        return self._next_frame()

    def _read(self) -> None:
        """Take what has arrived; waits a short time for the first of it."""
        self._while_waiting()
        data = self._wire.read()
        self._heard.data(data)
        self._frames.extend(self._decoder.feed(data))

    def _next_frame(self) -> Frame | None:
        frame = self._frames.popleft()
        self._heard.frame(frame)
        return frame

    def _core_fault(self, frame: Frame) -> TargetFault:
        registers = frame.payload[:-5]
        words = struct.unpack(f"<{len(registers) // 4}I", registers[: len(registers) // 4 * 4])
        return core_fault(self._board_name, frame.detail, words, self._elf)

    # ---- epochs ----

    def _start_epoch(self, job: Job) -> None:
        self._sync()
        job.rewind()

    def _sync(self) -> None:
        """Begin an epoch that the agent has agreed to."""
        # The agent may still be at work on what it received before, and answers SYNC only after that.
        backlog_s = sum(request.compute_s for _, request in self._pending)
        self._pending.clear()
        begun = self._clock()
        give_up = begun + opening_budget_s(self._timeout_s) + backlog_s
        wait_s = _FIRST_SYNC_WAIT_S
        attempts = 0
        faults = 0
        while attempts < _LEAST_SYNCS or self._clock() < give_up:
            attempts += 1
            self._epoch = (self._epoch + 1) & _EPOCH_MASK or 1
            self._issued.add(self._epoch)
            # The leading zero ends whatever half a frame the agent may have received.
            sync = Frame(self._epoch, 0, Command.SYNC)
            self._heard.sent(sync)
            self._wire.write(b"\0" + sync.encode())
            answer = self._await_sync(self._clock() + wait_s)
            if isinstance(answer, TargetFault):
                # One may be left from before a reset; a parked core reports again whenever it hears something.
                faults += 1
                if faults == _PARKED_AFTER:
                    raise answer
            elif answer is not None:
                self._agree(answer)
                return
            wait_s = min(2 * wait_s, _LONGEST_SYNC_WAIT_S + backlog_s)
        raise self._silence(f"no answer to {attempts} SYNCs in {self._clock() - begun:.1f} s")

    def _await_sync(self, deadline: float) -> bytes | TargetFault | None:
        """Body of the answer to the latest SYNC; a fault that an earlier session left; None when there was neither."""
        fault: TargetFault | None = None
        while self._clock() <= deadline:
            frame = self._receive(deadline)
            if frame is None or not frame.is_reply:
                continue
            command = frame.command & ~REPLY
            if command == Command.FAULT:
                fault = self._core_fault(frame)
                if frame.epoch in self._issued:
                    raise fault
            if command == Command.SYNC and frame.status == Status.OK and not self._established:
                self._note_found(frame)
            if command != Command.SYNC or frame.epoch != self._epoch:
                continue
            if frame.status == Status.BAD_EPOCH:
                # The agent is ahead: another session's epochs. A random distance, as that one's SYNC may be on its way.
                self._epoch = (frame.detail + self._random_bits(16)) & _EPOCH_MASK
                return fault
            if frame.status == Status.OK:
                return frame.body
        return fault

    def _note_found(self, frame: Frame) -> None:
        """Keep what an answer to a SYNC of this session, also one that came too late to count, tells of before it."""
        if frame.epoch in self._issued and len(frame.body) == _SYNC_BODY.size:
            self.found |= {_SYNC_BODY.unpack(frame.body)[0]} - self._issued

    def _agree(self, body: bytes) -> None:
        """Check that the agent is the one that was left, in the state it was left in."""
        if len(body) != _SYNC_BODY.size:
            raise self._other_protocol("another version")
        previous, network, version = _SYNC_BODY.unpack(body)
        if version != PROTOCOL_VERSION:
            raise self._other_protocol(f"version {version}")
        name = self._board_name
        if self._established and (previous == 0 or (self.network is not None and network != self.network)):
            raise TargetFault(
                f"the firmware on board '{name}' has restarted in the middle of the session",
                cause=str(self._heard),
                hint="look for a reset, a watchdog or a weak supply; then run again",
            )
        if self._established and previous not in self._issued:
            raise LinkError(f"another program talks to board '{name}' on {self._wire.address}", hint="close it")
        self._established = True
        self._synced = True
        self._issued = {self._epoch}
        self._next_seq = 1

    # ---- sentences ----

    def _other_protocol(self, version: str) -> LinkError:
        return LinkError(
            f"the firmware on board '{self._board_name}' speaks {version} of the link protocol, "
            f"this hil speaks version {PROTOCOL_VERSION}",
            hint="flash the present firmware ('--flash always')",
        )

    def _silence(self, what: str) -> LinkError:
        return LinkError(
            f"board '{self._board_name}' does not answer on {self._wire.address}: {what}; {self._heard}",
            hint=self._wire.diagnosis() or self._heard.hint(),
        )
