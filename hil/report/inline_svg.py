"""A matplotlib figure as an ``<svg>`` element of a page: without a background, words in the page's own colour."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any, Final

from hil.report.figure import name_axes, new_figure, style_axes
from hil.report.svg_text import TEXT, svg_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIZE: Final = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')
_NO_PART: Final = re.compile(r"<(style|metadata)[^>]*>.*?</\1>", re.DOTALL)
"""Of an element within a page: rules would be the page's, and names of vocabularies look like addresses."""
_TWICE: Final = re.compile(r" font-family: [^;\"]*;|(?<=\n) +")
"""What the page's own style says, and spaces that nobody reads."""
_WIDTH: Final = 4.4
"""Inches, in which words of 8 points can still be read where a phone shows all of it."""


def new_axes(height: float = 2.4) -> tuple[Any, Any]:
    """A figure and its axes, fit for a phone.

    Args:
        height: in inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure, (axes,) = new_panels(height, 1)
    return figure, axes


def new_panels(height: float, *shares: float) -> tuple[Any, list[Any]]:
    """A figure and axes one below the other, with these shares of its height, which show the same x.

    Raises:
        InputError: matplotlib is not installed.
    """
    figure = new_figure(_WIDTH, height)
    panels = list(figure.subplots(len(shares), 1, sharex=True, height_ratios=shares, squeeze=False)[:, 0])
    for axes in panels:
        style_axes(axes)
        axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    return figure, panels


def number_axes(axes: Any, x_words: str, y_words: str, *, whole: bool = True) -> None:
    """Write what the axes show; steps and nights are whole numbers."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as in hil.report.figure

    name_axes(axes, x_words, y_words)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def legend(axes: Any) -> None:
    """Above the plot, where no line runs."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=8, labelcolor=TEXT, borderaxespad=0
    )


def day_ticks(axes: Any, days: Sequence[str]) -> None:
    """Days instead of numbers along the x axis, as many as there is room for."""
    places = range(0, len(days), max(1, -(-len(days) // 5)))
    axes.set_xticks(list(places), [days[place] for place in places])


def svg_of(figure: Any, words: str) -> str:
    """The figure as an element; the same figure gives the same text.

    Args:
        figure: matplotlib's.
        words: what it shows, for those who cannot see it.
    """
    text = _TWICE.sub("", _NO_PART.sub("", svg_text(figure, transparent=True)))
    said = html.escape(words)
    head = (
        r'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="\1" role="img" '
    )
    return _SIZE.sub(head + f'aria-label="{said}">', text, count=1)
