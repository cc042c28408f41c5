"""A host on the twin's SPI pins in the twin's own time: the real wire, over a bridge that takes no time of its own."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Self

from hil.emulator.twin.core import Stop
from hil.link.agent import Agent
from hil.link.session import Session
from hil.link.spi.blocks import HEADER_BYTES, decode
from hil.link.spi.wire import SpiWire
from tests.twin.virtual_host import BOARD, EPOCH

if TYPE_CHECKING:
    from types import TracebackType

    from tests.twin.virtual_host import AgentChip

assert BOARD.links.spi is not None
MODE = BOARD.links.spi.mode
READY = BOARD.links.spi.data_ready


class VirtualBridge:
    """A `Bridge` to a chip.

    Args:
        chip: with the agent for SPI.
        clock_hz: of SCK.
        ready: whether its data-ready line is connected.

    Attributes:
        to_board: bytes of the stream that the board took.
        from_board: bytes of the stream that it gave.
        unanswered: transactions that found it not armed.
    """

    address = "the twin's SPI pins"

    def __init__(self, chip: AgentChip, clock_hz: int, *, ready: bool = True) -> None:
        self.clock_hz = clock_hz
        self.to_board = self.from_board = self.unanswered = 0
        self._chip = chip
        self._ready = ready
        chip.spi_master.mode = MODE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass

    def close(self) -> None:
        """Nothing is open."""

    def clock(self) -> float:
        """The chip's time."""
        return float(self._chip.seconds())

    def wait(self, seconds: float) -> None:
        """Let the time pass, also where the chip has nothing to do."""
        passed = self._chip.after(Fraction(seconds), lambda: None, lasting=True)
        self._chip.go(max(1, self._chip.cycles(Fraction(seconds))))
        self._chip.cancel(passed)

    def data_ready(self) -> bool | None:
        """See `Bridge`."""
        return self._chip.spi_master.level(READY) if self._ready else None

    def exchange(self, data: bytes) -> bytes:
        """See `Bridge`."""
        heard = self._chip.spi_master.transfer(data, self.clock_hz)
        header = decode(heard)
        if header is None:
            self.unanswered += 1
        else:
            self.to_board += data[1]
            self.from_board += min(header.count, data[2], len(data) - HEADER_BYTES)
        return heard


def connect(chip: AgentChip, bridge: VirtualBridge) -> tuple[Agent, SpiWire]:
    """An agent's client on the chip, once the firmware has started and sleeps."""
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        pass
    wire = SpiWire(bridge, BOARD.name, board_hz=chip.clock_hz, clock=bridge.clock, wait=bridge.wait)
    agent = Agent(BOARD.name)
    agent.attach(
        Session(
            wire,
            BOARD.name,
            baud=0,
            timeout_s=2.0,
            clock=bridge.clock,
            random_bits=lambda bits: EPOCH & ((1 << bits) - 1),
        )
    )
    return agent, wire
