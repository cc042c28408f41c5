"""A matplotlib figure as the text of an ``<svg>`` element that can stand in a page beside others."""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any, Final

TEXT: Final = "#010203"
"""Of axes and words; a colour that nothing else has, as it is made that of the text around the picture."""

_PLACE: Final = re.compile(r'\b(?:d|x|y|width|height|transform|points)="[^"]*"')
_NAMED: Final = re.compile(r' id="([^"]*)"')
_REFERRED: Final = re.compile(r"(?<=[(\"])#([^)\"]+)")
_FINER: Final = re.compile(r"(\.\d\d)\d+")
"""Than a hundredth of a point."""


def svg_text(figure: Any, *, transparent: bool) -> str:
    """The element; the same figure gives the same text.

    Args:
        figure: matplotlib's.
        transparent: without a background.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - where a figure was made there is matplotlib

    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "hil"}):
        figure.savefig(written, format="svg", transparent=transparent, metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = _PLACE.sub(lambda place: _FINER.sub(r"\1", place[0]), text[text.index("<svg") :])
    return _with_own_names(text.replace(TEXT, "currentColor"))


def _with_own_names(svg: str) -> str:
    """Only names that are referred to stay, called after the content: so pictures in one page never mix theirs up."""
    names = {name: str(number) for number, name in enumerate(dict.fromkeys(_REFERRED.findall(svg)))}
    numbered = _NAMED.sub(lambda found: f' id="{names[found[1]]}"' if found[1] in names else "", svg)
    numbered = _REFERRED.sub(lambda found: f"#{names[found[1]]}", numbered)
    mark = "hil" + hashlib.sha256(numbered.encode()).hexdigest()[:8]
    return re.sub(r' id="(\d+)"', rf' id="{mark}-\1"', re.sub(r"(\(|\")#(\d+)(?=[)\"])", rf"\1#{mark}-\2", numbered))
