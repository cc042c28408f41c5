"""A client for the GDB remote serial protocol, as much of it as an emulator's stub needs.

Why not a library: the Python packages in this field drive a whole gdb process or implement the server's side, and the
supervisor that uses this client imports the standard library only, so that a board is powered in tens of milliseconds.
The protocol is described in the GDB manual, appendix "GDB Remote Serial Protocol".
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, ClassVar

from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    import socket

_CHUNK = 0x7C0  # bytes a memory packet; twice that in hex stays below the 4096 characters that QEMU accepts
_ATTEMPTS = 3
_ESCAPE_XOR = 0x20
_REPEAT_BASE = 29  # a run length n is sent as the character n + 29


class GdbReplyError(MachineError):
    """The stub refused a request with ``Enn``."""


class GdbClosedError(MachineError):
    """The stub closed the connection: the emulator has ended."""


def encode_packet(payload: bytes) -> bytes:
    """Frame a payload: escape, add the checksum."""
    escaped = bytearray()
    for byte in payload:
        if byte in b"#$}*":
            escaped += bytes((ord("}"), byte ^ _ESCAPE_XOR))
        else:
            escaped.append(byte)
    return b"$%b#%02x" % (bytes(escaped), sum(escaped) & 0xFF)


def decode_payload(body: bytes) -> bytes:
    """Undo escapes and run-length encoding of what stands between ``$`` and ``#``."""
    if b"}" not in body and b"*" not in body:
        return body
    plain = bytearray()
    stream = iter(body)
    for byte in stream:
        if byte == ord("}"):
            plain.append(next(stream, 0) ^ _ESCAPE_XOR)
        elif byte == ord("*"):
            plain += plain[-1:] * (next(stream, _REPEAT_BASE) - _REPEAT_BASE)
        else:
            plain.append(byte)
    return bytes(plain)


