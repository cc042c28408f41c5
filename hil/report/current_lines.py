"""A current over time as lines of text for a terminal: rough, and without colours. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hil.report.quantity import amperes, seconds
from hil.report.waveform import columns_of

if TYPE_CHECKING:
    from hil.report.waveform import Waveform

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_MARKS: Final = " ░▒▓█"
_HEIGHT: Final = 6
_LABEL: Final = 9


def current_lines(waveform: Waveform, width: int) -> list[str]:
    """Bars as high as each column's average, from no current on; below them how much of each column is steps.

    Args:
        waveform: the current.
        width: of the terminal, in characters; at least 40 are taken.
    """
    count = max(width, 40) - _LABEL - 1
    columns = columns_of(waveform, count)
    top_A = float(np.nanmax(columns.mean_A)) if np.isfinite(columns.mean_A).any() else 0.0
    eighths = np.nan_to_num(columns.mean_A / top_A if top_A > 0 else np.zeros(count)) * _HEIGHT * 8
    lines = []
    for row in range(_HEIGHT - 1, -1, -1):
        fill = np.clip(np.round(eighths - row * 8), 0, 8).astype(int)
        label = {_HEIGHT - 1: amperes(top_A), 0: "0 A"}.get(row, "")
        lines.append(f"{label:>{_LABEL}} " + "".join(_BLOCKS[each] for each in fill).rstrip())
    marks = np.ceil(columns.marked * (len(_MARKS) - 1)).astype(int)
    lines.append(f"{'steps':>{_LABEL}} " + "".join(_MARKS[each] for each in marks).rstrip())
    end = seconds(waveform.end_s - waveform.begin_s)
    lines.append(f"{'':{_LABEL}} 0 s" + end.rjust(count - len("0 s")))
    return lines
