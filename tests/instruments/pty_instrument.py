"""A serial instrument on a pty: a state machine that takes bytes and answers bytes, served by a thread."""

from __future__ import annotations

import os
import select
import tty
from typing import TYPE_CHECKING, Protocol

from tests.instruments.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 4096


class Machine(Protocol):
    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host; the answer."""


class PtyInstrument(Served):
    """Serves a machine until its `with` ends, or until it is unplugged.

    Args:
        machine: what answers.
        mangle: what becomes of each answer on its way, for instruments that have gone mad.
        unplug_after: bytes from the host after which it is unplugged.

    Attributes:
        path: the port.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        mangle: Callable[[bytes], bytes] = bytes,
        unplug_after: int | None = None,
    ) -> None:
        self._machine = machine
        self._mangle = mangle
        self._left = unplug_after
        self._master, self._held = os.openpty()
        tty.setraw(self._held)
        self.path = os.ttyname(self._held)
        super().__init__(f"instrument {self.path}")

    def _serve(self) -> None:
        while self._left is None or self._left > 0:
            if self._master not in select.select([self._master, self._wake], [], [])[0]:
                break  # all that was sent has been served
            data = os.read(self._master, _CHUNK)
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            if answer := self._mangle(self._machine.feed(data)):
                os.write(self._master, answer)

    def _release(self) -> None:
        os.close(self._held)
        os.close(self._master)
