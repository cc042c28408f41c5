"""Lines for the terminal: plain text, the same in a terminal, a CI log and a file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.report.properties import Property
    from hil.report.tally import Tally

_HEADINGS = ("case", "board", "on", "image", "steps", "worst error", "bits", "vectors/s", "retries")
_NUMBERS = frozenset({"steps", "worst error", "bits", "vectors/s", "retries"})


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[str] = frozenset()) -> list[str]:
    """A table with two spaces between its columns; the columns named in ``numbers`` stand to the right."""
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if heading in numbers else cell.ljust(width)
            for cell, width, heading in zip(cells, widths, headings, strict=True)
        )
        return "  ".join(placed).rstrip()

    return [line(headings), *(line(row) for row in rows)]


def error_words(share: float) -> str:
    """An error as a share of the state bound, with the nearest power of two above: ``1.9e-05``."""
    return f"{share:.1e}"


def summary_lines(tally: Tally) -> list[str]:
    """The runs' figures, their provenance, and what was not measured; empty where hil had no part."""
    runs = tally.runs
    lines = []
    if runs:
        lines += table(_HEADINGS, [_row(run) for run in runs], _NUMBERS)
        lines += sorted({str(run["hil_origin"]) for run in runs})
        lines.append("worst error: to float64, as a share of the state bound; bits: device against the integer model")
    for reason, count in sorted(Counter(tally.not_measured).items()):
        lines.append(f"{reason} ({count} {'promise' if count == 1 else 'promises'})")
    return lines


def _row(run: dict[str, Property]) -> list[str]:
    case, vectors = str(run["hil_case"]), str(run["hil_vectors"])
    return [
        case if case == vectors else f"{case}/{vectors}",
        str(run["hil_board"]),
        str(run["hil_where"]),
        str(run["hil_image"]),
        str(run["hil_steps"]),
        error_words(float(run["hil_max_error"])),
        f"{run['hil_bits_compared']} equal" if run["hil_bits_equal"] else "DIFFER",
        f"{float(run['hil_vectors_per_second']):.0f}",
        str(run["hil_retries"]),
    ]
