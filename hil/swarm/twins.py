"""Nodes on twins in this process, in virtual time: no wall clock decides anything, so each run is the same.

Nodes touch each other on the bus alone, and the hub has that to itself. So each chip runs ahead by itself until its
data-ready line rises, or to a deadline; of all that have risen the hub takes the one that has first, and runs it on to
the moment at which it is spoken to. A node that nobody speaks to is not run in between.
"""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.errors import LinkError
from hil.link.spi.managed import ManagedBridge
from hil.swarm.spent import Spent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.swarm.node_chip import NodeChip

HUB_WAKES_S: Final = Fraction(5, 1_000_000)
"""From Stop mode, as the nodes do (DS10668, p. 1)."""

_LEAD_S: Final = Fraction(1, 1_000_000)  # from chip select to the first clock


class TwinBridge(ManagedBridge):
    """The bus with one node selected: a `hil.link.spi.bridge.Bridge` in the hub's time."""

    def __init__(self, name: str, chip: NodeChip, clock_hz: int, world: TwinWorld) -> None:
        self.address = f"twin of node '{name}'"
        self.clock_hz = clock_hz
        self._chip = chip
        self._world = world

    def exchange(self, data: bytes) -> bytes:
        """See `Bridge`."""
        self._world.catch_up(self._chip)
        try:
            heard = self._chip.spi_master.transfer(data, self.clock_hz, lead=_LEAD_S)
        except RuntimeError as error:
            raise LinkError(f"{self.address} has stopped in a transaction", cause=str(error)) from error
        self._world.passed(self._chip)
        return heard

    def data_ready(self) -> bool | None:
        """See `Bridge`."""
        self._world.catch_up(self._chip)
        return self._chip.rose_at is not None

    def close(self) -> None:
        """See `Bridge`."""


class TwinWorld:
    """A hub's bus and clock among twins: a `hil.swarm.world.World`.

    Args:
        chips: the nodes', by their names.
        clock_hz: of SCK.

    Attributes:
        wakes: how often the hub has slept in `next`.
    """

    def __init__(self, chips: Mapping[str, NodeChip], clock_hz: int) -> None:
        self._chips = chips
        self._clock_hz = clock_hz
        self._now = Fraction(0)
        self._due: list[tuple[Fraction, str, bool]] = []
        self.wakes = 0
        self._slept = Fraction(0)

    def now(self) -> float:
        """See `World`."""
        return float(self._now)

    def wait(self, seconds: float) -> None:
        """See `World`."""
        self._now += Fraction(round(seconds * 1_000_000_000), 1_000_000_000)

    def bridge(self, node: str) -> TwinBridge:
        """See `World`."""
        return TwinBridge(node, self._chips[node], self._clock_hz, self)

    def watch_for(self, node: str, settled: float, deadline: float) -> None:
        """See `World`."""
        chip = self._chips[node]
        chip.run_to(max(Fraction(settled), self._now))
        until = max(Fraction(deadline), self._now)
        chip.run_to(until, until_ready=True)
        heapq.heappush(self._due, (chip.rose_at or until, node, chip.rose_at is not None))

    def due(self) -> bool:
        """See `World`."""
        return bool(self._due) and self._due[0][0] <= self._now

    def next(self) -> tuple[str, bool]:
        """See `World`."""
        due, node, ready = heapq.heappop(self._due)
        if due > self._now:
            self.wakes += 1
            self._slept += due - self._now
            self._now = due + HUB_WAKES_S
        return node, ready

    def spent(self, node: str) -> Spent:
        """See `World`."""
        return self._chips[node].spent

    def retries(self, _node: str) -> tuple[str, ...]:
        """See `World`: it is powered with them."""
        return ()

    def hub_spent(self) -> Spent:
        """See `World`."""
        return Spent(float(self._now - self._slept), 0.0, float(self._slept))

    def catch_up(self, chip: NodeChip) -> None:
        """Run a chip to the hub's time."""
        chip.run_to(self._now)
        self.passed(chip)

    def passed(self, chip: NodeChip) -> None:
        """It is no earlier for the hub than for a chip that it speaks to: a chip ends at an instruction's end."""
        self._now = max(self._now, chip.seconds())
