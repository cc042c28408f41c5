"""Linux's spidev and GPIO character devices for a child process: the other end of spidev_shim.c, which has the bus."""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.instruments.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.emulator.spi_bus import SpiBus

_SOURCE = Path(__file__).with_name("spidev_shim.c")
_FLAGS = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fPIC", "-shared", "-pthread")
_HEAD = struct.Struct("=III")
_LINES = 32
_PULL_DOWN = 0x200
_OPEN, _SETUP, _SELECT, _TRANSFER, _COUNT, _CLAIM, _LEVEL = range(1, 8)


def build_shim(folder: Path) -> Path:
    """Compile the shim into a folder; the compiler's words are the failure's text."""
    library = folder / "spidev_shim.so"
    done = subprocess.run(
        ["gcc", *_FLAGS, "-o", str(library), str(_SOURCE), "-ldl"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return library


class SpidevMachine(Served):
    """A computer with /dev/spidev0.0 and /dev/gpiochip0, for processes started with its `environment`.

    Args:
        shim: the compiled shim.
        folder: an empty one, with a short path: a socket is made there.
        bus: what is connected.
        ready_line: GPIO line that data-ready is connected to; the others read high where they are not pulled down.
        modes: of its SPI controller.
        pulls: whether its GPIO has pull resistors.
        refuses: errno of opening a device, by name.
        unplug_after: transactions after which the controller is gone.
        delays: whether its driver heeds delays between transfers.

    Attributes:
        environment: what a process needs to see its devices.
    """

    def __init__(
        self,
        shim: Path,
        folder: Path,
        bus: SpiBus,
        *,
        ready_line: int = 25,
        modes: tuple[int, ...] = (0, 1, 2, 3),
        pulls: bool = True,
        refuses: Mapping[str, int] | None = None,
        unplug_after: int | None = None,
        delays: bool = True,
    ) -> None:
        self._bus = bus
        self._ready_line = ready_line
        self._modes = modes
        self._pulls = pulls
        self._refuses = refuses or {}
        self._left = unplug_after
        self._claims: dict[socket.socket, int] = {}
        self._pulled_down = False
        self.environment = {"LD_PRELOAD": str(shim), "SHIM_DIR": str(folder)}
        if not delays:
            self.environment["SHIM_NO_DELAY"] = "1"
        for name in ("spidev0.0", "gpiochip0"):
            (folder / name).touch()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(folder / "bus"))
        self._listener.listen()
        super().__init__("spidev machine")
        self._selector = selectors.DefaultSelector()
        self._does: dict[int, Callable[[int, int, bytes], tuple[int, bytes]]] = {
            _OPEN: lambda _first, _second, name: (-self._refuses.get(name.decode(), 0), b""),
            _SETUP: self._setup,
            _SELECT: self._select,
            _TRANSFER: self._transfer,
            _COUNT: lambda _first, _second, _data: (_LINES, b""),
            _LEVEL: lambda line, _second, _data: (self._level(line), b""),
        }

    def _serve(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        while all(self._serve_one(key.fileobj) for key, _ in self._selector.select()):
            pass

    def _release(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()

    def _serve_one(self, source: object) -> bool:
        """Whether to go on."""
        if not isinstance(source, socket.socket):
            return False
        if source is self._listener:
            self._selector.register(self._listener.accept()[0], selectors.EVENT_READ)
            return True
        question = source.recv(1 << 16)
        if question:
            with suppress(BrokenPipeError):  # its process has ended
                source.send(self._answer(source, question))
        else:
            self._claims.pop(source, None)
            self._selector.unregister(source)
            source.close()
        return True

    def _answer(self, source: socket.socket, question: bytes) -> bytes:
        request, first, second = _HEAD.unpack_from(question)
        data = question[_HEAD.size :]
        if self._left is not None and self._left <= 0 and request != _CLAIM:
            return struct.pack("=i", -errno.ESHUTDOWN)
        if request == _CLAIM:
            status, answer = self._claim(source, first, second), b""
        else:
            status, answer = self._does[request](first, second, data)
        return struct.pack("=i", status) + answer

    def _setup(self, mode: int, bits: int, data: bytes) -> tuple[int, bytes]:
        assert not data
        return 0 if mode in self._modes and bits == 8 else -errno.EINVAL, b""

    def _select(self, on: int, _second: int, data: bytes) -> tuple[int, bytes]:
        assert not data
        self._bus.select(on=bool(on))
        if self._left is not None and on:
            self._left -= 1
        return 0, b""

    def _transfer(self, hz: int, mode_and_hold: int, data: bytes) -> tuple[int, bytes]:
        held_us, mode = divmod(mode_and_hold, 1 << 8)
        return len(data), self._bus.transfer(data, hz, mode, held_s=held_us * 1e-6)

    def _claim(self, source: socket.socket, line: int, flags: int) -> int:
        if line >= _LINES or (flags & _PULL_DOWN and not self._pulls):
            return -errno.EINVAL
        if line in self._claims.values():
            return -errno.EBUSY
        self._claims[source] = line
        self._pulled_down = bool(flags & _PULL_DOWN)
        return 0

    def _level(self, line: int) -> bool:
        return self._bus.data_ready() if line == self._ready_line else not self._pulled_down
