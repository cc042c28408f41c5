"""The pty that is an emulated board's serial port, and the bytes between it and the emulator's UART."""

from __future__ import annotations

import os
import select
import time
import tty
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.uart import UartStream

_CHUNK: Final = 4096
_BACKLOG_BYTES: Final = 65536
_IN_FLIGHT_BYTES: Final = 512
_FIRST_WAIT_MS: Final = 1
_LONGEST_WAIT_MS: Final = 64


class SerialBridge:
    """Moves bytes both ways without ever waiting.

    The emulator's side is always drained: what nobody reads from the pty is dropped, the oldest first, as a serial
    adapter does. Towards the target nothing is dropped but by a reset: a writer waits when the UART does.

    Args:
        uart: the stream to the target's UART.
        wake: makes the emulator look at bytes that wait for its UART: QEMU does not notice by itself that the program
            has made the UART ready. Called until they are taken, less often the longer that lasts.
    """

    def __init__(self, uart: UartStream, wake: Callable[[], None]) -> None:
        self._uart = uart
        self._wake = wake
        uart.host.setblocking(False)
        self._master, self._slave = os.openpty()
        # The slave stays open here, so that its settings survive when the last program closes it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._to_host = bytearray()
        self._to_target = b""
        self._waiting = 0
        self._wait_ms = _FIRST_WAIT_MS
        self._due = 0.0

    def interest(self) -> tuple[tuple[int, int, Callable[[], None]], ...]:
        """The descriptors to poll, the events on them that let bytes move, and what moves them."""
        pty = (0 if self._to_target else select.POLLIN) | (select.POLLOUT if self._to_host else 0)
        return (self._uart.host.fileno(), select.POLLIN, self.uart_ready), (self._master, pty, self.pty_ready)

    def timeout_ms(self) -> int | None:
        """When to call `push` at the latest, in milliseconds; None when there is nothing to push."""
        return self._wait_ms if self._waiting or self._to_target else None

    def uart_ready(self) -> None:
        """The UART has sent bytes."""
        with suppress(BlockingIOError):
            self._to_host += self._uart.host.recv(_CHUNK)
            del self._to_host[:-_BACKLOG_BYTES]
            self._give_host()

    def pty_ready(self) -> None:
        """The pty has bytes, or takes some."""
        if self._to_host:
            self._give_host()
        if not self._to_target:
            with suppress(BlockingIOError):
                self._to_target = os.read(self._master, _CHUNK)
                self._give_target()
                self._wait_ms = _FIRST_WAIT_MS
                self._due = time.monotonic() + self._wait_ms / 1000

    def push(self) -> None:
        """See what the emulator has taken, give it more, and wake it when it takes nothing for a while."""
        if not (self._waiting or self._to_target):
            return
        before, self._waiting = self._waiting, self._uart.waiting()
        if self._to_target:
            self._give_target()
        now = time.monotonic()
        if self._waiting < before:
            self._wait_ms = _FIRST_WAIT_MS
        elif now < self._due:
            return
        else:
            self._wake()
            self._wait_ms = min(2 * self._wait_ms, _LONGEST_WAIT_MS)
        self._due = now + self._wait_ms / 1000

    def forget_input(self) -> None:
        """Drop what was written to the pty and has not reached the UART."""
        self._to_target = b""
        with suppress(BlockingIOError):
            while os.read(self._master, _CHUNK):
                pass

    def _give_host(self) -> None:
        with suppress(BlockingIOError):
            del self._to_host[: os.write(self._master, self._to_host)]

    def _give_target(self) -> None:
        room = _IN_FLIGHT_BYTES - self._uart.waiting()
        if room > 0:
            with suppress(BlockingIOError):
                self._to_target = self._to_target[self._uart.host.send(self._to_target[:room]) :]
        self._waiting = self._uart.waiting()

    def close(self) -> None:
        """Close the pty."""
        os.close(self._slave)
        os.close(self._master)
