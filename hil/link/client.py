"""The agent on a board, reached through a serial port or an SPI bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from hil.link.agent import Agent, Identity, StepResult
from hil.link.session import Session
from hil.link.spi.wire import PACE_BAUD, SpiWire
from hil.link.transport import Transport

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["AgentClient", "Identity", "SpiSettings", "StepResult"]


@dataclass(frozen=True)
class SpiSettings:
    """How a board is reached over SPI.

    Attributes:
        mode: 0 to 3.
        max_hz: fastest SCK, in Hz.
        board_hz: clock of its core, in Hz.
        select_s: how long it must be selected before the first clock, in s.
    """

    mode: int
    max_hz: int
    board_hz: int
    select_s: float = 0.0


class AgentClient(Agent):
    """The agent on one board, from open to close.

    Args:
        address: device path, pty or pyserial URL; with ``spi`` that of a bridge (`hil.link.spi.opening`).
        board_name: for messages.
        baud: bits per second; 0 for a link without.
        spi: for a board that is reached over SPI.
        timeout_s: how long an answer may take beyond transmission and computation.
        elf: path of the program on the board, for hints.
    """

    def __init__(
        self,
        address: str,
        *,
        board_name: str,
        baud: int = 115200,
        spi: SpiSettings | None = None,
        timeout_s: float = 2.0,
        elf: str = "agent.elf",
    ) -> None:
        super().__init__(board_name)
        self._address = address
        self._baud = baud if spi is None else PACE_BAUD
        self._spi = spi
        self._timeout_s = timeout_s
        self._elf = elf
        self._wire: Transport | SpiWire | None = None

    def __enter__(self) -> Self:
        """Open the port and get to know the agent.

        Raises:
            RigError: the port is missing, busy or not permitted.
            LinkError: nobody, or something else, answers.
        """
        self._wire = self._open_wire()
        try:
            self.attach(
                Session(self._wire, self._board_name, baud=self._baud, timeout_s=self._timeout_s, elf=self._elf)
            )
        except BaseException:
            self._wire.close()
            raise
        return self

    def _open_wire(self) -> Transport | SpiWire:
        spi = self._spi
        if spi is None:
            return Transport(self._address, self._baud)
        from hil.link.spi.opening import open_bridge  # noqa: PLC0415 # for a link over SPI alone

        bridge = open_bridge(self._address, clock_hz=spi.max_hz, mode=spi.mode, select_s=spi.select_s)
        return SpiWire(bridge, self._board_name, board_hz=spi.board_hz)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; may be called twice."""
        if self._wire is not None:
            self._wire.close()
