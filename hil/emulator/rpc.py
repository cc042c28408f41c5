"""Messages between a supervisor and its clients.

A message is two 32-bit lengths (little-endian), a JSON object and raw bytes. One request, one answer, in turn.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

from hil.emulator.machine import MachineError, MemoryFault

if TYPE_CHECKING:
    from hil.errors import RigError

_LENGTHS: Final = struct.Struct("<II")
_LIMIT_BYTES: Final = 1 << 26

Message = tuple[dict[str, Any], bytes]


def encode(fields: dict[str, Any], payload: bytes = b"") -> bytes:
    """One message as it goes over the socket."""
    text = json.dumps(fields).encode()
    return _LENGTHS.pack(len(text), len(payload)) + text + payload


class MessageReader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes from the socket."""
        self._received += data

    def next(self) -> Message | None:
        """The next whole message, or None.

        Raises:
            MachineError: the stream is not one of messages.
        """
        if len(self._received) < _LENGTHS.size:
            return None
        text_bytes, payload_bytes = _LENGTHS.unpack_from(self._received)
        if text_bytes + payload_bytes > _LIMIT_BYTES:
            raise MachineError("the other end does not speak the emulator protocol")
        end = _LENGTHS.size + text_bytes + payload_bytes
        if len(self._received) < end:
            return None
        text = bytes(self._received[_LENGTHS.size : _LENGTHS.size + text_bytes])
        payload = bytes(self._received[_LENGTHS.size + text_bytes : end])
        del self._received[:end]
        return json.loads(text), payload


def encode_error(error: RigError, *, last: bool = False) -> bytes:
    """An error as an answer; with ``last`` as the answer to whatever may be asked from now on, the end being near."""
    return encode({"error": {"message": error.message, "cause": error.cause, "hint": error.hint}, "last": last})


def result_of(message: Message) -> Message:
    """The result and bytes of an answer.

    Raises:
        MemoryFault: the access was to an address where nothing is.
        MachineError: whatever else the other end reports.
    """
    fields, payload = message
    if "fault" in fields:
        raise MemoryFault(fields["fault"])
    if "error" in fields:
        error = fields["error"]
        raise MachineError(error["message"], cause=error["cause"], hint=error["hint"])
    return fields, payload
