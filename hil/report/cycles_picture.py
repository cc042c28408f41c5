"""A picture of the cycles of each step over the sequence, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hil.report.figure import INK, LIMIT, name_axes, new_figure, save_figure, style_axes, title_axes
from hil.report.svg_text import TEXT

if TYPE_CHECKING:
    from pathlib import Path

    from hil.step_cycles import StepCycles

_LINES = 6
"""Sequences that are drawn one by one; of more, the middle and the range."""

_NEAR = 1.5
"""A budget above this many times the longest step is told, not drawn: it would flatten everything else."""


def draw_cycles(path: Path, title: str, cycles: StepCycles, *, budget: float | None = None) -> None:
    """Draw cycles over steps into a file; its ending says which kind (.svg, .png).

    Args:
        path: the file.
        title: what ran, and where.
        cycles: (S, T).
        budget: the most that a step may take, where one was promised.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(9, 4.2)
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - after the figure, which says where there is none

    axes = figure.add_subplot()
    steps = np.arange(cycles.per_step.shape[1])
    if len(cycles.per_step) <= _LINES:
        _draw_each(axes, steps, cycles)
    else:
        _draw_range(axes, steps, cycles)
    spread = cycles.spread
    told = f"min {spread.low}, median {spread.median}, max {spread.high}"
    if budget is not None:
        told += f", budget {budget:.10g}"
        if budget <= _NEAR * spread.high:
            axes.axhline(budget, color=LIMIT, linestyle="--", linewidth=1.2, label="budget")
            _legend(axes)
    title_axes(axes, f"{title}\n{told}; {cycles.source}")
    name_axes(axes, "step", "core cycles a step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    style_axes(axes)
    save_figure(figure, path)


def _draw_each(axes: Any, steps: Any, cycles: StepCycles) -> None:
    several = len(cycles.per_step) > 1
    for number, row in enumerate(cycles.per_step):
        label = f"sequence {number}" if several else None
        axes.plot(steps, row, linewidth=1, marker=".", markersize=3, label=label, color=None if several else INK)
    if several:
        _legend(axes)


def _draw_range(axes: Any, steps: Any, cycles: StepCycles) -> None:
    low, middle, high = (np.quantile(cycles.per_step, share, axis=0) for share in (0, 0.5, 1))
    axes.fill_between(steps, low, high, color=INK, alpha=0.2, linewidth=0, label="all sequences")
    axes.plot(steps, middle, color=INK, linewidth=1.2, label=f"median of {len(cycles.per_step)}")
    _legend(axes)


def _legend(axes: Any) -> None:
    """Above the plot, to the right of the title, where no line runs."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8, labelcolor=TEXT)
