"""A picture of a current over time with its steps, and of the energy of each step, by matplotlib (the extra ``plots``).

Made of as many columns as are drawn, each with its least and its most: thousands of steps make no bigger a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.report.figure import INK, LIMIT, SECOND, name_axes, new_figure, save_figure, style_axes, title_axes
from hil.report.quantity import amperes, joules, seconds, spread
from hil.report.svg_text import TEXT
from hil.report.waveform import NEAR, columns_of, nearby

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from hil.report.waveform import Columns, Waveform
    from hil.step_energy import StepEnergy

_COLUMNS: Final = 450
_BARS: Final = 160
"""Windows and steps that are drawn one by one; of more, shares and ranges within each column."""
_SEQUENCES: Final = 20
"""Sequences that are told apart by a line."""


def draw_current(path: Path, title: str, waveform: Waveform, energy: StepEnergy | None = None) -> None:
    """Draw the picture into a file; its ending says which kind (.svg, .png).

    Args:
        path: the file.
        title: what ran, and where.
        waveform: the current.
        energy: of its steps.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    save_figure(_figure(title, waveform, energy), path)


def _figure(title: str, waveform: Waveform, energy: StepEnergy | None) -> Any:
    near = nearby(waveform)
    heights = [1.3] + [1.0] * (near is not None) + [1.0] * (energy is not None)
    figure = new_figure(9, 1.2 + 2.0 * sum(heights))
    panels = list(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    _draw_trace(panels[0], waveform, waveform.begin_s, waveform.end_s)
    _legend(panels[0])
    if near is not None:
        _draw_trace(panels[1], waveform, *near)
        told = f"from near: {NEAR} of {len(waveform.windows_s)}, from {seconds(near[0] - waveform.begin_s)} on"
        title_axes(panels[1], told, fontsize=8)
    if energy is not None:
        _draw_energies(panels[-1], energy)
    head = f"{title}\n{waveform.how}: {waveform.source}"
    title_axes(panels[0], head, pad=22, wrap=True)
    return figure


def _draw_trace(axes: Any, waveform: Waveform, begin_s: float, end_s: float) -> None:
    columns = columns_of(waveform, _COLUMNS, begin_s, end_s)
    edges = columns.edges_s - begin_s
    _shade(axes, waveform, columns)
    if columns.maximum_A is not None:
        low, high = _held(columns.mean_A), _held(columns.maximum_A)
        axes.fill_between(edges, low, high, step="post", color=LIMIT, alpha=0.15, linewidth=0, label="to the maximum")
    low, high = _held(columns.low_A), _held(columns.high_A)
    axes.fill_between(edges, low, high, step="post", color=INK, alpha=0.35, linewidth=0, label="current")
    axes.step(edges, _held(columns.mean_A), where="post", color=INK, linewidth=1, label="average")
    axes.set_xlim(edges[0], edges[-1])
    _style(axes, "A", "s")
    name_axes(axes, "", "current")


def _shade(axes: Any, waveform: Waveform, columns: Columns) -> None:
    """Steps from top to bottom; of too many for that, as high as their share of the time."""
    begin_s, end_s = columns.edges_s[0], columns.edges_s[-1]
    windows = waveform.windows_s
    windows = windows[(windows[:, 1] > begin_s) & (windows[:, 0] < end_s)] - begin_s
    look = {"color": SECOND, "alpha": 0.2, "linewidth": 0, "transform": axes.get_xaxis_transform()}
    if len(windows) <= _BARS:
        pieces = [(begin, end - begin) for begin, end in windows.tolist()]
        axes.broken_barh(pieces, (0, 1), label="steps", **look)
    else:
        share = _held(columns.marked)
        axes.fill_between(columns.edges_s - begin_s, 0, share, step="post", label="steps: share of the time", **look)


def _draw_energies(axes: Any, energy: StepEnergy) -> None:
    values = energy.per_step_uJ.ravel() * 1e-6
    most = None if energy.maximum_uJ is None else energy.maximum_uJ.ravel() * 1e-6
    off = energy.uncertainty_uJ.ravel() * 1e-6
    if len(values) <= _BARS:
        steps = np.arange(len(values))
        if most is not None:
            axes.bar(steps, most, width=0.9, color=LIMIT, alpha=0.15, linewidth=0)
        axes.bar(steps, values, yerr=off if off.any() else None, width=0.9, color=INK, alpha=0.6, ecolor=TEXT)
    else:
        begins = np.unique(np.linspace(0, len(values), _COLUMNS + 1).astype(int))[:-1]
        edges = np.append(begins, len(values)) - 0.5
        low, high = (_held(each.reduceat(values, begins)) for each in (np.fmin, np.fmax))
        if most is not None:
            band = _held(np.fmax.reduceat(most, begins))
            axes.fill_between(edges, 0, band, step="post", color=LIMIT, alpha=0.15, linewidth=0)
        axes.fill_between(edges, 0, high, step="post", color=INK, alpha=0.35, linewidth=0)
        axes.fill_between(edges, 0, low, step="post", color=INK, alpha=0.45, linewidth=0)
        if off.any():
            least, highest = (
                _held(each.reduceat(values + sign * off, begins)) for each, sign in ((np.fmin, -1), (np.fmax, 1))
            )
            axes.fill_between(edges, least, highest, step="post", color=TEXT, alpha=0.15, linewidth=0)
    sequences, steps_each = energy.per_step_uJ.shape
    if 1 < sequences <= _SEQUENCES:
        for number in range(1, sequences):
            axes.axvline(number * steps_each - 0.5, color=TEXT, alpha=0.2, linewidth=0.6)
    axes.set_xlim(-0.5, len(values) - 0.5)
    _style(axes, "J", "")
    average = f"; average {amperes(energy.average_uA * 1e-6)}" if energy.average_uA is not None else ""
    told = f"energy of each step, min-median-max {spread(values, 'J')}{average}"
    told += f", each off by {joules(float(off.max()))} at most" if off.any() else ""
    batch = f"; means of batches of {energy.batch}" if energy.batch > 1 else ""
    title_axes(axes, f"{told} at {energy.supply_V:g} V{batch}", fontsize=8)
    name_axes(axes, "step" if sequences == 1 else f"step, of {sequences} sequences one after another", "energy")


def _style(axes: Any, value_unit: str, time_unit: str) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator  # noqa: PLC0415 - as in hil.report.figure

    axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
    axes.yaxis.set_major_formatter(EngFormatter(value_unit))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if time_unit:
        axes.xaxis.set_major_formatter(EngFormatter(time_unit))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    style_axes(axes)


def _legend(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=8, labelcolor=TEXT)


def _held(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """As many values as edges: the last one holds up to the last edge."""
    return np.append(values, values[-1])
