"""Frames in Python: whatever goes in comes out, whatever is damaged is noticed; the numbers are the C header's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import frame as protocol
from hil.frame import (
    Command,
    Defect,
    Frame,
    FrameDecoder,
    LtcError,
    RuleKind,
    Source,
    Status,
    StepFlag,
    WatchFlag,
    decode,
    wire_bytes,
)
from hil.resources import firmware_dir

if TYPE_CHECKING:
    from enum import IntEnum

FRAMES = st.builds(
    Frame, st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.integers(0, 255), st.binary(max_size=1500)
)
NOISE = st.binary(max_size=40)


@given(frame=FRAMES)
def test_round_trip(frame: Frame) -> None:
    wire = frame.encode()
    assert wire.count(0) == 1
    assert wire.endswith(b"\0")
    assert decode(wire[:-1]) == frame
    assert len(wire) <= wire_bytes(len(frame.payload))


@given(length=st.integers(0, 2100))
def test_wire_bytes_is_reached_by_no_frame_of_any_length(length: int) -> None:
    longest = max(len(Frame(0x01010101, 0x0101, 1, bytes([byte]) * length).encode()) for byte in (0, 1))
    assert longest <= wire_bytes(length) <= longest + 2


@given(frames=st.lists(FRAMES, max_size=5), cuts=st.lists(st.integers(1, 50), min_size=1))
def test_any_cut_of_the_stream_gives_the_same_frames(frames: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(frame.encode() for frame in frames)
    decoder = FrameDecoder()
    seen: list[Frame | None] = []
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        seen += decoder.feed(stream[at : at + size])
        at += size
        turn += 1
    assert seen == frames
    assert decoder.pending_bytes == 0


@given(before=NOISE, frame=FRAMES, after=NOISE)
def test_noise_costs_no_frame_behind_a_zero(before: bytes, frame: Frame, after: bytes) -> None:
    seen = FrameDecoder().feed(before + b"\0" + frame.encode() + after)
    assert frame in seen
    assert [other for other in seen if other is not None] == [frame]


@given(frame=FRAMES, place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(frame: Frame, place: int, bit: int) -> None:
    wire = bytearray(frame.encode())
    wire[place % len(wire)] ^= 1 << bit
    assert not any(FrameDecoder().feed(bytes(wire) + b"\0"))


@given(frame=FRAMES, place=st.integers(0))
def test_a_lost_byte_is_noticed(frame: Frame, place: int) -> None:
    wire = frame.encode()
    place %= len(wire) - 1
    assert not any(FrameDecoder().feed(wire[:place] + wire[place + 1 :]))


@given(frame=FRAMES, place=st.integers(0), byte=st.integers(0, 255))
def test_an_added_byte_is_noticed(frame: Frame, place: int, byte: int) -> None:
    wire = frame.encode()
    place %= len(wire)
    seen = FrameDecoder().feed(wire[:place] + bytes([byte]) + wire[place:])
    # A zero beside the frame adds nothing; everything else must cost it.
    harmless = byte == 0 and place in (0, len(wire) - 1)
    assert [other for other in seen if other is not None] == ([frame] if harmless else [])


def test_memory_is_bounded_and_the_next_frame_is_found() -> None:
    decoder = FrameDecoder()
    for _ in range(100):
        assert decoder.feed(b"\x55" * 10_000) == []
        assert decoder.pending_bytes <= 1 << 16
    frame = Frame(1, 2, 3, b"x")
    assert decoder.feed(b"\0" + frame.encode()) == [None, frame]


def test_nothing_with_its_crc_is_no_frame() -> None:
    # The CRC-32 of nothing is zero: four zero bytes are consistent, and no frame.
    assert decode(b"\x01\x01\x01\x01\x01") is None


@pytest.mark.parametrize(
    ("payload", "status", "detail", "body"),
    [
        (b"ab\0", Status.OK, 0, b"ab"),
        (b"\x07\0\0\0\x04", Status.BAD_SEQ, 7, b"\x07\0\0\0"),
        (b"\x04", Status.BAD_SEQ, 0, b""),
        (b"", Status.BAD_FRAME, 0, b""),
        (b"\x01\x02\x03\x04\xc8", 200, 0x04030201, b"\x01\x02\x03\x04"),
    ],
)
def test_status_and_detail_of_an_answer(payload: bytes, status: int, detail: int, body: bytes) -> None:
    frame = Frame(1, 1, Command.STEP | protocol.REPLY, payload)
    assert frame.is_reply
    assert (frame.status, frame.detail, frame.body) == (status, detail, body)


def c_enum(header: str, name: str, prefix: str) -> dict[str, int]:
    """Names without prefix, and values, of an enum in a C header."""
    text = (firmware_dir() / header).read_text()
    found = re.search(rf"enum {name} {{(.*?)}};", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL), re.DOTALL)
    assert found is not None
    pairs = re.findall(rf"{prefix}(\w+) = (\S+?),", found.group(1))
    assert len(pairs) == found.group(1).count("=")
    return {key: int(value, 0) for key, value in pairs}


@pytest.mark.parametrize(
    ("enum", "name", "prefix"),
    [
        (Command, "protocol_command", "PROTOCOL_"),
        (Defect, "protocol_defect", "PROTOCOL_DEFECT_"),
        (Source, "protocol_source", "PROTOCOL_SOURCE_"),
        (StepFlag, "protocol_step_flag", "PROTOCOL_STEP_"),
        (Status, "protocol_status", "PROTOCOL_"),
        (WatchFlag, "protocol_watch_flag", "PROTOCOL_WATCH_"),
    ],
)
def test_numbers_are_those_of_the_c_header(enum: type[IntEnum], name: str, prefix: str) -> None:
    assert {member.name: member.value for member in enum} == c_enum("agent/protocol.h", name, prefix)


def test_kinds_of_rules_are_those_of_the_c_header() -> None:
    assert {member.name: member.value for member in RuleKind} == c_enum("agent/rule.h", "rule_kind", "RULE_")


def test_ltc_errors_are_those_of_the_c_header() -> None:
    in_c = c_enum("ltc/ltc.h", "ltc_error", "LTC_(?:ERR_)?")
    assert {"OK": 0} | {member.name: -member.value for member in LtcError} == in_c


def test_constants_are_those_of_the_c_headers() -> None:
    header = (firmware_dir() / "agent" / "protocol.h").read_text()
    constants = dict(re.findall(r"#define PROTOCOL_(\w+)\s+(0x[0-9A-Fa-f]+|\d+)u", header))
    assert int(constants["VERSION"]) == protocol.PROTOCOL_VERSION
    assert int(constants["REPLY"], 16) == protocol.REPLY
    assert int(constants["PAYLOAD_BYTES"]) >= 4 + 4 + 4 * 255
