"""What all pictures share: how one is made, looks and is saved, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hil.errors import InputError
from hil.report.svg_text import TEXT, svg_text
from hil.whole_file import check_writable

if TYPE_CHECKING:
    from pathlib import Path

INK: Final = "#2f74b5"
SECOND: Final = "#d98c1f"
LIMIT: Final = "#c0392b"

_FORMATS: Final = (".svg", ".png")
_DOTS_PER_INCH: Final = 130


def check_picture(path: Path, *, wanted: bool = True) -> None:
    """See that a picture can be drawn into a file, before the run that it is of; makes the file's folder.

    Args:
        path: the file.
        wanted: somebody asked for it, so that it is an error if there is nothing to draw it with.

    Raises:
        InputError: its ending says no known format, it cannot be written, or matplotlib is not installed.
    """
    if path.suffix not in _FORMATS:
        raise InputError(
            f"the picture {path} cannot be drawn: its name says no format that is known", hint="end it in .svg or .png"
        )
    check_writable(path)
    if wanted:
        new_figure(1, 1)


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


def style_axes(axes: Any) -> None:
    """Quiet lines in the colour of the words, behind what is drawn."""
    axes.set_axisbelow(True)
    axes.tick_params(colors=TEXT, labelsize=8)
    axes.grid(visible=True, color=TEXT, alpha=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(TEXT)


def name_axes(axes: Any, x_words: str, y_words: str) -> None:
    """Write what the axes show."""
    axes.set_xlabel(x_words, fontsize=8, color=TEXT)
    axes.set_ylabel(y_words, fontsize=8, color=TEXT)


def title_axes(axes: Any, words: str, **more: Any) -> None:
    """Write what the picture shows, above it to the left."""
    axes.set_title(words, **{"fontsize": 9, "loc": "left", "color": TEXT, **more})


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure; the file's ending says which kind, and the same figure gives the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    try:
        if path.suffix == ".svg":
            path.write_text(svg_text(figure, transparent=False), encoding="utf-8")
        else:
            figure.savefig(path, dpi=_DOTS_PER_INCH)
    except (OSError, ValueError) as error:
        raise InputError(f"the picture {path} cannot be written", cause=str(error)) from error
