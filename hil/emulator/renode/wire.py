"""The bytes between a board's UART stream, which outlives power cuts, and Renode's socket for its UART."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

_CHUNK: Final = 4096


class Wire:
    """Moves bytes both ways without ever waiting.

    Args:
        target: the stream's end on the board's side; not blocking from now on.
        renode: Renode's socket; likewise. It takes whatever is sent, as its UART has a queue without an end.
    """

    def __init__(self, target: socket.socket, renode: socket.socket) -> None:
        self._target = target
        self._renode = renode
        self._to_target = b""
        self._to_renode = b""
        target.setblocking(False)
        renode.setblocking(False)

    @property
    def held(self) -> bool:
        """Whether bytes wait for room on their way."""
        return bool(self._to_target or self._to_renode)

    def move(self) -> None:
        """Move what can be moved. A Renode that has ended takes and sends nothing: its gdb server tells."""
        self._to_renode = _moved(self._target, self._renode, self._to_renode)
        self._to_target = _moved(self._renode, self._target, self._to_target)

    def forget(self) -> None:
        """Drop what is on its way."""
        self._to_target = self._to_renode = b""


def _moved(source: socket.socket, sink: socket.socket, held: bytes) -> bytes:
    """Send what was held and what the source has; what there was no room for."""
    with contextlib.suppress(OSError):  # nothing there, no room, or the end
        held = held or source.recv(_CHUNK)
        while held:
            held = held[sink.send(held) :]
            held = held or source.recv(_CHUNK)
    return held
