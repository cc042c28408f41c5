"""The stream between the host and an emulated UART."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Final

from hil.emulator.machine import MachineError

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # struct linger: no TIME_WAIT entry stays behind
_CHUNK: Final = 65536


class UartStream:
    """Two connected TCP sockets without a listener that outlives the constructor.

    TCP, because QEMU's interrupt-driven UART stalls when a write would block, which a Unix socket does after some 280
    bytes and a TCP connection not within 400 KB. Both ends stay open here, so that the stream survives an emulator that
    is started anew, and so that what the emulator has not taken yet is known.

    Attributes:
        host: this side's end.
        target: the emulator's end.
    """

    def __init__(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self.host = socket.create_connection(listener.getsockname())
            self.target, peer = listener.accept()
        for end in (self.host, self.target):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        if peer != self.host.getsockname():
            self.close()
            raise MachineError("another program connected to the emulator's UART socket")

    def waiting(self) -> int:
        """Bytes from the host that the emulator has not taken."""
        count = fcntl.ioctl(self.target, termios.FIONREAD, bytes(4))
        return int.from_bytes(count, "little")

    def forget_input(self) -> None:
        """Drop the bytes that the emulator has not taken: on a wire they would be lost while the target resets."""
        with suppress(BlockingIOError):
            while self.target.recv(_CHUNK, socket.MSG_DONTWAIT):
                pass

    def close(self) -> None:
        """Close both ends."""
        self.host.close()
        self.target.close()
