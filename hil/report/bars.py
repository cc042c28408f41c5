"""A picture of named figures that lie factors apart, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.report.figure import INK, new_figure, save_figure, style_axes, title_axes
from hil.report.svg_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw_bars(path: Path, title: str, values: Mapping[str, float]) -> None:
    """Draw a bar for each value, from the top, on a logarithmic scale; the file's ending says which kind.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(9, 0.9 + 0.45 * len(values))
    axes = figure.add_subplot()
    bars = axes.barh(list(values), list(values.values()), color=INK)
    axes.bar_label(bars, labels=[f"{value:,.0f}" for value in values.values()], padding=4, fontsize=8, color=TEXT)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.2)
    title_axes(axes, title)
    style_axes(axes)
    axes.grid(visible=False, axis="y")
    save_figure(figure, path)
