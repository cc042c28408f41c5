"""The byte stream of a session over SPI transactions: what goes into each, and when the board is asked.

The host is the master: nothing comes unless it clocks. With a data-ready line it clocks when the board says so; without
one, and now and then in any case, it asks. A board that is not armed (its interrupts are off, or it is arming) takes no
part: then nothing was sent, and four bytes ask again until it answers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from hil.link.spi.blocks import DATA_BYTES, HEADER_BYTES, compose, decode
from hil.link.spi.wiring import Wiring
from hil.link.transport import READ_SLICE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.link.spi.bridge import Bridge

PACE_BAUD: Final = 20_000
"""Bounds, for a session's time-outs, what a byte takes over the slowest of bridges."""

_GUESS_S: Final = 100e-6  # worth clocking on the chance that the board has something
_ASK_S: Final = 5e-3  # a board whose data-ready is low is asked all the same
_FIRST_WAIT_S: Final = 100e-6
_LONGEST_WAIT_S: Final = 2e-3
_BITS: Final = 8
_REARM_CYCLES: Final = 900  # that a board takes to be ready again (firmware/port/spi), and for each byte that it got
_REARM_CYCLES_A_BYTE: Final = 12


class SpiWire:
    """A `hil.link.session.Wire` over a bridge. Every call is bounded in time.

    Args:
        bridge: open; closed with this.
        board_name: for messages.
        board_hz: clock of the board's core, for the time that it needs between transactions.
        clock: monotonic time in seconds.
        wait: lets so many seconds pass.

    Attributes:
        address: the bridge's.
        guess_bytes: clocked on the chance that the board has so many, where it has not said how many.
        transactions: how many there were so far.
        clocked_bytes: how many bytes they took on the bus.
    """

    def __init__(
        self,
        bridge: Bridge,
        board_name: str,
        *,
        board_hz: int,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = bridge.address
        self.transactions = 0
        self.clocked_bytes = 0
        self._bridge = bridge
        self._board_hz = board_hz
        self._clock = clock
        self._wait = wait
        self._wiring = Wiring(bridge, board_name, wait)
        self._has_line = bridge.data_ready() is not None
        self._unsent = bytearray()
        self._inbox = bytearray()
        self.guess_bytes = min(DATA_BYTES, int(bridge.clock_hz / _BITS * _GUESS_S))
        self._waiting = 0  # bytes that the board is known to have
        self._likely = 0  # bytes that came the last time
        self._armed = False  # it has answered the last time
        self._asked = self._not_before = clock()
        self._pause_s = _FIRST_WAIT_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the bridge; may be called twice."""
        self._bridge.close()

    def write(self, data: bytes) -> None:
        """Queue bytes; whole blocks go out at once, the rest with the next `read`.

        Raises:
            LinkError: the bridge is gone.
        """
        self._unsent += data
        while self._armed and len(self._unsent) >= DATA_BYTES:
            self._exchange()

    def read(self) -> bytes:
        """Whatever has arrived; waits at most READ_SLICE_S for the first byte.

        Raises:
            LinkError: the bridge is gone.
            RigError: the data-ready line does not do what the board says.
        """
        give_up = self._clock() + READ_SLICE_S
        while not self._inbox and self._clock() < give_up:
            if self._unsent or self._is_due():
                self._exchange()
                if self._armed and (self._unsent or self._waiting):
                    continue
            if not self._inbox:
                self._pause()
        data = bytes(self._inbox)
        self._inbox.clear()
        return data

    @property
    def expects(self) -> bool:
        """Whether the board has said, when it was heard last, that it has more to send."""
        return self._waiting > 0

    @property
    def settled_at(self) -> float:
        """From when on the data-ready line says what the board has to send since the last transaction."""
        return self._not_before

    def diagnosis(self) -> str:
        """What is wrong with the wires, as far as can be told; empty where nothing is. May ask the board once more."""
        return self._wiring.diagnosis()

    def _is_due(self) -> bool:
        """Whether the board is to be asked now."""
        if self._waiting:
            return True
        ready = self._bridge.data_ready()
        return ready is not False or self._clock() - self._asked >= _ASK_S

    def _exchange(self) -> None:
        """One transaction. Of a board that did not answer the last one it only asks whether it does now."""
        self._wait_for_board()
        send = min(len(self._unsent), DATA_BYTES) if self._armed else 0
        # As many bytes as go out may come in with them, which costs nothing.
        clock = max(send, self._waiting or max(self.guess_bytes, self._likely)) if self._armed else 0
        data = compose(bytes(self._unsent[:send]), clock=clock)
        heard = self._bridge.exchange(data)
        self.transactions += 1
        self.clocked_bytes += len(data)
        header = decode(heard)
        self._wiring.note(heard, header)
        self._asked = self._clock()
        if header is None:
            self._armed = False
            return
        self._not_before = self._asked + (_REARM_CYCLES + _REARM_CYCLES_A_BYTE * send) / self._board_hz
        del self._unsent[:send]
        taken = min(header.count, clock)
        self._inbox += heard[HEADER_BYTES : HEADER_BYTES + taken]
        self._waiting = min(DATA_BYTES, header.count - taken or header.other)
        self._likely = taken if taken == DATA_BYTES else 0
        self._armed = True
        if self._waiting or not header.count:
            self._wiring.check_ready(waiting=self._waiting > 0)
        if send or taken or self._waiting:
            self._pause_s = _FIRST_WAIT_S

    def _wait_for_board(self) -> None:
        left = self._not_before - self._clock()
        if left > 0:
            self._wait(left)

    def _pause(self) -> None:
        self._wait(self._pause_s)
        # To look at the line costs the board nothing; to ask it does.
        self._pause_s = min((1.1 if self._has_line else 2) * self._pause_s, _LONGEST_WAIT_S)
