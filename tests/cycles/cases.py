"""The public cases as bytes that ``steps.c`` finds in flash, and the checksum that it must come to."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors
from hil.work import Work, solve_with

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hil.solver import Solver

MASK = 0xFFFFFFFF


def public_cases() -> list[str]:
    folder = examples_dir() / "networks"
    return sorted(path.name.removesuffix(".vectors.npz") for path in folder.glob("*.vectors.npz"))


@dataclass(frozen=True)
class Case:
    """Steps of one case, cut to a number of them."""

    blob: bytes
    steps: int
    checksum: int


def load_case(name: str, *, sequences: int = 1 << 30, steps: int = 1 << 30, repeats: int = 1) -> Case:
    folder = examples_dir() / "networks"
    model_name = name if (folder / f"{name}.model.npz").exists() else name.rpartition("_")[0]
    files = folder / f"{model_name}.model.npz", folder / f"{name}.vectors.npz"
    return load_files(*files, sequences=sequences, steps=steps, repeats=repeats)


def load_files(
    model_path: Path,
    vectors_path: Path,
    solver: Solver | None = None,
    *,
    sequences: int = 1 << 30,
    steps: int = 1 << 30,
    repeats: int = 1,
) -> Case:
    model = load_model(model_path)
    work = Work.make(*solve_with(solver, model, load_vectors(vectors_path, model)))
    inputs, elapsed = work.inputs[:sequences, :steps], work.elapsed[:sequences, :steps]
    states, outputs = work.golden_states[:sequences, :steps], work.golden_outputs[:sequences, :steps]
    image = work.converted.image + bytes(-len(work.converted.image) % 8)
    words = np.concatenate([elapsed[..., None].astype(np.uint32).view(np.int32), inputs.astype(np.int32)], axis=-1)
    header = struct.pack("<IIII", len(image), elapsed.shape[0], elapsed.shape[1], repeats)
    blob = header + image + work.state0.astype("<i4").tobytes() + words.astype("<i4").tobytes()
    return Case(blob, elapsed.size * repeats, _checksum(states, outputs, repeats))


def _checksum(states: NDArray[np.int32], outputs: NDArray[np.int32], repeats: int) -> int:
    values = np.concatenate([states, outputs], axis=-1).astype(np.int64).reshape(-1).tolist()
    total = 0
    for _ in range(repeats):
        for value in values:
            total = ((total ^ value) * 0x01000193) & MASK
    return total
