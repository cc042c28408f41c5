"""A connection to an Otii server by Qoitech's library, otii-tcp-client, with its edges looked after.

The library waits without an end for an answer that it gives no time, opens its socket so too, splits characters where
it decodes what has come so far, and raises what Python raises: each answer is given a time here, its bytes are decoded
a line at a time, and every error is a `RigError` that says what was asked.
"""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, Final

from hil.errors import RigError
from hil.power.packages import load

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECT_S: Final = 3.0
_ANSWER_S: Final = 20.0
"""Longest wait for an answer that the library would wait for without an end."""
_CHUNK: Final = 65_536
_LICENCE: Final = (
    "log in to the Otii server, have an Automation Toolbox licence, and reserve it there: its API needs one"
)


class OtiiConnection:
    """An open connection.

    Args:
        address: as it was given, for messages.
        host: of the server.
        port: of it.

    Attributes:
        otii: the library's object, whose calls go through `ask`.
        server: what the server says that it is.

    Raises:
        RigError: there is no Otii server.
    """

    def __init__(self, address: str, host: str, port: int) -> None:
        self._address = address
        connection: Any = load("otii_tcp_client.otii_connection", "otii-tcp-client", "OtiiConnection")
        otii: Any = load("otii_tcp_client.otii", "otii-tcp-client", "Otii")
        self._error: Any = load("otii_tcp_client.otii_exception", "otii-tcp-client", "Otii_Exception").Otii_Exception
        try:
            self._socket = socket.create_connection((host, port), timeout=_CONNECT_S)
        except OSError as error:
            raise RigError(
                f"there is no Otii server at {host}:{port}",
                cause=str(error),
                hint="start Otii 3, or 'otii_server', and see that its TCP server is on (port 1905)",
            ) from error
        self._unread = b""
        bounded = connection.OtiiConnection(host, port)
        bounded.sock = self._socket
        bounded.receive_response = self._receive
        self.otii: Any = otii.Otii(bounded)
        try:
            greeting = self.ask("who it is", lambda: self._receive(_CONNECT_S, ""))
            self.server = str(greeting.get("data", {}).get("otii_version", ""))
        except BaseException:
            self.close()
            raise

    def ask(self, what: str, call: Callable[[], Any]) -> Any:
        """Call the library.

        Args:
            what: was asked, for messages.
            call: it.

        Raises:
            RigError: the server refuses, goes away, is silent or answers nonsense.
        """
        try:
            return call()
        except self._error as error:
            licence = error.type in {"No license", "Not logged in", "License could not be reserved"}
            raise RigError(
                f"the Otii server at {self._address} refuses: {what}",
                cause=f"{error.type}: {error.message}",
                hint=_LICENCE if licence else "see what its window says",
            ) from error
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise RigError(
                f"the Otii server at {self._address} does not answer as it should: {what}",
                cause=f"{type(error).__name__}: {error}",
                hint="see that this is the port of an Otii server, and that it still runs",
            ) from error

    def close(self) -> None:
        """Disconnect; may be called twice."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _receive(self, timeout_s: float | None, trans_id: str) -> dict[str, Any]:
        """The answer to a request; in place of the library's."""
        self._socket.settimeout(_ANSWER_S if timeout_s is None else timeout_s)
        while True:
            line, found, rest = self._unread.partition(b"\r\n")
            if not found:
                data = self._socket.recv(_CHUNK)
                if not data:
                    raise ConnectionResetError("it closed the connection")
                self._unread += data
                continue
            self._unread = rest
            message = json.loads(line)
            if message["type"] == "progress" or (message["type"] == "information" and trans_id):
                continue
            if message["type"] != "information" and message["trans_id"] != trans_id:
                continue  # of a request that was given up
            return dict(message)
