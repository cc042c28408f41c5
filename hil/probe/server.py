"""A debug probe served on the network by pyOCD's own protocol, for one client at a time, whatever becomes of each.

pyOCD's server ("pyocd server") leaves locked what a client had locked when it was killed, and the next client waits
for ever; and open what it had open. It also takes any number of clients at once. Here whatever a client has taken is
given back when its connection ends, and a second one is refused: two that share a board would both get wrong results.
"""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

# pyOCD has annotations but no py.typed.
from pyocd.core.exceptions import Error as PyocdError  # type: ignore[import-untyped]
from pyocd.core.exceptions import ProbeError
from pyocd.core.session import Session  # type: ignore[import-untyped]
from pyocd.probe.shared_probe_proxy import SharedDebugProbeProxy  # type: ignore[import-untyped]
from pyocd.probe.tcp_probe_server import (  # type: ignore[import-untyped]
    DebugProbeRequestHandler,
    TCPProbeServer,
)

from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyocd.probe.debug_probe import DebugProbe  # type: ignore[import-untyped]

_GIVES_BACK: Final = {"unlock": "lock", "disconnect": "connect", "close": "open"}
"""By the request that gives back, in the order in which a client does it, the one that takes."""

_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
"""In seconds, and number: a silent connection is given up after 25 s."""

_GOING_S: Final = 2.0
"""How long the client before may take to be gone: one that comes back at once must not meet itself."""


class _Handler(DebugProbeRequestHandler):  # type: ignore[misc]
    """One client, of which is noted what it has taken; or one more than there may be, which is refused."""

    def setup(self) -> None:
        super().setup()
        server: _Server = self.server
        self._admitted = server.turn.acquire(timeout=_GOING_S)
        if self._admitted:
            server.client = self._client_domain
            self._note_what_is_taken()
        else:
            self._REQUEST_HANDLERS = {"hello": (self._refuse, 1)}

    def _refuse(self, _version: int) -> None:
        raise ProbeError(f"the probe is in use by a client at {self.server.client}")

    def _note_what_is_taken(self) -> None:
        self._taken: Counter[str] = Counter()
        handlers: dict[str, tuple[Callable[..., Any], int]] = self._REQUEST_HANDLERS
        self._giving = {giving: handlers[giving][0] for giving in _GIVES_BACK}
        for giving, taking in _GIVES_BACK.items():
            handlers[taking] = self._counted(handlers[taking], taking, 1)
            handlers[giving] = self._counted(handlers[giving], taking, -1)

    def _counted(self, handler: tuple[Callable[..., Any], int], what: str, by: int) -> tuple[Callable[..., Any], int]:
        function, arguments = handler

        def call(*given: Any) -> Any:
            result = function(*given)
            self._taken[what] += by
            return result

        return call, arguments

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            if self._admitted:
                self._give_back()
                self.server.turn.release()

    def _give_back(self) -> None:
        for giving, taking in _GIVES_BACK.items():
            for _ in range(self._taken[taking]):
                with suppress(PyocdError, OSError):
                    self._giving[giving]()


class _Server(TCPProbeServer):  # type: ignore[misc]
    """pyOCD's server, which knows its client.

    Attributes:
        turn: held by the handler of the client that is in.
        client: host of that client.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], session: Session, probe: SharedDebugProbeProxy) -> None:
        super().__init__(address, session, probe)
        self.RequestHandlerClass = _Handler
        self.turn = Lock()
        self.client = ""

    def get_request(self) -> tuple[socket.socket, Any]:
        """A client whose computer has lost its power is not waited for, either."""
        client, address = super().get_request()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            client.setsockopt(socket.IPPROTO_TCP, option, value)
        return client, address


@contextmanager
def serve_probe(probe: DebugProbe, host: str, port: int) -> Iterator[int]:
    """Serve a probe while the context lasts.

    Args:
        probe: pyOCD's, not open.
        host: the address to listen on; ``0.0.0.0`` for all of this computer's.
        port: 0 for any that is free.

    Yields:
        The port.

    Raises:
        RigError: it cannot be listened on.
    """
    session = Session(None)
    probe.session = session
    server = _Server((host, port), session, SharedDebugProbeProxy(probe))
    try:
        server.server_bind()
        server.server_activate()
    except OSError as error:
        server.server_close()
        raise RigError(f"a probe cannot be served on {host}:{port}", cause=str(error)) from error
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        with suppress(PyocdError):
            if probe.is_open:
                probe.close()
