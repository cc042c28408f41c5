"""A picture of the cycles of each step over the sequence, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hil.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from hil.step_cycles import StepCycles

_LINES = 6
"""Sequences that are drawn one by one; of more, the middle and the range."""

_INK = "#1f4e79"
_LIMIT = "#b03a2e"
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
            axes.axhline(budget, color=_LIMIT, linestyle="--", linewidth=1.2, label="budget")
            _legend(axes)
    axes.set_title(f"{title}\n{told}; {cycles.source}", fontsize=9, loc="left")
    axes.set_xlabel("step")
    axes.set_ylabel("core cycles a step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure, in inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise InputError("the picture needs matplotlib", hint="pip install 'hil-ltc[plots]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure; the file's ending says which kind, and the same figure gives the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    except (OSError, ValueError) as error:
        raise InputError(f"the picture {path} cannot be written", cause=str(error)) from error


def _draw_each(axes: Any, steps: Any, cycles: StepCycles) -> None:
    several = len(cycles.per_step) > 1
    for number, row in enumerate(cycles.per_step):
        label = f"sequence {number}" if several else None
        axes.plot(steps, row, linewidth=1, marker=".", markersize=3, label=label, color=None if several else _INK)
    if several:
        _legend(axes)


def _draw_range(axes: Any, steps: Any, cycles: StepCycles) -> None:
    low, middle, high = (np.quantile(cycles.per_step, share, axis=0) for share in (0, 0.5, 1))
    axes.fill_between(steps, low, high, color=_INK, alpha=0.2, linewidth=0, label="all sequences")
    axes.plot(steps, middle, color=_INK, linewidth=1.2, label=f"median of {len(cycles.per_step)}")
    _legend(axes)


def _legend(axes: Any) -> None:
    """Above the plot, to the right of the title, where no line runs."""
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8)
