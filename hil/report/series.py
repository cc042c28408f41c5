"""Figures of many steps, brought down to as many as a picture shows: each column keeps its least and its most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS: Final = 300


def series_of(values: NDArray[Any], columns: int = COLUMNS) -> dict[str, Any]:
    """The course of a figure over steps, ready for JSON.

    Args:
        values: (S, T) of S sequences of T steps.
        columns: at most so many points.

    Returns:
        ``sequences`` S, ``steps`` T, and by column: ``first`` step, ``low``, ``median``, ``high`` over the column's
        steps of all sequences; each as long as there are columns.
    """
    sequences, steps = values.shape
    begins = np.unique(np.linspace(0, steps, min(columns, steps) + 1).astype(int))[:-1]
    pieces = np.split(values, begins[1:], axis=1)
    return {
        "sequences": sequences,
        "steps": steps,
        "first": begins.tolist(),
        "low": [piece.min().item() for piece in pieces],
        "median": [np.quantile(piece, 0.5, method="lower").item() for piece in pieces],
        "high": [piece.max().item() for piece in pieces],
    }
