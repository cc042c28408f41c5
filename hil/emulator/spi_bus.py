"""An SPI bus with one emulated board on it, as its master's wires see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from hil.board import Spi

LONGEST_BYTES: Final = 4096
"""At most in one transfer."""

LONGEST_HOLD_S: Final = 0.1
"""At most between chip select and the first clock."""

SLOWEST_HZ, FASTEST_HZ = 10_000, 64_000_000
"""Of SCK."""


@dataclass(frozen=True)
class SpiWiring:
    """Pins of the chip that the bus ends at, by their names in its data sheet; empty for a line that is not there.

    Attributes:
        nss: chip select, low while selected.
        data_ready: the board's line to the master, high while it has something to send.
    """

    nss: str
    sck: str
    miso: str
    mosi: str
    data_ready: str = ""

    @classmethod
    def of(cls, link: Spi) -> Self:
        """As a board's file has it."""
        return cls(link.nss, link.sck, link.miso, link.mosi, link.data_ready)


class SpiBus(Protocol):
    """The bus. Every call is bounded; what takes time takes the board's own."""

    def select(self, *, on: bool) -> None:
        """Pull chip select low, or release it."""

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        """Clock bytes out and in, the most significant bit first, whether the board is selected or not.

        Ones come in where nothing drives MISO: without power, and while a debugger has halted the core or it has locked
        up, as then the board's time stands still.

        Args:
            data: up to `LONGEST_BYTES`.
            clock_hz: of SCK, `SLOWEST_HZ` to `FASTEST_HZ`.
            mode: 0 to 3.
            held_s: how long after chip select has fallen the first bit is clocked, in s, up to `LONGEST_HOLD_S`, where
                the instrument says so; None: as long as the board needs.

        Returns:
            As many bytes.

        Raises:
            MachineError: an argument is out of range.
        """

    def data_ready(self) -> bool:
        """Level of the data-ready line; low where the board's time stands still."""
