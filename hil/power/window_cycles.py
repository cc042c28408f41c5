"""Whether windows at a mark are as long as the cycles of their steps: samples lost unseen make them shorter. Pure.

A core's clock lies between the cycles of a window's steps and those with the work from step to step, by the window's
length. It is the same in all windows, so one whose steps alone need a faster one misses samples. A longer window is
none: it is what the board did, and so is its energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from hil.errors import CurrentError, RigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hil.power.window import Window
    from hil.step_cycles import StepCycles

BETWEEN_STEPS: Final = 100
"""Cycles at most that a step in a batch takes beside its own: 53 on an STM32L0, with reading a counter (energy.md)."""

SAME_CLOCK: Final = 0.01
"""Share by which a core's clock may differ from window to window."""

FILE_CLOCK: Final = 0.03
"""Share by which it may be above that of the board's file: an HSI16 is within 1 % at 25 °C (recalled), and drifts."""


@dataclass(frozen=True, eq=False)
class Batches:
    """What is known of N batches.

    Attributes:
        cycles: (N,) of the steps of each, by themselves.
        steps: (N,) how many each has.
        tolerance: share by which the cycles of two runs may differ.
    """

    cycles: NDArray[np.float64]
    steps: NDArray[np.int64]
    tolerance: float = 0.0

    @classmethod
    def of(cls, counted: StepCycles, sizes: Sequence[int], sequences: int) -> Self:
        """The first sequences in batches of these sizes, as far as they go."""
        begins = np.cumsum([0, *sizes[:-1]])
        sums = np.add.reduceat(counted.per_step[:sequences, : sum(sizes)], begins, axis=1)
        steps = np.tile(np.array(sizes, np.int64), len(sums))
        return cls(sums.ravel().astype(np.float64), steps, counted.tolerance)


def check_lengths(instrument: str, windows: Sequence[Window], batches: Batches, clock_hz: float) -> None:
    """Refuse windows that are too short for the cycles of their steps.

    Args:
        instrument: that recorded them, for messages.
        windows: of each batch, at least one, cut at marks that are high for steps alone.
        batches: what is known of them.
        clock_hz: the core's clock by the board's file.

    Raises:
        RigError: some need another clock than the others: they miss samples; or a single one is too short.
        CurrentError: all need a faster clock than that of the board's file.
    """
    lengths = np.array([window.duration_s for window in windows])
    edges = np.array([2 * window.uncertainty_s for window in windows])
    at_least = batches.cycles / (lengths + edges)
    at_most = (batches.cycles + BETWEEN_STEPS * batches.steps) / np.maximum(lengths - edges, 1e-9)
    usual = float(np.median(at_most))
    short = np.flatnonzero(at_least > usual * (1 + SAME_CLOCK + batches.tolerance))
    if len(short):
        place = int(short[0])
        wanted_s = batches.cycles[place] / usual
        raise RigError(
            f"{instrument} lost samples without a word: {len(short)} of {len(windows)} windows at the marker are too "
            f"short, the first, at {windows[place].begin_s:.6f} s, is {lengths[place] * 1e3:.3f} ms long, and its "
            f"steps take {wanted_s * 1e3:.3f} ms by their cycles, at {usual / 1e6:.4g} MHz as in the others",
            hint="measure again; if it stays so, give the instrument another USB port or cable",
        )
    fast = float(np.median(at_least))
    if fast > clock_hz * (1 + FILE_CLOCK + batches.tolerance):
        raise (CurrentError if len(windows) > 1 else RigError)(
            f"the steps take less time than their cycles at {clock_hz / 1e6:.4g} MHz: by the windows at the marker the "
            f"core's clock is {fast / 1e6:.4g} MHz, or {instrument} lost samples in each of them",
            hint="look for a clock that was left high; 'clock_hz' of the board's file says which one it should be",
        )
