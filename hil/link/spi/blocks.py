"""What one SPI transaction carries: a header and a stretch of the byte stream each way; pure (docs/protocol.md).

Both sides send the same four bytes first: a mark, how many bytes of the stream follow, a second number, and a check.
As firmware/port/spi/spi_link.h has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BLOCK_BYTES: Final = 252
"""The longest transaction: what the DMA of an nRF51 takes (255), in whole words."""

HEADER_BYTES: Final = 4
DATA_BYTES: Final = BLOCK_BYTES - HEADER_BYTES
"""Most bytes of the stream in one transaction, each way."""

_MARK: Final = 0xC5
_CHECK: Final = 0x3A


@dataclass(frozen=True)
class Header:
    """The beginning of a transaction.

    Attributes:
        count: bytes of the stream that follow, 0 to DATA_BYTES.
        other: the host: how many of the board's bytes it clocks out in this transaction, 0 to DATA_BYTES; the board:
            how many more than these wait, 255 for that many or more.
    """

    count: int
    other: int = 0

    def encode(self) -> bytes:
        """The four bytes."""
        return bytes((_MARK, self.count, self.other, _MARK ^ _CHECK ^ self.count ^ self.other))


def compose(data: bytes = b"", *, clock: int = 0) -> bytes:
    """What the host sends in a transaction.

    Args:
        data: of its stream, at most DATA_BYTES.
        clock: how many of the board's bytes it clocks out, at most DATA_BYTES.
    """
    return Header(len(data), clock).encode() + data.ljust(clock, b"\0")


def decode(data: bytes) -> Header | None:
    """The header that a transaction began with; None where the other side took no part in it.

    A side that takes no part neither keeps what it hears nor counts as sent what it says.
    """
    if len(data) < HEADER_BYTES or data[0] != _MARK or data[3] != _MARK ^ _CHECK ^ data[1] ^ data[2]:
        return None
    return Header(data[1], data[2]) if data[1] <= DATA_BYTES else None
