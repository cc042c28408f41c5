"""A picture of named figures that lie factors apart, by matplotlib (the extra ``plots``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_INK = "#1f4e79"


def draw_bars(path: Path, title: str, values: Mapping[str, float]) -> None:
    """Draw a bar for each value, from the top, on a logarithmic scale; the file's ending says which kind.

    Raises:
        InputError: matplotlib is not installed, or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise InputError("the picture needs matplotlib", hint="pip install 'hil-ltc[plots]'") from error
    figure = Figure(figsize=(9, 0.9 + 0.45 * len(values)), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(list(values), list(values.values()), color=_INK)
    axes.bar_label(bars, labels=[f"{value:,.0f}" for value in values.values()], padding=4, fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set_title(title, fontsize=9, loc="left")
    axes.grid(visible=True, axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=130)
    except (OSError, ValueError) as error:
        raise InputError(f"the picture {path} cannot be written", cause=str(error)) from error
