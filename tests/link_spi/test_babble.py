"""Whatever never stops talking ends the opening of a bridge all the same."""

from __future__ import annotations

import os
import threading
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from hil.errors import RigError
from hil.link.spi.opening import open_bridge

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _babbler() -> Iterator[str]:
    """A port on which something sends as fast as it is read."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()

    def babble() -> None:
        while not stop.wait(0.0005):
            with suppress(BlockingIOError):
                os.write(master, b"temperature 21\r\n" * 16)
            with suppress(BlockingIOError):
                os.read(master, 4096)

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    yield os.ttyname(slave)
    stop.set()
    thread.join(5)
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize("kind", ["buspirate", "spidriver"])
def test_a_port_that_never_falls_silent(kind: str) -> None:
    with _babbler() as path, pytest.raises(RigError, match="it sends without being asked"):
        open_bridge(f"{kind}:{path}", clock_hz=1_000_000, mode=0)
