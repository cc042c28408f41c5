"""The pty that is an emulated board's serial port, and the bytes between it and the emulator's UART."""

from __future__ import annotations

import os
import select
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_CHUNK: Final = 4096
_BACKLOG_BYTES: Final = 65536


class SerialBridge:
    """Moves bytes both ways without ever waiting.

    The emulator's side is always drained: what nobody reads from the pty is dropped, the oldest first, as a serial
    adapter does. Towards the target nothing is dropped: a writer waits when the UART does.

    Args:
        uart: the host's end of the target's UART.
        wake: called after bytes were sent to it.
    """

    def __init__(self, uart: socket.socket, wake: Callable[[], None]) -> None:
        self._uart = uart
        self._wake = wake
        uart.setblocking(False)
        self._master, self._slave = os.openpty()
        # The slave stays open here, so that its settings survive when the last program closes it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._to_host = bytearray()
        self._to_target = b""

    def interest(self) -> dict[int, int]:
        """The descriptors to poll and the events on them that let bytes move."""
        uart = select.POLLIN | (select.POLLOUT if self._to_target else 0)
        master = (0 if self._to_target else select.POLLIN) | (select.POLLOUT if self._to_host else 0)
        return {self._uart.fileno(): uart, self._master: master}

    def move(self) -> None:
        """Move what can be moved now."""
        self._from_uart()
        self._from_pty()

    def _from_uart(self) -> None:
        with suppress(BlockingIOError):
            self._to_host += self._uart.recv(_CHUNK)
        del self._to_host[:-_BACKLOG_BYTES]
        if self._to_host:
            with suppress(BlockingIOError):
                del self._to_host[: os.write(self._master, self._to_host)]

    def _from_pty(self) -> None:
        if not self._to_target:
            try:
                self._to_target = os.read(self._master, _CHUNK)
            except BlockingIOError:
                return
        with suppress(BlockingIOError):
            self._to_target = self._to_target[self._uart.send(self._to_target) :]
            self._wake()

    def close(self) -> None:
        """Close the pty."""
        os.close(self._slave)
        os.close(self._master)
