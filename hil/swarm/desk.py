"""Nodes on the desk: boards behind debug probes and SPI bridges, in the time of the wall."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from hil.dut.answering import open_paired
from hil.errors import InputError
from hil.flash import FlashSession
from hil.link.spi.opening import open_bridge
from hil.swarm.hub import naming, open_agent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hil.link.spi.bridge import Bridge
    from hil.swarm.build_nodes import BuiltNode

_POLL_S: Final = 1e-3  # a bridge tells levels, and of no edge by itself


@contextmanager
def open_desk(nodes: Sequence[BuiltNode], clock_hz: int) -> Iterator[DeskWorld]:
    """Flash boards with their firmware, images and recordings, and open the bridges to their SPI pins.

    Args:
        nodes: boards with a probe and a bridge.
        clock_hz: of SCK.

    Raises:
        InputError: a bridge has no data-ready line, which a hub needs; or a board cannot lie on the desk.
        RigError: a node's probe and bridge belong to two boards.
        HilError: as `FlashSession` and `open_bridge`; the message names the node.
    """
    with ExitStack() as stack:
        bridges, retries = {}, {}
        for node in nodes:
            with naming(node.name):
                bridges[node.name], retries[node.name] = _open_board(node, clock_hz, stack)
        yield DeskWorld(bridges, retries)


def _open_board(node: BuiltNode, clock_hz: int, stack: ExitStack) -> tuple[Bridge, tuple[str, ...]]:
    """Flash one, open its bridge, which the stack closes, and see that the two lead to one board.

    Returns:
        The bridge, and what had to be tried again to flash it.
    """
    asked, board = node.prepared.node, node.board
    if asked.probe is None:
        raise InputError("nothing says which debug probe it hangs on", hint="give it 'probe' in the nodes file")
    if asked.bridge is None:
        raise InputError("nothing says which bridge its SPI pins hang on", hint="give it 'bridge' in the nodes file")
    if node.firmware.hex is None:
        raise InputError(
            f"the firmware of board '{board.name}' is a program of this computer, which no probe can flash",
            hint="take a board with a microcontroller",
        )
    if board.links.spi is None:
        raise InputError(f"the file of board '{board.name}' names no SPI", hint="name its pins in links.spi")
    with FlashSession(board, asked.probe) as session:
        session.program(node.firmware.hex)
        session.program_blob(node.prepared.slot, board.image_slot.origin)
        session.reset()
        spi = board.links.spi
        opened = open_bridge(asked.bridge, clock_hz=clock_hz, mode=spi.mode, select_s=spi.select_us * 1e-6)
        bridge = stack.enter_context(opened)
        _check_line(bridge)
        open_paired(
            lambda: open_agent(bridge, board.name, board.clock_hz, clock=time.monotonic, wait=time.sleep)[0],
            session.reset,
            probe=asked.probe,
            link=f"bridge {bridge.address}",
            hint="name the probe and the bridge of one board",
        )
        session.reset()  # its line is high again, until the hub has read it
        return bridge, session.retries


def _check_line(bridge: Bridge) -> None:
    if bridge.data_ready() is None:
        raise InputError(
            f"bridge {bridge.address} has no data-ready line, and a hub sleeps until a node's rises",
            hint="connect it, and name it in the address: data_ready=…",
        )


class DeskWorld:
    """A hub's bridges, each to one node: a `hil.swarm.world.World`.

    Args:
        bridges: open, by their nodes' names.
        retries: what had to be tried again to flash each, likewise.
        clock: monotonic time in seconds.
        sleep: lets so many seconds pass.

    Attributes:
        wakes: how often `next` had to wait.
    """

    def __init__(
        self,
        bridges: Mapping[str, Bridge],
        retries: Mapping[str, tuple[str, ...]],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bridges = bridges
        self._retries = retries
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

    def spent(self, node: str) -> None:
        """See `World`: nothing tells."""

    def retries(self, node: str) -> tuple[str, ...]:
        """See `World`."""
        return self._retries.get(node, ())

    def hub_spent(self) -> None:
        """See `World`: nothing tells."""

    def due(self) -> bool:
        """See `World`."""
        return self._first() is not None

    def next(self) -> tuple[str, bool]:
        """See `World`."""
        waited = False
        while (first := self._first()) is None:
            waited = True
            self._sleep(_POLL_S)
        del self._due[first[0]]
        self.wakes += waited
        return first

    def _first(self) -> tuple[str, bool] | None:
        """The first node whose line is high, or whose deadline has passed."""
        for node, (settled, deadline) in self._due.items():
            with naming(node):
                ready = self.now() >= settled and bool(self._bridges[node].data_ready())
            if ready or self.now() >= deadline:
                return node, ready
        return None
