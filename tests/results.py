"""Results of a run as a test wants them, without any device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hil.result import Provenance, RunResult
from hil.step_cycles import RunCycles, StepCycles
from hil.vectors import Vectors

MODEL = "model: QEMU plugin, Cortex-M0 timing"
ORIGIN = Provenance(
    board="microbit",
    backend="qemu",
    backend_version="7.2",
    emulated=True,
    reason="",
    probe="emulated:microbit",
    firmware="00ff",
    compiler="gcc 12",
    core="cortex-m0",
    flags="-O2",
)


def result_with(
    per_step: list[list[int]], *, tolerance: float = 0.0, source: str = MODEL, **changes: object
) -> RunResult:
    """A sound result whose S sequences of T steps took these cycles; further fields as given."""
    counts = np.array(per_step, np.int64)
    ones = np.ones((*counts.shape, 1), np.int32)
    vectors = Vectors(
        path=Path("v.vectors.npz"),
        single=len(counts) == 1,
        inputs=ones * 1.0,
        elapsed=np.ones(counts.shape),
        state0=np.zeros(1),
        states=None,
        outputs=None,
        labels=None,
        label_names=(),
    )
    result = RunResult(
        provenance=ORIGIN,
        vectors=vectors,
        model_name="net",
        image_digest="abc",
        image_place="RAM",
        q_formats={},
        state_bound=1.0,
        state_lsb=1.0,
        output_lsb=np.ones(1),
        states_lsb=ones,
        outputs_lsb=ones,
        golden_states_lsb=ones.copy(),
        golden_outputs_lsb=ones.copy(),
        states=ones * 1.0,
        outputs=ones * 1.0,
        reference_states=ones * 1.0,
        reference_outputs=ones * 1.0,
        device_s=1.0,
        retries=0,
        cycles=RunCycles("cortex-m0", (StepCycles(source, counts, tolerance),)),
    )
    return replace(result, **changes)
