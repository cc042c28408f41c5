"""The C frame code and the agent's command handlers on the host, under both sanitizers."""

from __future__ import annotations

import random
import struct
import subprocess
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cobs import cobs

from hil.frame import Frame, FrameDecoder, Status
from tests.contract.memory_agent import BOARD_H
from tests.host_c import LTC_SOURCES, REPO, build_program
from tests.networks import random_case

if TYPE_CHECKING:
    from pathlib import Path

HERE = REPO / "tests" / "firmware"
AGENT = REPO / "firmware" / "agent"
CRC = REPO / "firmware" / "ltc" / "ltc_crc.c"
INCLUDES = (f"-I{AGENT}", f"-I{REPO / 'firmware' / 'port'}")
FRAME_ROUNDS = 1_050_000
AGENT_ROUNDS = 60_000


def run(program: Path, *arguments: object, data: bytes = b"") -> bytes:
    done = subprocess.run([program, *map(str, arguments)], input=data, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_million_mutated_frames(tmp_path: Path) -> None:
    program = build_program(tmp_path / "fuzz", HERE / "fuzz_frame.c", AGENT / "frame.c", CRC, flags=INCLUDES)
    ready, damaged, skipped = map(int, run(program, FRAME_ROUNDS, 1).split())
    assert ready + damaged + skipped == FRAME_ROUNDS
    assert min(ready, damaged, skipped) > FRAME_ROUNDS // 100


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("decoder->length < decoder->capacity", "decoder->length <= decoder->capacity", "heap-buffer-overflow"),
        ("decoder->code != 0xFFu", "decoder->code != 0xFEu", "sound frame was not taken"),
        ("decoder->length) == sent ?", "decoder->length) << 24 == sent << 24 ?", "taken for another one"),
    ],
    ids=["one byte too many", "full block", "weak CRC"],
)
def test_the_fuzzer_finds_a_defect(tmp_path: Path, old: str, new: str, finding: str) -> None:
    text = (AGENT / "frame.c").read_text()
    assert text.count(old) == 1
    defective = tmp_path / "frame.c"
    defective.write_text(text.replace(old, new))
    program = build_program(tmp_path / "fuzz", HERE / "fuzz_frame.c", defective, CRC, flags=INCLUDES)
    done = subprocess.run([program, "20000", "1"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert finding in done.stderr


def pieces(rng: random.Random, count: int) -> list[bytes]:
    """Encoded frames, each ended by a zero: sound, mutated, and noise."""
    result = []
    for _ in range(count):
        zeros = rng.choice([0, 0.01, 0.5])
        length = rng.choice([0, 1, 241, 242, 243, 496, rng.randrange(1500)])
        payload = bytes(0 if rng.random() < zeros else rng.randrange(1, 256) for _ in range(length))
        encoded = bytearray(Frame(rng.getrandbits(32), rng.getrandbits(16), rng.getrandbits(8), payload).encode())
        for _ in range(rng.choice([0, 0, 1, 2])):
            place = rng.randrange(len(encoded))
            action = rng.randrange(4)
            if action == 0:
                encoded[place] ^= 1 << rng.randrange(8)
            elif action == 1:
                del encoded[place:]
                encoded.append(0)
            elif action == 2:
                encoded.insert(place, rng.choice([0, 1, 0xFF, rng.randrange(256)]))
            else:
                encoded[place] = rng.choice([0, 0xFF])
        result.append(bytes(encoded))
    return result


def seen_by_c(output: bytes) -> list[tuple[bytes, bytes] | None]:
    """What frame_filter printed: (content, encoded again) for a frame, None for a damaged one."""
    seen: list[tuple[bytes, bytes] | None] = []
    at = 0
    while at < len(output):
        if output[at : at + 1] == b"D":
            seen.append(None)
            at += 1
            continue
        parts = []
        at += 1
        for _ in range(2):
            (length,) = struct.unpack_from("<I", output, at)
            parts.append(output[at + 4 : at + 4 + length])
            at += 4 + length
        seen.append((parts[0], parts[1]))
    return seen


def test_c_and_python_see_the_same_frames(tmp_path: Path) -> None:
    program = build_program(tmp_path / "filter", HERE / "frame_filter.c", AGENT / "frame.c", CRC, flags=INCLUDES)
    stream = b"".join(pieces(random.Random(5), 6000))
    by_python = FrameDecoder().feed(stream)
    by_c = seen_by_c(run(program, data=stream))
    assert len(by_c) == len(by_python)
    sound = 0
    for c, python in zip(by_c, by_python, strict=True):
        if python is None:
            assert c is None or len(c[0]) < 8  # a sound frame without room for a header is none to Python
            continue
        assert c is not None
        content, encoded = c
        assert content == struct.pack("<IHBB", python.epoch, python.seq, python.command, content[7]) + python.payload
        assert encoded == cobs.encode(content + struct.pack("<I", zlib.crc32(content))) + b"\0"
        sound += 1
    assert 2000 < sound < 5500


def test_any_request_is_answered_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "board.h").write_text(BOARD_H)
    image = tmp_path / "image.bin"
    image.write_bytes(random_case(np.random.default_rng(3), 24, 4, 1.0, 0.5, steps=1).converted.image)
    program = build_program(
        tmp_path / "fuzz",
        HERE / "fuzz_agent.c",
        AGENT / "agent.c",
        *(AGENT / name for name in ("frame.c", "rule.c", "watch.c")),
        REPO / "firmware" / "port" / "host" / "nothing.c",
        *LTC_SOURCES,
        flags=(*INCLUDES, f"-I{tmp_path}"),
    )
    counts = list(map(int, run(program, AGENT_ROUNDS, 1, image).split()))
    never = {Status.BAD_FRAME, Status.NOT_SYNCED, Status.FAULTED}  # not for a sound frame after SYNC
    for status in Status:
        assert (counts[status] == 0) == (status in never), f"{status.name} was answered {counts[status]} times"
    assert counts[Status.OK] > AGENT_ROUNDS // 4
