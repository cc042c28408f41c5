"""A bus without a board: a recorder."""

from __future__ import annotations

import threading
from random import Random


class RecordingBus:
    """A `hil.emulator.spi_bus.SpiBus` that keeps what it hears and answers what it drew, so that both can be compared.

    Attributes:
        heard: what was sent in each transaction.
        said: what was answered in each.
        clocks: every (clock in Hz, mode) that came.
        holds: how long each transaction's chip select was low before the first clock, in s, where it was said.
        ready: level of data-ready.
        released: set while chip select is high.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.heard: list[bytes] = []
        self.said: list[bytes] = []
        self.clocks: set[tuple[int, int]] = set()
        self.holds: list[float | None] = []
        self.ready = False
        self.released = threading.Event()
        self.released.set()

    def select(self, *, on: bool) -> None:
        if not on:
            self.released.set()
        elif self.released.is_set():
            self.released.clear()
            self.heard.append(b"")
            self.said.append(b"")

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        self.clocks.add((clock_hz, mode))
        if self.released.is_set():
            return b"\xff" * len(data)
        if not self.heard[-1]:
            self.holds.append(held_s)
        answer = self._random.randbytes(len(data))
        self.heard[-1] += data
        self.said[-1] += answer
        return answer

    def data_ready(self) -> bool:
        return self.ready
