"""Ports that are not device paths are bounded in time as well."""

from __future__ import annotations

import socket

import pytest

from hil.errors import LinkError
from hil.link import transport
from hil.link.transport import Transport


def test_a_url_that_takes_nothing_is_a_link_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_WRITE_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with (
            Transport(url) as port,
            server.accept()[0],  # connected, but never reads
            pytest.raises(LinkError, match=rf"port {url} takes no more bytes"),
        ):
            port.write(bytes(64_000_000))
