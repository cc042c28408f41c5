"""An emulated board's SPI bus over a local socket: the supervisor serves it, `SpiPins` is the bus at the other end.

The socket is an abstract one, so that it ends with the board. Another user is turned away, and so is a second client.
When a client goes, by whatever end, chip select is released. Messages are those of `rpc`; of them ``select`` is not
answered, so that it costs no way there and back.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING, Any, Final, Self

from hil.emulator.machine import MachineError
from hil.emulator.peer import peer_of
from hil.emulator.rpc import Message, MessageReader, encode, encode_error, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.spi_bus import SpiBus

_CHUNK: Final = 65536
_TIMEOUT_S: Final = 10.0

Interest = tuple[int, int, "Callable[[], None]"]
"""A descriptor, the events on it to poll for, and what to call then."""


class SpiPinsServer:
    """Serves a bus to one client at a time.

    Args:
        bus: the board's.
        name: of the board, for messages.

    Attributes:
        address: for `SpiPins`.
    """

    def __init__(self, bus: SpiBus, name: str) -> None:
        self._bus = bus
        self._name = name
        self.address = f"hil-spi/{os.geteuid()}/{name}/{os.getpid()}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"\0{self.address}")
        self._listener.listen()
        self._client: socket.socket | None = None
        self._reader = MessageReader()

    def interest(self) -> Sequence[Interest]:
        """What to poll for."""
        listener = (self._listener.fileno(), select.POLLIN, self._admit)
        return (listener, (self._client.fileno(), select.POLLIN, self._serve)) if self._client else (listener,)

    def close(self) -> None:
        """Turn everyone away."""
        self._listener.close()
        if self._client:
            self._client.close()
            self._client = None

    def _admit(self) -> None:
        sock = self._listener.accept()[0]
        sock.settimeout(_TIMEOUT_S)
        while self._client and select.select([self._client], [], [], 0)[0]:
            self._serve()  # it may be gone
        if peer_of(sock)[0] != os.geteuid():
            sock.close()
        elif self._client:
            words = f"the SPI pins of emulated board '{self._name}' are in use by process {peer_of(self._client)[1]}"
            self._send(sock, encode_error(MachineError(words)))
            sock.close()
        else:
            self._client = sock
            self._reader = MessageReader()
            if not self._send(sock, encode({"result": None})):
                self._release()

    def _serve(self) -> None:
        """Do all that the client has asked for."""
        if self._client is None:
            return
        try:
            data = self._client.recv(_CHUNK, socket.MSG_DONTWAIT)
            self._reader.feed(data)
            while data and (request := self._reader.next()):
                answer = self._answer(request)
                if answer and not self._send(self._client, answer):
                    data = b""
        except BlockingIOError:  # it is another client than the one that was heard
            return
        except (OSError, MachineError, ValueError, KeyError, TypeError):  # it ends, or sends what is no request
            data = b""
        if not data:
            self._release()

    def _answer(self, request: Message) -> bytes:
        fields, payload = request
        match fields["op"]:
            case "select":
                self._bus.select(on=bool(fields["on"]))
                return b""
            case "data_ready":
                return encode({"result": self._bus.data_ready()})
            case "transfer":
                clock_hz, mode, held_s = fields["clock_hz"], fields["mode"], fields["held_s"]
                try:
                    return encode({"result": None}, self._bus.transfer(payload, clock_hz, mode, held_s=held_s))
                except MachineError as error:
                    return encode_error(error)
        raise KeyError(fields["op"])

    def _release(self) -> None:
        if self._client:
            self._client.close()
            self._client = None
            self._bus.select(on=False)

    @staticmethod
    def _send(sock: socket.socket, message: bytes) -> bool:
        try:
            sock.sendall(message)
        except OSError:
            return False
        return True


class SpiPins:
    """The `hil.emulator.spi_bus.SpiBus` of an emulated board, as a context manager. Used from one thread.

    Args:
        address: the board's, `hil.emulator.power.PoweredBoard.spi_pins`.
        timeout_s: longest wait for an answer, in s.

    Raises:
        MachineError: there is no such board, or another client has its pins.
    """

    def __init__(self, address: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._address = address
        self._reader = MessageReader()
        self._unanswered = False
        if not address:
            raise MachineError("the emulated board has no SPI pins", hint="its file and its emulator must have both")
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(timeout_s)
        try:
            self._sock.connect(f"\0{address}")
            self._check_user()
            result_of(self._receive())
        except OSError as error:
            self._sock.close()
            raise MachineError(f"no emulated board has its SPI pins at '{address}'", cause=str(error)) from error
        except MachineError:
            self._sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the pins; may be called twice."""
        self._sock.close()

    def select(self, *, on: bool) -> None:
        """See `SpiBus`.

        Raises:
            MachineError: the board is gone.
        """
        self._send({"op": "select", "on": on})

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        """See `SpiBus`.

        Raises:
            MachineError: an argument is out of range, or the board is gone.
        """
        return self._call({"op": "transfer", "clock_hz": clock_hz, "mode": mode, "held_s": held_s}, data)[1]

    def data_ready(self) -> bool:
        """See `SpiBus`.

        Raises:
            MachineError: the board is gone.
        """
        return bool(self._call({"op": "data_ready"})[0]["result"])

    def _check_user(self) -> None:
        if peer_of(self._sock)[0] != os.geteuid():
            raise MachineError(f"another user's process answers for the SPI pins '{self._address}'")

    def _call(self, fields: dict[str, Any], payload: bytes = b"") -> Message:
        if self._unanswered:
            raise MachineError(f"a request to the SPI pins '{self._address}' was interrupted; connect again")
        self._send(fields, payload)
        self._unanswered = True
        message = self._receive()
        self._unanswered = False
        return result_of(message)

    def _send(self, fields: dict[str, Any], payload: bytes = b"") -> None:
        try:
            self._sock.sendall(encode(fields, payload))
        except OSError as error:
            raise self._gone(str(error)) from error

    def _receive(self) -> Message:
        while (message := self._reader.next()) is None:
            try:
                data = self._sock.recv(_CHUNK)
            except OSError as error:
                raise self._gone(str(error)) from error
            if not data:
                raise self._gone("the connection was closed")
            self._reader.feed(data)
        return message

    def _gone(self, cause: str) -> MachineError:
        return MachineError(f"the board with the SPI pins '{self._address}' is gone, or does not answer", cause=cause)
