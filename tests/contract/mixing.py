"""The network of mixing_ltc.c in Python, and the firmware built with it."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np

from hil.board import load_board
from hil.build import Artefact, build
from hil.resources import firmware_dir

MAGIC = 0x5852494D
SOURCE = Path(__file__).with_name("mixing_ltc.c")
KEPT = {"ltc.h", "ltc_image.h", "ltc_internal.h", "ltc_crc.c"}  # of the runtime
_MASK = 0xFFFFFFFF


def image(neurons: int, inputs: int, outputs: int, *, seed: int = 1, padding: int = 0) -> bytes:
    """A model image for mixing_ltc.c."""
    header = struct.pack("<4I4H", MAGIC, seed, 24 + padding, 0, neurons, inputs, outputs, 1)
    return header + bytes(i * 7 & 0xFF for i in range(padding))


def _mix(value: int, more: int) -> int:
    value = (value ^ more & _MASK) * 0x9E3779B1 & _MASK
    return value ^ value >> 15


def run(
    model: bytes, inputs: np.ndarray, elapsed: np.ndarray, state: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """States (T, N) and outputs (T, O) of a run, int32."""
    seed = struct.unpack_from("<I", model, 4)[0]
    neurons, _, outputs, _ = struct.unpack_from("<4H", model, 16)
    values = [0] * neurons if state is None else [int(v) & _MASK for v in state]
    all_states = np.empty((len(elapsed), neurons), np.uint32)
    all_outputs = np.empty((len(elapsed), outputs), np.uint32)
    for step, (row, time) in enumerate(zip(inputs.tolist(), elapsed.tolist(), strict=True)):
        hashed = _mix(seed, time)
        for value in row:
            hashed = _mix(hashed, value)
        for i in range(neurons):
            hashed = _mix(hashed, values[i])
            values[i] = hashed
        all_states[step] = values
        all_outputs[step] = [_mix(values[i], i) for i in range(outputs)]
    return all_states.view(np.int32), all_outputs.view(np.int32)


def sequence(steps: int, inputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (T, I) and elapsed (T,), never 0."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-(2**31), 2**31, (steps, inputs), dtype=np.int64).astype(np.int32)
    return values, rng.integers(1, 2**32, steps, dtype=np.uint32)


def firmware(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """A copy of the firmware's sources with mixing_ltc.c as runtime; each edit is (file, old text, new text)."""
    root = folder / "firmware"
    shutil.copytree(firmware_dir(), root, ignore=shutil.ignore_patterns("build"))
    for path in (root / "ltc").iterdir():
        if path.name not in KEPT:
            path.unlink()
    shutil.copy(SOURCE, root / "ltc" / "ltc.c")
    for name, old, new in edits:
        path = root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new))
    return root


def host_agent(folder: Path, *edits: tuple[str, str, str]) -> Artefact:
    """The host board's agent with the mixing network."""
    return build(load_board("host"), firmware_root=firmware(folder, *edits))
