"""Renode's gdb server, and how it differs from what the protocol says.

It repeats stop replies, also long after the stop: who waits for an answer passes them over. Its ``g`` packet has r0 to
pc alone, and its pc carries the Thumb bit at times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.breakpoints import is_watch_reply
from hil.emulator.gdb.gdb_rsp import GdbRemote, is_stop_reply
from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    import socket

NUMBERS: Final = {
    **{f"r{n}": n for n in range(13)},
    "sp": 13,
    "lr": 14,
    "pc": 15,
    "control": 18,
    "other sp": 22,
    "xpsr": 25,
    "primask": 28,
}
"""Core registers as Renode numbers them (its CortexMRegisters.cs); its target description numbers some otherwise."""

_PC: Final = 15
_REPLY_TIMEOUT_S: Final = 20.0
_MOST_REPEATS: Final = 1000


class RenodeGdb(GdbRemote):
    """A connection to Renode's gdb server; the target is stopped, as for `GdbRemote`.

    Args:
        sock: connected; it is owned.
    """

    SERVER = "Renode's gdb server"

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, timeout_s=_REPLY_TIMEOUT_S)

    def command(self, line: str) -> None:
        """Run a command of Renode's monitor that prints nothing where it succeeds.

        Raises:
            MachineError: it printed something.
        """
        said = self.monitor(line).strip()
        if said:
            raise MachineError(f"Renode refused '{line}'", cause=" | ".join(said.split("\n")))

    def monitor(self, command: str) -> str:
        """See `GdbRemote`."""
        return super().monitor(command).replace("\r", "")

    def settle(self) -> None:
        """Pass over what the server has said so far, so that the next stop reply is a new one."""
        self.request(b"qC")
        while self.pending():
            self.receive()

    def step(self) -> bytes:
        """Execute one instruction and return the stop reply: of those that come, the one of a watched access."""
        self.settle()
        self.send(b"s")
        replies = [self.receive()]
        self.send(b"qC")
        while is_stop_reply(reply := self.receive()):
            replies.append(reply)
        return next(filter(is_watch_reply, replies), replies[0])

    def read_registers(self) -> tuple[int, ...]:
        """r0 to pc, and xPSR at place 16."""
        registers = super().read_registers()
        return *registers[:_PC], registers[_PC] & ~1, self.read_register("xpsr")

    def read_register(self, name: str) -> int:
        """One of `NUMBERS`."""
        raw = bytes.fromhex(self.request(b"p%x" % NUMBERS[name]).decode())
        value = int.from_bytes(raw, "little")
        return value & ~1 if name == "pc" else value

    def _answer(self) -> bytes:
        """See `GdbRemote`: whatever stop replies come before it."""
        for _ in range(_MOST_REPEATS):
            reply = self.receive()
            if not is_stop_reply(reply):
                return reply
        raise MachineError("Renode's gdb server repeats that the core has stopped, and answers nothing")
