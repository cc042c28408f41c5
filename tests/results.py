"""Results of a run as a test wants them, without any device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hil.result import Lsb, Provenance, RunResult
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


def sound_result(states: Lsb, outputs: Lsb, cycles: RunCycles, *, state_lsb: float = 1.0) -> RunResult:
    """A result that keeps every promise: S sequences of T steps with these states (S, T, N) and outputs (S, T, O)."""
    vectors = Vectors(
        path=Path("v.vectors.npz"),
        single=len(states) == 1,
        inputs=np.ones((*states.shape[:2], 1)),
        elapsed=np.ones(states.shape[:2]),
        state0=np.zeros(states.shape[2]),
        states=None,
        outputs=None,
        labels=None,
        label_names=(),
    )
    return RunResult(
        provenance=ORIGIN,
        vectors=vectors,
        model_name="net",
        solver="fused, 6 unfolds",
        image_digest="abc",
        image_place="RAM",
        q_formats={},
        state_bound=4 * state_lsb,
        state_lsb=state_lsb,
        output_lsb=np.ones(outputs.shape[2]),
        states_lsb=states,
        outputs_lsb=outputs,
        golden_states_lsb=states.copy(),
        golden_outputs_lsb=outputs.copy(),
        states=states * state_lsb,
        outputs=outputs * 1.0,
        reference_states=states * state_lsb,
        reference_outputs=outputs * 1.0,
        device_s=0.5,
        retries=0,
        cycles=cycles,
    )


def result_with(
    per_step: list[list[int]], *, tolerance: float = 0.0, source: str = MODEL, **changes: object
) -> RunResult:
    """A sound result whose S sequences of T steps took these cycles; further fields as given."""
    counts = np.array(per_step, np.int64)
    ones = np.ones((*counts.shape, 1), np.int32)
    cycles = RunCycles("cortex-m0", (StepCycles(source, counts, tolerance),))
    return replace(sound_result(ones, ones, cycles), **changes)
