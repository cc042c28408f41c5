"""What an anomaly is, over the exact integer model's outputs: the same as firmware/agent/rule.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.frame import RuleKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.link.watch import DeviceRule


def holds(rule: DeviceRule, outputs: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether it holds after each step, (...,), of outputs (..., O)."""
    if rule.kind == RuleKind.LARGEST:
        return np.asarray(outputs.argmax(axis=-1) == rule.output)  # of equal ones the first counts
    return np.asarray(outputs[..., rule.output] > rule.threshold)


def find_anomalies(rule: DeviceRule, outputs: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Sequence and step of each anomaly in outputs (S, T, O): where the rule has held for so many steps in a row.

    A run of steps counts once, and does not go from one sequence into the next.
    """
    found = []
    for sequence, holding in enumerate(holds(rule, outputs)):
        run = 0
        for step, held in enumerate(holding):
            run = run + 1 if held else 0
            if run == rule.steps:
                found.append((sequence, step))
    return found
