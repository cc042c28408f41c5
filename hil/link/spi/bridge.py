"""What a bridge between this computer and an SPI bus must offer. One file a kind of bridge beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType


class Bridge(Protocol):
    """An open bridge: the master on a bus with one board. Every call is bounded in time.

    Attributes:
        address: as it was given, for messages.
        clock_hz: of SCK, as the bridge makes it: at most what was asked for.
    """

    address: str
    clock_hz: int

    def exchange(self, data: bytes) -> bytes:
        """One transaction: select the board, send and receive at once, release it.

        Args:
            data: 1 to 252 bytes.

        Returns:
            As many bytes.

        Raises:
            LinkError: the bridge went away, or does not answer as it should.
        """

    def data_ready(self) -> bool | None:
        """Level of the line on which the board says that it has something to send; None where none is connected.

        Raises:
            LinkError: as `exchange`.
        """

    def close(self) -> None:
        """Release the bridge, the board deselected; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