class GdbRemote:
    """One connection to a stub whose target is stopped.

    Args:
        sock: a connected stream socket; it is owned, `close` closes it.
        timeout_s: longest wait for an answer, in seconds.

    Attributes:
        SERVER: what answers, for messages.
    """

    SERVER: ClassVar[str] = "the emulator's gdb stub"

    def __init__(self, sock: socket.socket, *, timeout_s: float = 10.0) -> None:
        self._sock = sock
        self._timeout_s = timeout_s
        self._received = bytearray()

    def fileno(self) -> int:
        """Descriptor that becomes readable when the stub has something to say."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def handshake(self) -> None:
        """Read the target description: QEMU answers single-register requests only to clients that have read it."""
        self.request(b"qSupported:qXfer:features:read+")
        description = self.read_feature(b"target.xml")
        for part in description.split(b'href="')[1:]:
            self.read_feature(part.split(b'"', 1)[0])

    def read_feature(self, name: bytes) -> bytes:
        """One file of the target description."""
        text = b""
        while True:
            reply = self.request(b"qXfer:features:read:%b:%x,%x" % (name, len(text), _CHUNK))
            text += reply[1:]
            if not reply.startswith(b"m"):
                return text

    def request(self, payload: bytes) -> bytes:
        """Send a request and return its answer.

        Raises:
            GdbReplyError: the stub answered ``Enn``.
            GdbClosedError: the connection ended.
        """
        self.send(payload)
        reply = self._answer()
        if len(reply) == 3 and reply.startswith(b"E"):  # noqa: PLR2004 - the form of an error is E and two digits
            shown = payload[:40].decode("ascii", "replace")
            raise GdbReplyError(f"{self.SERVER} answered {reply.decode()} to '{shown}'")
        return reply

    def _answer(self) -> bytes:
        """The answer to what was sent last."""
        return self.receive()

    def send(self, payload: bytes) -> None:
        """Send a packet without waiting for its answer."""
        self._send_raw(encode_packet(payload))

    def interrupt(self) -> None:
        """Ask a running target to stop; the stop reply comes through `receive`."""
        self._send_raw(b"\x03")

    def receive(self) -> bytes:
        """The next packet, waiting for it up to the time-out; a damaged one is asked for again."""
        for _ in range(_ATTEMPTS):
            packet = self._next_packet(self._timeout_s)
            if packet is None:
                raise MachineError(f"the emulator's gdb stub did not answer within {self._timeout_s:g} s")
            body, checksum = packet
            if sum(body) & 0xFF == checksum:
                self._send_raw(b"+")
                return decode_payload(body)
            self._send_raw(b"-")
        raise MachineError(f"the emulator's gdb stub sent a damaged packet {_ATTEMPTS} times")

    def pending(self) -> bool:
        """Whether a packet has come in (or the connection ended), without waiting."""
        while select.select([self._sock], [], [], 0)[0]:
            data = self._receive_some()
            if not data:
                return True
            self._received += data
        # A lone "+" is only the acknowledgement of a packet of ours.
        return b"$" in self._received

    def monitor(self, command: str) -> str:
        """Run a monitor command and return what it prints."""
        self.send(b"qRcmd,%b" % command.encode().hex().encode())
        text = ""
        while True:
            reply = self._answer()
            if not reply.startswith(b"O") or reply == b"OK":
                return text
            text += bytes.fromhex(reply[1:].decode()).decode("utf-8", "replace")

    def read_memory(self, address: int, size: int) -> bytes:
        """Read memory in as many packets as needed."""
        data = b""
        while len(data) < size:
            part = min(_CHUNK, size - len(data))
            data += bytes.fromhex(self.request(b"m%x,%x" % (address + len(data), part)).decode())
        return data

    def write_memory(self, address: int, data: bytes) -> None:
        """Write memory in as many packets as needed."""
        for start in range(0, len(data), _CHUNK):
            part = data[start : start + _CHUNK]
            self.request(b"M%x,%x:%b" % (address + start, len(part), part.hex().encode()))

    def read_registers(self) -> tuple[int, ...]:
        """All registers of the ``g`` packet, 32 bits each."""
        raw = bytes.fromhex(self.request(b"g").decode())
        return tuple(int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4))

    def write_register(self, number: int, value: int) -> None:
        """Set one 32-bit register by its number in the target description."""
        self.request(b"P%x=%b" % (number, value.to_bytes(4, "little").hex().encode()))

    def insert(self, kind: int, address: int, size: int) -> None:
        """Set a breakpoint (kind 0, 1) or a watchpoint (2 write, 3 read, 4 both)."""
        self.request(b"Z%x,%x,%x" % (kind, address, size))

    def remove(self, kind: int, address: int, size: int) -> None:
        """Remove what `insert` set."""
        self.request(b"z%x,%x,%x" % (kind, address, size))

    def _send_raw(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise GdbClosedError("the emulator closed its gdb connection", cause=str(error)) from error

    def _next_packet(self, timeout_s: float) -> tuple[bytes, int] | None:
        """Body and stated checksum of the next packet, or None after the time-out."""
        while True:
            start = self._received.find(b"$")
            end = self._received.find(b"#", start + 1) if start >= 0 else -1
            if end >= 0 and len(self._received) >= end + 3:
                body = bytes(self._received[start + 1 : end])
                digits = bytes(self._received[end + 1 : end + 3])
                del self._received[: end + 3]
                return body, _checksum(digits)
            if not select.select([self._sock], [], [], timeout_s)[0]:
                return None
            data = self._receive_some()
            if not data:
                raise GdbClosedError("the emulator closed its gdb connection")
            self._received += data

    def _receive_some(self) -> bytes:
        """What has come in; nothing when the connection ended."""
        try:
            return self._sock.recv(65536)
        except ConnectionError:
            return b""


def _checksum(digits: bytes) -> int:
    """The stated checksum; -1, which no sum equals, where the digits are damaged."""
    try:
        return int(digits, 16)
    except ValueError:
        return -1


def is_stop_reply(packet: bytes) -> bool:
    """Whether a packet reports that the target stopped."""
    return packet[:1] in (b"T", b"S")
