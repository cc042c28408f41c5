"""The C agent behind an SPI slave inside the test process: the host's own wire over a bus that the test damages.

All of firmware/port/spi runs, and all of hil/link/spi but the bridges; time is simulated.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from hil.link.agent import Agent
from hil.link.session import Session
from hil.link.spi.blocks import BLOCK_BYTES
from hil.link.spi.wire import SpiWire
from tests.contract.memory_agent import BOARD_H, FIRMWARE, FIRST_EPOCH, HERE, compile_sources
from tests.contract.mixing import SOURCE

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

INTERRUPTS_H = """\
#include <stdint.h>
uint32_t interrupts_mask(void);
void interrupts_restore(uint32_t masked);
void interrupts_wait(void);
"""
BARRIER_H = "static inline void barrier_order(void) {}\n"
CLOCK_HZ = 4_000_000
BOARD_HZ = 1_000_000_000
PULSES = 8


def compile_spi_agent(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """The agent, the SPI link and the mixing network as a shared library; each edit is (file, old text, new text)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.h").write_text(BOARD_H)
    (folder / "interrupts.h").write_text(INTERRUPTS_H)
    (folder / "barrier.h").write_text(BARRIER_H)
    agent = (f"agent/{name}.c" for name in ("agent", "frame", "rule", "watch"))
    names = (*agent, "ltc/ltc_crc.c", "port/host/nothing.c", "port/spi/spi_link.c")
    includes = (folder, *(FIRMWARE / name for name in ("agent", "port", "port/spi", "port/armv6m", "ltc")))
    return compile_sources(folder, names, [HERE / "memory_spi.c", SOURCE], includes, *edits)


@dataclass
class Transaction:
    """What goes over the bus in one: bits, and what the slave notices of them.

    Attributes:
        mosi: a bit for each pulse of SCK.
        seen: how many pulses the slave sees for each.
        cuts: before these pulses NSS is high for a moment.
        deaf_from: from this pulse on NSS is high.
        heard: the interrupt at its end is handled; otherwise interrupts are off until the next one ends.
        missed: it begins while the slave is being armed.
        answer: what becomes of the bits on MISO.
    """

    mosi: bytearray
    seen: bytearray
    cuts: tuple[int, ...] = ()
    deaf_from: int | None = None
    heard: bool = True
    missed: bool = False
    answer: Callable[[bytes], bytes] = bytes


Fault = Callable[[Transaction], None]


def intact(_: Transaction) -> None:
    """No fault."""


class MemoryBridge:
    """A bridge to the slave. Each fault function changes a transaction before it is carried out."""

    address = "memory"
    clock_hz = CLOCK_HZ

    def __init__(self, library: Path, fault: Fault = intact, ready: Callable[[bool], bool | None] = bool) -> None:
        self.now = 0.0
        self.transactions = 0
        self._fault = fault
        self._ready = ready
        self._out = ctypes.create_string_buffer(PULSES * BLOCK_BYTES)
        self._bus = ctypes.CDLL(str(library))
        self._bus.bus_ready.restype = ctypes.c_bool
        self._bus.bus_boot()
        self._bus.bus_run()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass

    def close(self) -> None:
        """Nothing is open."""

    def clock(self) -> float:
        """Simulated seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass; the agent has done all it can."""
        self.now += seconds

    def data_ready(self) -> bool | None:
        """See `Bridge`."""
        return self._ready(self._bus.bus_ready())

    def exchange(self, data: bytes) -> bytes:
        """See `Bridge`."""
        self.transactions += 1
        self.now += len(data) * PULSES / CLOCK_HZ
        bits = bytearray(np.unpackbits(np.frombuffer(data, np.uint8)).tobytes())
        transaction = Transaction(bits, bytearray(b"\1" * len(bits)))
        self._fault(transaction)
        heard = np.packbits(np.frombuffer(self._clock(transaction), np.uint8)).tobytes()
        return transaction.answer(heard)[: len(data)].ljust(len(data), b"\xff")

    def _clock(self, transaction: Transaction) -> bytes:
        end = len(transaction.mosi) if transaction.deaf_from is None else transaction.deaf_from
        if transaction.missed:
            self._bus.bus_miss()
        edges = sorted({0, end, end // 2, *(cut for cut in transaction.cuts if cut < end)})
        bits = b""
        for at, to in itertools.pairwise(edges):
            if at in transaction.cuts:
                self._bus.bus_release(True)
            count = to - at
            self._bus.bus_pulse(bytes(transaction.mosi[at:to]), bytes(transaction.seen[at:to]), count, self._out)
            bits += self._out.raw[:count]
            self._bus.bus_run()
        if end:
            self._bus.bus_release(transaction.heard)
            self._bus.bus_run()
        return bits.ljust(len(transaction.mosi), b"\1")


class MemorySpi:
    """The agent's client over it all."""

    def __init__(self, library: Path, fault: Fault = intact, ready: Callable[[bool], bool | None] = bool) -> None:
        self.bridge = MemoryBridge(library, fault, ready)
        self.wire = SpiWire(self.bridge, "memory", board_hz=BOARD_HZ, clock=self.bridge.clock, wait=self.bridge.wait)

    def agent(self, timeout_s: float = 0.5, session: type[Session] = Session) -> Agent:
        """An agent object that talks over this wire."""
        agent = Agent("memory")
        agent.attach(
            session(
                self.wire,
                "memory",
                baud=0,
                timeout_s=timeout_s,
                elf="/cache/memory/agent.elf",
                clock=self.bridge.clock,
                random_bits=lambda _: FIRST_EPOCH,
            )
        )
        return agent
