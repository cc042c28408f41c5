"""A picture of error against cycles, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.report.picture import new_figure, save_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INK = "#1f4e79"


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
        axes.plot(point.cycles, point.error, "o", color=_INK, fillstyle="full" if point.good else "none")
        axes.annotate(point.name, (point.cycles, point.error), xytext=(5, 4), textcoords="offset points", fontsize=7)
    axes.set_xlabel("core cycles a step, mean")
    axes.set_ylabel("worst error of an output")
    axes.margins(x=0.15)
    axes.set_title(title, fontsize=9, loc="left")
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path)
