"""The pictures of a report, each from what results.json or a history holds, as ``<svg>`` elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hil.report.figure import INK, LIMIT, SECOND
from hil.report.inline_svg import day_ticks, legend, new_axes, new_panels, number_axes, svg_of
from hil.report.svg_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOSTLY = 0.7


def series_svg(series: dict[str, Any], what: str) -> str:
    """A figure over the steps of a run, of `hil.report.series`: middle and range of each column.

    Args:
        series: the figure.
        what: the figure with its unit, e.g. ``core cycles a step``.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure, axes = new_axes()
    first, low, middle, high = (np.array(series[name], float) for name in ("first", "low", "median", "high"))
    if (low < high).any():
        told = "all sequences" if series["sequences"] > 1 else "least to most"
        axes.fill_between(first, low, high, step="post", color=INK, alpha=0.3, linewidth=0, label=told)
        axes.step(first, middle, where="post", color=INK, linewidth=1.1, label="median")
        legend(axes)
    else:
        axes.step(first, middle, where="post", color=INK, linewidth=1.1)
    number_axes(axes, "step", what)
    return svg_of(figure, f"{what} over {series['steps']} steps of {series['sequences']} sequences")


def difference_svg(difference: dict[str, Any]) -> str:
    """What the device gave and what was expected around the first step that differs, and below it how they differ.

    Args:
        difference: as of `hil.report.difference`.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure, (both, apart) = new_panels(3.2, 2, 1)
    expected, obtained = (np.array(difference[name], float) for name in ("expected", "obtained"))
    steps = difference["first"] + np.arange(len(expected))
    both.plot(steps, expected, color=INK, linewidth=1.6, label="expected")
    both.plot(steps, obtained, color=SECOND, linewidth=1.1, linestyle="--", marker=".", markersize=4, label="device")
    apart.plot(steps, obtained - expected, color=SECOND, linewidth=1.1, marker=".", markersize=4)
    for axes in (both, apart):
        axes.axvline(difference["step"], color=LIMIT, linewidth=1, label="first difference")
    if difference["allowed"]:
        apart.axhspan(-difference["allowed"], difference["allowed"], color=TEXT, alpha=0.1, linewidth=0)
    legend(both)
    unit = " in LSB" if difference["unit"] == "LSB" else ""
    number_axes(both, "", f"{difference['array']}[{difference['element']}]{unit}")
    number_axes(apart, "step", "device - expected")
    apart.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5))
    return svg_of(figure, f"expected and obtained {difference['array']} around step {difference['step']}")


def trend_svg(what: str, nights: Sequence[str], values: Sequence[float], began: Sequence[int]) -> str:
    """A figure over nights.

    Args:
        what: the figure with its unit.
        nights: the days.
        values: one a night.
        began: places of the nights on which a change began.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure, axes = new_axes()
    axes.plot(range(len(values)), values, color=INK, linewidth=1.1, marker=".", markersize=4)
    for place in began:
        axes.axvline(place, color=LIMIT, linewidth=1, linestyle="--", label=f"since {nights[place]}")
    if began:
        legend(axes)
    number_axes(axes, "", what)
    day_ticks(axes, [night[5:] for night in nights])
    return svg_of(figure, f"{what} over {len(values)} nights")


def current_svg(columns: dict[str, Any]) -> str:
    """A current over time, of `hil.report.details`: average and range of each column, steps shaded.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure, axes = new_axes()
    from matplotlib.ticker import EngFormatter  # noqa: PLC0415 - as in hil.report.figure

    low, mean, high, marked = (np.array(columns[name], float) for name in ("low_A", "mean_A", "high_A", "marked"))
    edges = np.linspace(0.0, columns["end_s"] - columns["begin_s"], len(mean) + 1)[:-1]
    whole = np.isin(marked, (0, 1)).mean() > _MOSTLY
    steps = "steps" if whole else "share in steps"
    look = {"step": "post", "linewidth": 0}
    shade = {"transform": axes.get_xaxis_transform(), "color": SECOND, "alpha": 0.2, "label": steps}
    axes.fill_between(edges, 0, marked, **look, **shade)
    if columns["maximum_A"] is not None:
        most = np.array(columns["maximum_A"], float)
        axes.fill_between(edges, mean, most, color=LIMIT, alpha=0.15, label="to the maximum", **look)
    axes.fill_between(edges, low, high, color=INK, alpha=0.35, label="current", **look)
    axes.step(edges, mean, where="post", color=INK, linewidth=1, label="average")
    axes.set_ylim(0)
    legend(axes)
    number_axes(axes, "", "current", whole=False)
    axes.xaxis.set_major_formatter(EngFormatter("s"))
    axes.yaxis.set_major_formatter(EngFormatter("A"))
    return svg_of(figure, f"current over {columns['end_s'] - columns['begin_s']:.3g} s")


def spark_svg(values: Sequence[float]) -> str:
    """A figure over nights as small as a word, without axes."""
    low, high = min(values), max(values)
    height = 16 / (high - low) if high > low else 0.0
    width = 96 / max(1, len(values) - 1)
    points = " ".join(f"{2 + width * x:.1f},{18 - height * (y - low):.1f}" for x, y in enumerate(values))
    return f'<svg class="spark" viewBox="0 0 100 20" aria-hidden="true"><polyline points="{points}"/></svg>'
