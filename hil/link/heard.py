"""What was last heard on a link: the half of a link error that lets someone find the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.frame import REPLY, Command, Frame, Status

if TYPE_CHECKING:
    from collections.abc import Callable


class Heard:
    """Counts what came in and remembers the last of it; ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._received_bytes = 0
        self._damaged = 0
        self._requests = 0
        self._frames = 0
        self._last = ""
        self._tail = b""
        self._at = self._clock()

    def data(self, data: bytes) -> None:
        """Note received bytes."""
        self._received_bytes += len(data)
        self._tail = (self._tail + data)[-24:]

    def frame(self, frame: Frame | None) -> None:
        """Note a frame, or None for a damaged one."""
        if frame is None:
            self._damaged += 1
            return
        self._frames += 1
        self._requests += not frame.is_reply
        self._last = describe(frame)
        self._at = self._clock()

    def __str__(self) -> str:
        """What was last heard, for a sentence."""
        if not self._received_bytes:
            return "nothing was heard at all"
        if not self._frames:
            return f"heard {self._received_bytes} bytes that are no frame, the last of them {self._tail!r}"
        damaged = f", and {self._damaged} damaged frames" if self._damaged else ""
        return f"last heard {self._last} {self._clock() - self._at:.1f} s ago{damaged}"

    def hint(self) -> str:
        """What to look at first."""
        if not self._received_bytes:
            return "is the firmware running ('hil flash'), are TX and RX crossed, is it the right port?"
        if not self._frames:
            return "another firmware or another baud rate is at work: flash the agent ('--flash always')"
        if self._requests == self._frames:
            return "the link returns what is sent: TX and RX are connected to each other"
        return "the firmware hangs or the cable is bad: reset the board, or raise the time-out"


def describe(frame: Frame) -> str:
    """A frame in a few words."""
    code = frame.command & ~REPLY
    name = Command(code).name if code in set(Command) else f"command {code}"
    if not frame.is_reply:
        return f"request {name} {frame.seq}"
    status = Status(frame.status).name if frame.status in set(Status) else f"code {frame.status}"
    return f"reply {name} {frame.seq} {status}"
