"""Who is at the other end of a local socket."""

from __future__ import annotations

import socket
import struct
from typing import Final

_UCRED: Final = struct.Struct("iII")  # pid, uid, gid: unix(7)


def peer_of(sock: socket.socket) -> tuple[int, int]:
    """User number and process number of the process that connected, or listens, at the other end."""
    pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return uid, pid
