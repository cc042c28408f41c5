"""A board in Python that follows docs/protocol.md, "Over SPI", and echoes the byte stream."""

from __future__ import annotations

from hil.link.spi import blocks

_MOST_WAITING = 255


class ModelBoard:
    """The slave's side of the link: one block armed between transactions; what it takes it offers again.

    Once it was clocked and heard no header, its data-ready stays low, as that of firmware/port/spi/spi_link.c does.

    Args:
        mode: its SPI mode; a master in another one makes it hear nonsense.

    Attributes:
        took: transactions that it took part in.
    """

    def __init__(self, mode: int = 0) -> None:
        self._mode = mode
        self._outgoing = bytearray(1)  # after boot an empty frame, which makes data-ready high
        self._heard: bytearray | None = None
        self._deaf = False
        self.took = 0
        self._arm()

    def select(self, *, on: bool) -> None:
        if on and self._heard is None:
            self._heard = bytearray()
        elif not on and self._heard is not None:
            self._end(bytes(self._heard))

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        assert clock_hz > 0
        del held_s
        if self._heard is None:
            return b"\xff" * len(data)
        start = len(self._heard)
        # In another mode both sides read at the edges at which the other one writes: a bit early, or late.
        slip = mode != self._mode
        self._heard += _slipped(data) if slip else data
        said = self._block[start : start + len(data)]
        said += bytes(len(data) - len(said))
        return _slipped(said) if slip else said

    def data_ready(self) -> bool:
        return self._heard is None and self._offered > 0 and not self._deaf

    def _arm(self) -> None:
        offered = bytes(self._outgoing[: blocks.DATA_BYTES])
        waiting = min(len(self._outgoing) - len(offered), _MOST_WAITING)
        self._offered = len(offered)
        self._block = blocks.Header(len(offered), waiting).encode() + offered
        self._heard = None

    def _end(self, heard: bytes) -> None:
        header = blocks.decode(heard)
        if len(heard) >= blocks.HEADER_BYTES:
            self._deaf = header is None
        if header is not None and len(heard) >= blocks.HEADER_BYTES + max(header.count, header.other):
            del self._outgoing[: min(header.other, self._offered)]
            self._outgoing += heard[blocks.HEADER_BYTES :][: header.count]
            self.took += 1
        self._arm()


def _slipped(data: bytes) -> bytes:
    value = int.from_bytes(data, "big") >> 1
    return value.to_bytes(len(data), "big")
