"""The link's frames and numbers: encode and decode, pure (docs/protocol.md).

A frame is a header, a payload and a CRC-32, COBS-encoded and ended by a zero byte. A reply's payload ends in a status
byte; unless it is OK, the four bytes before it are a detail.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from cobs import cobs  # type: ignore[import-untyped]

PROTOCOL_VERSION = 6
REPLY = 0x80
LAST_SEQ = 0xFFFF
HEADER = struct.Struct("<IHBB")
OVERHEAD_BYTES = HEADER.size + 4 + 1
"""Bytes on the wire besides payload and COBS code bytes: header, CRC, delimiter."""

_CRC = struct.Struct("<I")
_LONGEST_FRAME_BYTES = 1 << 16


class Command(IntEnum):
    """What a frame asks for, or answers; as in firmware/agent/protocol.h."""

    NOTICE = 0
    SYNC = 1
    IDENTIFY = 2
    ECHO = 3
    IMAGE_WRITE = 4
    IMAGE_OPEN = 5
    STATE_SET = 6
    STATE_GET = 7
    STATE_RESET = 8
    STEP = 9
    STORE_READ = 10
    STORE_WRITE = 11
    STOP = 12
    WATCH = 13
    REPORTS = 14
    REPORT = 0x7E
    FAULT = 0x7F


class Defect(IntEnum):
    """What of the board itself does not work, in IDENTIFY; as in firmware/agent/protocol.h."""

    NONE = 0
    CRYSTAL = 1
    CLOCK = 2


class Source(IntEnum):
    """Where IMAGE_OPEN finds the image."""

    RAM = 0
    FLASH = 1


class StepFlag(IntFlag):
    """What a STEP's reply holds for each step."""

    STATES = 1
    LAST_STATE = 2
    OUTPUTS = 4
    CYCLES = 8
    BATCH = 16


class RuleKind(IntEnum):
    """What has to hold of an output for an anomaly; as in firmware/agent/rule.h."""

    ABOVE = 0
    LARGEST = 1


class WatchFlag(IntFlag):
    """How a WATCH reports."""

    SAMPLES = 1


class Status(IntEnum):
    """Last byte of a reply; as in firmware/agent/protocol.h."""

    OK = 0
    BAD_FRAME = 1
    NOT_SYNCED = 2
    BAD_EPOCH = 3
    BAD_SEQ = 4
    UNKNOWN_COMMAND = 5
    BAD_LENGTH = 6
    BAD_ARGUMENT = 7
    IMAGE_RANGE = 8
    IMAGE_CRC = 9
    IMAGE_REJECTED = 10
    NO_ROOM = 11
    NO_NETWORK = 12
    STATE_REJECTED = 13
    STEP_REJECTED = 14
    FAULTED = 15
    STORE_RANGE = 16
    STORE_FAILED = 17
    STOP_RANGE = 18
    TICK_RANGE = 19
    NO_WATCH = 20
    WATCH_RANGE = 21
    WATCH_ROOM = 22


class LtcError(IntEnum):
    """What the LTC runtime refused, negated; as in firmware/ltc/ltc.h."""

    ALIGN = 1
    SHORT = 2
    MAGIC = 3
    VERSION = 4
    CRC = 5
    LAYOUT = 6
    INDEX = 7
    RANGE = 8
    MEMORY = 9
    ELAPSED = 10
    COUNT = 11
    STATE = 12
    SOLVER = 13
    STIFF = 14


@dataclass(frozen=True)
class Frame:
    """One frame: epoch (uint32), seq (uint16), command (byte, REPLY bit included) and payload."""

    epoch: int
    seq: int
    command: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire, its ending zero included."""
        content = HEADER.pack(self.epoch, self.seq, self.command, 0) + self.payload
        encoded: bytes = cobs.encode(content + _CRC.pack(zlib.crc32(content)))
        return encoded + b"\0"

    @property
    def is_reply(self) -> bool:
        """Whether the agent sent it."""
        return bool(self.command & REPLY)

    @property
    def status(self) -> int:
        """A reply's status byte."""
        return self.payload[-1] if self.payload else Status.BAD_FRAME

    @property
    def detail(self) -> int:
        """A reply's detail; 0 where it has none."""
        if self.status == Status.OK or len(self.payload) < 1 + _CRC.size:
            return 0
        return int(_CRC.unpack(self.payload[-5:-1])[0])

    @property
    def body(self) -> bytes:
        """A reply's payload without status."""
        return self.payload[:-1]


def wire_bytes(payload_bytes: int) -> int:
    """Most bytes that a frame with a payload of this size takes on the wire."""
    content = OVERHEAD_BYTES + payload_bytes
    return content + content // 254 + 1


def decode(encoded: bytes) -> Frame | None:
    """The frame between two zero bytes, or None where it is damaged."""
    try:
        content = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if len(content) < HEADER.size + _CRC.size or _CRC.unpack(content[-4:])[0] != zlib.crc32(content[:-4]):
        return None
    epoch, seq, command, _ = HEADER.unpack_from(content)
    return Frame(epoch, seq, command, content[HEADER.size : -4])


class FrameDecoder:
    """Cuts a byte stream into frames; keeps at most one unfinished frame of bounded length."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._overlong = False

    @property
    def pending_bytes(self) -> int:
        """Bytes received since the last zero."""
        return len(self._partial)

    def feed(self, data: bytes) -> list[Frame | None]:
        """Take received bytes; returns what ended in them: frames, and None for each damaged one."""
        frames: list[Frame | None] = []
        *ended, rest = data.split(b"\0")
        for piece in ended:
            self._append(piece)
            if self._overlong:
                frames.append(None)
            elif self._partial:
                frames.append(decode(bytes(self._partial)))
            self._partial.clear()
            self._overlong = False
        self._append(rest)
        return frames

    def _append(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > _LONGEST_FRAME_BYTES:
            self._partial.clear()
            self._overlong = True
        else:
            self._partial += piece
