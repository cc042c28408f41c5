"""What was last heard and sent on a link: the half of an error that lets someone find the cause."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from hil.frame import REPLY, Command, Frame, Status

if TYPE_CHECKING:
    from collections.abc import Callable


_KEPT: Final = 6


class Heard:
    """Counts what came in, and remembers the last of it and of what went out; ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._received_bytes = 0
        self._damaged = 0
        self._requests = 0
        self._frames = 0
        self._last = ""
        self._tail = b""
        self._at = self._clock()
        self._latest: deque[tuple[float, str]] = deque(maxlen=_KEPT)
        self._sent: deque[tuple[float, str]] = deque(maxlen=_KEPT)

    def sent(self, frame: Frame) -> None:
        """Note a frame that goes out."""
        self._sent.append((self._clock(), describe(frame)))

    def data(self, data: bytes) -> None:
        """Note received bytes."""
        self._received_bytes += len(data)
        self._tail = (self._tail + data)[-24:]

    def frame(self, frame: Frame | None) -> None:
        """Note a frame, or None for a damaged one."""
        self._latest.append((self._clock(), "a damaged frame" if frame is None else describe(frame)))
        if frame is None:
            self._damaged += 1
            return
        self._frames += 1
        self._requests += not frame.is_reply
        self._last = self._latest[-1][1]
        self._at = self._clock()

    def __str__(self) -> str:
        """What was last heard, for a sentence."""
        if not self._received_bytes:
            return "nothing was heard at all"
        if not self._frames:
            return f"heard {self._received_bytes} bytes that are no frame, the last of them {self._tail!r}"
        damaged = f", and {self._damaged} damaged frames" if self._damaged else ""
        return f"last heard {self._last} {self._clock() - self._at:.1f} s ago{damaged}"

    def lines(self) -> tuple[str, ...]:
        """The last frames in and out, the latest first, each with its age: for a post-mortem."""
        heard = self._aged(self._latest) or f"no frame in {self._received_bytes} bytes"
        noise = f", the last bytes {self._tail!r}" if self._tail and not self._frames else ""
        return f"last heard: {heard}{noise}", f"last sent: {self._aged(self._sent) or 'nothing'}"

    def _aged(self, frames: deque[tuple[float, str]]) -> str:
        now = self._clock()
        return ", ".join(f"{what} ({now - at:.2f} s ago)" for at, what in reversed(frames))

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
