"""How well a stream of steps over SPI uses the wire and the core, in virtual time; see `tests.twin.streaming`.

Each direction of the wire works while a byte of the stream is on it: headers, and what is clocked without being asked
for, count as idle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.build import build
from tests.twin.streaming import Carried, Streaming, stream
from tests.twin.virtual_host import BOARD, AgentChip
from tests.twin.virtual_spi import VirtualBridge, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hil.link.agent import Agent

MOST_CYCLES_A_BYTE = 105
"""75 to 97 by network: the CRC takes most of it, then taking COBS apart and the copies to and from the blocks."""

_BITS = 8


def measure(name: str, clock_hz: int, *, firmware_root: Path | None = None) -> Streaming:
    """Stream all sequences of a public case as a run does, and compare every bit."""

    def over_spi(chip: AgentChip) -> tuple[Agent, Callable[[], Carried]]:
        bridge = VirtualBridge(chip, clock_hz)
        agent, _ = connect(chip, bridge)
        return agent, lambda: Carried(bridge.to_board, bridge.from_board)

    artefact = build(BOARD, link="spi", firmware_root=firmware_root)
    return stream(artefact, name, over_spi, byte_s=_BITS / clock_hz)
