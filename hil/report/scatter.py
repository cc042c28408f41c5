"""A picture of error against cycles, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.report.figure import INK, name_axes, new_figure, save_figure, style_axes, title_axes
from hil.report.svg_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Point:
    """One setting: cycles of a step, error of an output in its unit, and whether it is good enough."""

    name: str
    cycles: float
    error: float
    good: bool


def draw_scatter(path: Path, title: str, points: Sequence[Point]) -> None:
    """Draw a named dot for each setting; the file's ending says which kind.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    figure = new_figure(9, 5)
    axes = figure.add_subplot()
    for point in points:
        axes.plot(point.cycles, point.error, "o", color=INK, fillstyle="full" if point.good else "none")
        look = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 7, "color": TEXT}
        axes.annotate(point.name, (point.cycles, point.error), **look)
    name_axes(axes, "core cycles a step, mean", "worst error of an output")
    axes.margins(x=0.15)
    title_axes(axes, title)
    style_axes(axes)
    save_figure(figure, path)
