"""A matplotlib figure as an ``<svg>`` element of a page: without a background, words in the page's own colour."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

from hil.report.picture import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT: Final = "#010203"
"""Of axes and words; a colour that nothing else has, as it is made that of the text around the picture."""
INK: Final = "#2f74b5"
SECOND: Final = "#d98c1f"
LIMIT: Final = "#c0392b"

_PATH: Final = re.compile(r'\bd="[^"]*"')
_FINER: Final = re.compile(r"(\.\d\d)\d+")
_SIZE: Final = re.compile(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>')
_STYLE: Final = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
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
        axes.tick_params(colors=TEXT, labelsize=8)
        axes.grid(visible=True, color=TEXT, alpha=0.12)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(TEXT)
        axes.ticklabel_format(axis="y", useOffset=False, style="plain")
    return figure, panels


def name_axes(axes: Any, x_words: str, y_words: str) -> None:
    """Write what the axes show, over steps or nights, which are whole numbers."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as in hil.report.picture

    axes.set_xlabel(x_words, fontsize=8, color=TEXT)
    axes.set_ylabel(y_words, fontsize=8, color=TEXT)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
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
    from matplotlib import rc_context  # noqa: PLC0415 - as in hil.report.picture

    written = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "hil"}):
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    text = written.getvalue()
    text = _STYLE.sub("", text[text.index("<svg") :])
    text = _PATH.sub(lambda path: _FINER.sub(r"\1", path[0]), text)
    said = words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = rf'<svg xmlns="http://www.w3.org/2000/svg" viewBox="\1" role="img" aria-label="{said}">'
    return _SIZE.sub(head, text, count=1).replace(TEXT, "currentColor")
