"""Where a hub's nodes are, and whose time it is: twins in virtual time (`hil.swarm.twins`), or boards on the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hil.link.spi.bridge import Bridge
    from hil.swarm.spent import Spent


class World(Protocol):
    """One bus with a chip select and a data-ready line for each node, and the hub's clock.

    Attributes:
        wakes: how often the hub has slept in `next`.
    """

    wakes: int

    def now(self) -> float:
        """Seconds since some moment before the hub began."""

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""

    def bridge(self, node: str) -> Bridge:
        """The bus with this node selected in each transaction."""

    def watch_for(self, node: str, settled: float, deadline: float) -> None:
        """Have `next` tell once when this node's data-ready line rises, or that it has not until the deadline.

        Until ``settled`` the line may still be high for what was read already.
        """

    def due(self) -> bool:
        """Whether `next` has something to tell at once.

        Raises:
            HilError: as `next`.
        """

    def next(self) -> tuple[str, bool]:
        """Sleep until something is to be told.

        Returns:
            The node, and whether its line is high; False at its deadline. What is due first comes first.

        Raises:
            HilError: a node, or the bridge to it, has gone; the message names it.
        """

    def spent(self, node: str) -> Spent | None:
        """Where the time of a node's chip has gone since it was powered; None where nothing tells that."""

    def retries(self, node: str) -> tuple[str, ...]:
        """What had to be tried again to get a node's firmware and recordings there: a sentence each."""

    def hub_spent(self) -> Spent | None:
        """Where the hub's time has gone since it began; None where nothing tells that."""
