"""Nodes on the desk: boards behind debug probes and SPI bridges, in the time of the wall."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from hil.errors import InputError
from hil.flash import FlashSession
from hil.link.spi.opening import open_bridge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.link.spi.bridge import Bridge
    from hil.swarm.run import PoweredNode

_POLL_S: Final = 1e-3  # a bridge tells levels, and of no edge by itself


def open_desk(node: PoweredNode, clock_hz: int) -> Bridge:
    """Flash a board with its firmware, image and recordings, reset it, and open the bridge to its SPI pins.

    Raises:
        InputError: the bridge has no data-ready line, which a hub needs.
        HilError: as `FlashSession` and `open_bridge`.
    """
    asked, board = node.prepared.node, node.board
    if asked.probe is None or asked.bridge is None or node.firmware.hex is None or board.links.spi is None:
        raise InputError(f"board '{board.name}' is none that can lie on the desk")
    with FlashSession(board, asked.probe) as session:
        session.program(node.firmware.hex)
        session.program_blob(node.prepared.slot, board.image_slot.origin)
        session.reset()
    spi = board.links.spi
    bridge = open_bridge(asked.bridge, clock_hz=clock_hz, mode=spi.mode, select_s=spi.select_us * 1e-6)
    if bridge.data_ready() is None:
        bridge.close()
        raise InputError(
            f"bridge {asked.bridge} has no data-ready line, and a hub sleeps until a node's rises",
            hint="connect it, and name it in the address: data_ready=…",
        )
    return bridge


class DeskWorld:
    """A hub's bridges, each to one node: a `hil.swarm.world.World`.

    Args:
        bridges: open, by their nodes' names.
        clock: monotonic time in seconds.
        sleep: lets so many seconds pass.

    Attributes:
        wakes: how often `next` had to wait.
    """

    def __init__(
        self,
        bridges: Mapping[str, Bridge],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bridges = bridges
        self._clock = clock
        self._sleep = sleep
        self._due: dict[str, tuple[float, float]] = {}
        self.wakes = 0

    def now(self) -> float:
        """See `World`."""
        return self._clock()

    def wait(self, seconds: float) -> None:
        """See `World`."""
        self._sleep(seconds)

    def bridge(self, node: str) -> Bridge:
        """See `World`."""
        return self._bridges[node]

    def watch_for(self, node: str, settled: float, deadline: float) -> None:
        """See `World`."""
        self._due[node] = (settled, deadline)

    def next(self) -> tuple[str, bool]:
        """See `World`."""
        waited = False
        while True:
            for node, (settled, deadline) in self._due.items():
                ready = self.now() >= settled and bool(self._bridges[node].data_ready())
                if ready or self.now() >= deadline:
                    del self._due[node]
                    self.wakes += waited
                    return node, ready
            waited = True
            self._sleep(_POLL_S)
