"""A serial instrument on a pty: a state machine that takes bytes and answers bytes, served by a thread."""

from __future__ import annotations

import os
import select
import threading
import tty
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 4096
_JOIN_S = 5.0


class Machine(Protocol):
    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host; the answer."""


class PtyInstrument:
    """Serves a machine until its `with` ends, or until it is unplugged.

    Args:
        machine: what answers.
        mangle: what becomes of each answer on its way, for instruments that have gone mad.
        unplug_after: bytes from the host after which it is unplugged.

    Attributes:
        path: the port.
        error: what the machine raised, if it did; raised again at the end of the `with`.
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
        self._wake, self._woken = os.pipe()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"instrument {self.path}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._woken, b"x")
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive()
        for descriptor in (self._wake, self._woken):
            os.close(descriptor)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while self._left is None or self._left > 0:
                if self._master not in select.select([self._master, self._wake], [], [])[0]:
                    break  # all that was sent has been served
                data = os.read(self._master, _CHUNK)
                if self._left is not None:
                    data = data[: self._left]
                    self._left -= len(data)
                if answer := self._mangle(self._machine.feed(data)):
                    os.write(self._master, answer)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error
        finally:
            os.close(self._held)
            os.close(self._master)
