"""What an anomaly is, over the exact integer model's outputs: the same as firmware/agent/rule.c."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hil.frame import RuleKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.link.watch import DeviceRule


def holds(rule: DeviceRule, outputs: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether it holds after each step, (...,), of outputs (..., O)."""
    if rule.kind == RuleKind.LARGEST:
        return holds_in_units(rule, np.left_shift(outputs.astype(np.int64), rule.shifts))
    return holds_in_units(rule, outputs, rule.threshold)


def holds_in_units(rule: DeviceRule, outputs: NDArray[Any], above: float | None = None) -> NDArray[np.bool_]:
    """The same, of outputs (..., O) that all have the same unit, and a threshold in that unit, None for the largest."""
    if above is None:
        return np.asarray(outputs.argmax(axis=-1) == rule.output)  # of equal ones the first counts
    return np.asarray(outputs[..., rule.output] > above)


def find_anomalies(rule: DeviceRule, outputs: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Sequence and step of each anomaly in outputs (S, T, O), as the device has them: see `find_runs`."""
    return find_runs(holds(rule, outputs), rule.steps)


def find_runs(holding: NDArray[np.bool_], steps: int) -> list[tuple[int, int]]:
    """Where something (S, T) has held for so many steps in a row: sequence and step of each.

    A run of steps counts once, and does not go from one sequence into the next.
    """
    found = []
    for sequence, row in enumerate(holding):
        run = 0
        for step, held in enumerate(row):
            run = run + 1 if held else 0
            if run == steps:
                found.append((sequence, step))
    return found
