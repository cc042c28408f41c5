"""A debug probe behind a network, by pyOCD's own protocol: ``remote:HOST:PORT``, served by `hil serve` or pyOCD.

pyOCD's client waits for ever for a server that does not answer, and spins for ever where it has gone. Here every
answer has a bound, and after the first that did not come no other is waited for.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

# pyOCD has annotations but no py.typed.
from pyocd.core import exceptions  # type: ignore[import-untyped]
from pyocd.probe.tcp_client_probe import TCPClientProbe  # type: ignore[import-untyped]
from pyocd.utility.sockets import ClientSocket  # type: ignore[import-untyped]

from hil.backends import REMOTE
from hil.errors import RigError
from hil.probe.own import PATIENT, OwnProbe

PREFIX: Final = f"{REMOTE}:"
_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 10.0
"""Far more than a probe takes for any one request; less than a person waits."""


class _BoundedSocket(ClientSocket):  # type: ignore[misc]
    """pyOCD's socket, whose answers come in time or never.

    Attributes:
        dead: why nothing more will come; empty while it may.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, timeout=_CONNECT_S)
        self._where = f"{host}:{port}"
        self.dead = ""

    def write(self, data: bytes) -> None:
        """Send a request."""
        self._refuse_dead()
        try:
            super().write(data)
        except OSError as error:
            raise self._died(f"the server of the probe at {self._where} has gone ({error})") from error

    def readline(self) -> bytes:
        """One answer."""
        self._refuse_dead()
        end = time.monotonic() + _ANSWER_S
        while b"\n" not in self._buffer:
            try:
                data = self.read()
            except TimeoutError:
                if time.monotonic() > end:
                    message = f"the server of the probe at {self._where} has not answered for {_ANSWER_S:g} s"
                    raise self._died(message) from None
                continue
            except OSError as error:
                raise self._died(f"the server of the probe at {self._where} has gone ({error})") from error
            if not data:
                raise self._died(f"the server of the probe at {self._where} has gone")
            self._buffer += data
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line

    def _refuse_dead(self) -> None:
        if self.dead:
            raise exceptions.ProbeDisconnected(self.dead)

    def _died(self, why: str) -> exceptions.ProbeDisconnected:
        self.dead = why
        with suppress(OSError):
            self.close()
        return exceptions.ProbeDisconnected(why)


class RemoteProbe(OwnProbe, TCPClientProbe):  # type: ignore[misc]
    """pyOCD's client of a probe server, bounded.

    Args:
        address: ``HOST:PORT``.
    """

    session_options = PATIENT  # what is behind it may be emulated

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise RigError(f"'{PREFIX}{address}' names no probe", hint=f"write {PREFIX}HOST:PORT")
        super().__init__(address)
        self._socket = _BoundedSocket(host, int(port))

    @property
    def behind(self) -> str:
        """The uid of the probe that the server has; it must be open."""
        return str(self._read_property("unique_id", ""))

    @property
    def is_open(self) -> bool:
        """Whether there is still something to talk to."""
        return bool(self._is_open and not self._socket.dead)

    def close(self) -> None:
        """Let the probe go; where its server has gone there is nothing to let go."""
        with suppress(exceptions.ProbeDisconnected):
            super().close()
        self._is_open = False

    def unlock(self) -> None:
        """See pyOCD, which counts a lock that failed as none, and then trips over its count instead of telling."""
        if self._socket.dead:
            raise exceptions.ProbeDisconnected(self._socket.dead)
        super().unlock()

    def open(self) -> None:
        """Connect to the server, and have it open the probe."""
        try:
            super().open()
        except OSError as error:
            raise exceptions.ProbeError(f"there is no server of a probe at {self.unique_id} ({error})") from error
        except exceptions.Error:
            self._is_open = False
            self._socket.close()
            raise
