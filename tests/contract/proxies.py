"""Stand between a client and a device: a pty that damages what passes, and a TCP port as QEMU offers its UART."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from typing import TYPE_CHECKING, Self

from tests.contract.memory_agent import Direction, intact

if TYPE_CHECKING:
    from tests.contract.memory_agent import Fault


class _Proxy:
    """Carries bytes between the device and `_front()`, in a thread, until the context ends."""

    def __init__(self, device: str, up: Fault, down: Fault) -> None:
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._device)
        self._wake, self._stop = os.pipe()
        self._up, self._down = Direction(up), Direction(down)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop)
        self._thread.join()
        self._close()
        os.close(self._device)
        os.close(self._wake)

    def _front(self) -> int:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    def _serve(self) -> None:
        front = self._front()
        ways = {front: (self._device, self._up), self._device: (front, self._down)}
        while True:
            ready, _, _ = select.select([*ways, self._wake], [], [])
            if self._wake in ready:
                return
            for source in ready:
                target, direction = ways[source]
                data = os.read(source, 4096)
                if not data:
                    return
                os.write(target, direction.carry(data))


class FaultyPty(_Proxy):
    """A client opens `path`; what passes may be damaged in both directions."""

    def __init__(self, device: str, up: Fault = intact, down: Fault = intact) -> None:
        super().__init__(device, up, down)
        self._master, self._held = pty.openpty()
        tty.setraw(self._held)
        self.path = os.ttyname(self._held)

    def _front(self) -> int:
        return self._master

    def _close(self) -> None:
        os.close(self._master)
        os.close(self._held)


class TcpPort(_Proxy):
    """One client opens `url`."""

    def __init__(self, device: str) -> None:
        super().__init__(device, intact, intact)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connection = self._server
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"

    def _front(self) -> int:
        self._connection, _ = self._server.accept()
        return self._connection.fileno()

    def _close(self) -> None:
        self._connection.close()
        self._server.close()
