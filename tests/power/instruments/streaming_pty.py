"""A serial instrument on a pty that sends of its own accord: what it has to say goes out as fast as it is read."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import tty
from typing import Protocol

from tests.instruments.served import Served

_CHUNK = 4096
_FULL = 1024
"""Bytes that wait for their reader from which on no more are sent: time must not run far ahead of who measures."""
_LOOK_S = 0.0005
"""Nothing tells when they were read."""


class StreamingMachine(Protocol):
    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host; the answer."""

    def stream(self) -> bytes | None:
        """What comes next of its own accord; empty for nothing until it is fed, None when its plug is pulled."""


class StreamingPty(Served):
    """Serves a machine until its `with` ends, or until it pulls its plug.

    Attributes:
        path: the port.
    """

    def __init__(self, machine: StreamingMachine) -> None:
        self._machine = machine
        self._master, self._held = os.openpty()
        tty.setraw(self._held)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._held)
        super().__init__(f"instrument {self.path}")

    def _serve(self) -> None:
        unsent = b""
        while True:
            full = self._waiting() >= _FULL
            if not unsent and not full:
                said = self._machine.stream()
                if said is None:
                    break
                unsent = said
            wanted = [self._master] if unsent and not full else []
            readable, writable, _ = select.select([self._master, self._wake], wanted, [], _LOOK_S if full else None)
            if self._master in readable:  # all that was sent is heard
                unsent += self._machine.feed(os.read(self._master, _CHUNK))
            elif self._wake in readable:
                break
            elif writable:
                unsent = unsent[os.write(self._master, unsent) :]

    def _release(self) -> None:
        os.close(self._held)
        os.close(self._master)

    def _waiting(self) -> int:
        answer = fcntl.ioctl(self._held, termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])
