"""The agent on a board, reached through a serial port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from hil.link.agent import Agent, Identity, StepResult
from hil.link.session import Session
from hil.link.transport import Transport

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["AgentClient", "Identity", "StepResult"]


class AgentClient(Agent):
    """The agent on one board, from open to close.

    Args:
        address: device path, pty or pyserial URL.
        board_name: for messages.
        baud: bits per second; 0 for a link without.
        timeout_s: how long an answer may take beyond transmission and computation.
        elf: path of the program on the board, for hints.
    """

    def __init__(
        self, address: str, *, board_name: str, baud: int = 115200, timeout_s: float = 2.0, elf: str = "agent.elf"
    ) -> None:
        super().__init__(board_name)
        self._address = address
        self._baud = baud
        self._timeout_s = timeout_s
        self._elf = elf
        self._transport: Transport | None = None

    def __enter__(self) -> Self:
        """Open the port and get to know the agent.

        Raises:
            RigError: the port is missing, busy or not permitted.
            LinkError: nobody, or something else, answers.
        """
        self._transport = Transport(self._address, self._baud)
        try:
            self.attach(
                Session(self._transport, self._board_name, baud=self._baud, timeout_s=self._timeout_s, elf=self._elf)
            )
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; may be called twice."""
        if self._transport is not None:
            self._transport.close()
