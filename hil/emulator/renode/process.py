"""One Renode process: started in a folder of its own, connected to, and never left behind.

Renode listens for its gdb server and its UART on two TCP ports, on every interface, and takes one client each. Both are
connected to as soon as it says that it is ready; who answers there is known by a word that it was given.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError
from hil.emulator.renode.gdb import RenodeGdb
from hil.emulator.renode.launch import command, environment, program
from hil.emulator.renode.platform import CONTENT, idle_program, platform, script

if TYPE_CHECKING:
    from hil.emulator.machine import MachineSpec

_START_TIMEOUT_S: Final = 50.0
_PAUSE_S: Final = 0.5
_CHUNK: Final = 65536
_KEPT_OUTPUT: Final = 8192
_SHOWN_LINES: Final = 4
_REFUSED: Final = "There was an error"


class RenodeProcess:
    """A started Renode whose core waits before its first instruction.

    Args:
        spec: the board's facts. Its flash holds a program that does nothing.

    Attributes:
        gdb: its gdb server.
        uart: the stream to the UART.
        folder: where its files are.

    Raises:
        MachineError: Renode is not installed, did not start in 50 s, or refused the board.
    """

    def __init__(self, spec: MachineSpec) -> None:
        launcher = program()
        with contextlib.ExitStack() as stack:
            self.folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="hil-renode-", ignore_cleanup_errors=True))
            )
            gdb_port, uart_port = _free_ports()
            nonce = f"hil-{os.urandom(8).hex()}"
            (self.folder / "board.repl").write_text(platform(spec))
            (self.folder / CONTENT).write_bytes(idle_program(spec))
            (self.folder / "board.resc").write_text(
                script(spec, self.folder, uart_port=uart_port, gdb_port=gdb_port, nonce=nonce)
            )
            self._process = subprocess.Popen(
                command(launcher, self.folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment(self.folder),
                start_new_session=True,
            )
            stack.callback(self._end)
            if self._process.stdout is None:  # never: it is a pipe
                raise AssertionError
            self._output = self._process.stdout.fileno()
            os.set_blocking(self._output, False)
            self._printed = ""
            self._await(nonce)
            self.uart = _connected(uart_port)
            stack.callback(self.uart.close)
            self.gdb = RenodeGdb(_connected(gdb_port))
            stack.callback(self.gdb.close)
            if nonce not in self.gdb.monitor("echo $word"):
                raise MachineError("another program answered on the port of Renode's gdb server")
            self._ready = stack.enter_context(select.epoll())
            for fd in (self._output, self.gdb.fileno()):
                self._ready.register(fd, select.EPOLLIN)
            self._stack = stack.pop_all()

    def fileno(self) -> int:
        """Readable when the gdb server has said something, or Renode has printed or ended."""
        return self._ready.fileno()

    def drain(self) -> bool:
        """Take what Renode has printed, so that it never waits for a reader; false when it has ended."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._output, _CHUNK):
                self._printed = (self._printed + data.decode("utf-8", "replace"))[-_KEPT_OUTPUT:]
            return False
        return True

    def last_words(self) -> str:
        """The last lines that it printed."""
        lines = [line.strip() for line in self._printed.splitlines() if line.strip()]
        return " | ".join(lines[-_SHOWN_LINES:]) or "nothing"

    def close(self) -> None:
        """End Renode at once and release everything that belongs to it."""
        self._stack.close()

    def _await(self, nonce: str) -> None:
        """Wait until it has carried out its script."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while f"\n{nonce}" not in self._printed.replace("\r", ""):
            select.select([self._output], [], [], max(0.0, deadline - time.monotonic()))
            alive = self.drain()
            if _REFUSED in self._printed:
                raise MachineError("Renode refused the board", cause=self._refusal())
            if not alive:
                raise MachineError("Renode ended before it was ready", cause=f"it printed: {self.last_words()}")
            if time.monotonic() > deadline:
                raise MachineError(
                    f"Renode was not ready within {_START_TIMEOUT_S:g} s", cause=f"it printed: {self.last_words()}"
                )

    def _refusal(self) -> str:
        """What it says after the error, as far as that comes without a pause."""
        while select.select([self._output], [], [], _PAUSE_S)[0] and self.drain():
            pass
        lines = self._printed[self._printed.index(_REFUSED) :].splitlines()
        return " | ".join(line.strip() for line in lines[:_SHOWN_LINES] if line.strip())

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _free_ports() -> tuple[int, int]:
    """Two TCP ports that nobody listens on now. Renode says so where one was taken since."""
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("", 0))
        return first.getsockname()[1], second.getsockname()[1]


def _connected(port: int) -> socket.socket:
    try:
        sock = socket.create_connection(("127.0.0.1", port), timeout=_START_TIMEOUT_S)
    except OSError as error:
        raise MachineError("Renode does not take the connection to its port", cause=str(error)) from error
    sock.settimeout(None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
