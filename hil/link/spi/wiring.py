"""What the wires of an SPI link tell of themselves: which one is wrong, in a sentence.

A board that is clocked, and hears no header on MOSI, holds data-ready low from then on (firmware/port/spi/spi_link.c).
From reset until it was read once it has an empty frame to send, and so holds data-ready high. From these two a
host can tell apart what MISO alone does not say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import LinkError, RigError
from hil.link.spi.blocks import DATA_BYTES, HEADER_BYTES, Header, compose, decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.link.spi.bridge import Bridge

_SETTLE_S: Final = 2e-3
_TRIES: Final = 5
_ODD: Final = 5
_LOOP: Final = "MISO and MOSI are connected to each other"


class Wiring:
    """Watches what comes in, and looks closer where nothing sensible does.

    Args:
        bridge: the open bridge.
        board_name: for messages.
        wait: lets so many seconds pass.
    """

    def __init__(self, bridge: Bridge, board_name: str, wait: Callable[[float], None]) -> None:
        self._bridge = bridge
        self._board = board_name
        self._wait = wait
        self._first_ready = bridge.data_ready()
        self._unchecked = {True, False} if self._first_ready is not None else set()
        self._answers = 0
        self._levels: set[int] = set()  # bytes that came, of answers that were none

    def note(self, heard: bytes, header: Header | None) -> None:
        """Take note of a transaction."""
        if header is None:
            self._levels |= set(heard)
        else:
            self._answers += 1

    def check_ready(self, *, waiting: bool) -> None:
        """Hold the data-ready line against what the board said of itself: whether it has something to send.

        Raises:
            RigError: it stays at the other level.
            LinkError: as the bridge.
        """
        if waiting not in self._unchecked:
            return
        for _ in range(_TRIES):
            self._wait(_SETTLE_S)
            if self._bridge.data_ready() == waiting:
                self._unchecked.discard(waiting)
                return
            header = decode(self._bridge.exchange(compose()))
            if header is not None and (header.count > 0) != waiting:
                return  # it has changed its mind meanwhile
        raise self._never_ready() if waiting else self._always_ready()

    def _never_ready(self) -> RigError:
        if self._first_ready:
            return RigError(self._sentence("is heard, but hears nothing"), hint="is MOSI connected?")
        return RigError(
            self._sentence("has something to send, but data-ready stays low"),
            hint="connect the board's data-ready pin (links.spi.data_ready of its file) to the bridge's, or leave "
            "data_ready out of the address: then the board is asked again and again",
        )

    def _always_ready(self) -> RigError:
        if self._hears_itself():
            return RigError(f"the bridge {self._bridge.address} hears what it sends", hint=_LOOP)
        return RigError(
            self._sentence("has nothing to send, but data-ready stays high"),
            hint="is the bridge's pin connected to the board's data-ready, and to nothing else?",
        )

    def _hears_itself(self) -> bool:
        """A board that has nothing to send has nothing more that waits either, so it never says this."""
        return decode(self._bridge.exchange(compose(clock=_ODD))) == Header(0, _ODD)

    def _sentence(self, what: str) -> str:
        return f"board '{self._board}' on {self._bridge.address} {what}"

    def diagnosis(self) -> str:
        """What is wrong, in words; empty where nothing is known to be."""
        try:
            return self._look()
        except LinkError:
            return ""

    def _look(self) -> str:
        if self._answers:
            return self._only_heard()
        if not self._levels:
            return ""
        if self._levels not in ({0x00}, {0xFF}):
            return (
                "what comes on MISO is no answer of the agent's: is the mode right (links.spi.mode of the board's "
                "file), is SCK slow enough (hz= in the address), is this firmware built for SPI?"
            )
        level = "high" if self._levels == {0xFF} else "low"
        if self._first_ready:
            return self._by_data_ready(level)
        return (
            f"MISO is stuck {level}: not connected, swapped with MOSI, or the board has no power, is not selected, or "
            "runs no firmware that was built for SPI"
        )

    def _by_data_ready(self, level: str) -> str:
        """Data-ready was high before the first transaction, and MISO is constant."""
        if self._bridge.data_ready() is False:
            return (
                "MISO and MOSI are swapped: the board notices that it is selected and clocked, but hears nothing on "
                f"MOSI, and MISO is {level} throughout"
            )
        for _ in range(_TRIES):
            self._bridge.exchange(compose(clock=DATA_BYTES))
            self._wait(_SETTLE_S)
            if not self._bridge.data_ready():
                return f"MISO is stuck {level}: the board hears the host, and nothing comes back"
        return (
            f"MISO is {level} throughout and data-ready does not react: do NSS and SCK reach the board, and have the "
            "two a common ground?"
        )

    def _only_heard(self) -> str:
        """The board has answered at some time. One that hears nothing offers the same bytes again and again."""
        if self._hears_itself():
            return _LOOP
        offers = set()
        for _ in range(_TRIES):
            heard = self._bridge.exchange(compose(clock=DATA_BYTES))
            header = decode(heard)
            if header is not None:
                offers.add(heard[: HEADER_BYTES + header.count] if header.count else b"")
            self._wait(_SETTLE_S)
        if len(offers) == 1 and offers != {b""}:
            return "the board is heard, but hears nothing: is MOSI connected?"
        return ""
