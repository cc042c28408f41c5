"""The history as rows of figures, like with like, and what changed in them. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.nightly.change import Change, find_changes
from hil.nightly.figures import FIGURES, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.nightly.entry import Entry, Place

WINDOW: Final = 60
"""Nights that are looked at."""

_LIVES: Final = dt.timedelta(days=7)
"""What had no result for so long is no longer told of."""


@dataclass(frozen=True)
class Row:
    """One figure of one board and case over nights that can be compared.

    Attributes:
        figure: which one.
        entries: one a night, the last on the last night.
        changes: what changed, in order.
    """

    figure: Figure
    entries: tuple[Entry, ...]
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """Whose figure it is, and on what it was got."""
        place = self.entries[-1].place
        where = "" if place is None else f", {_where(place)}"
        return f"{self.entries[-1].title}{where}"

    @property
    def values(self) -> list[float]:
        """The figures."""
        return [entry.figures[self.figure.name] for entry in self.entries]

    @property
    def nights(self) -> list[str]:
        """Their days."""
        return [entry.night for entry in self.entries]

    def words(self, change: Change) -> str:
        """A sentence about a change."""
        first = self.entries[change.began]
        share = f" ({change.by:+.2%})" if change.before else ""
        moved = "steps" if change.kind == "step" else "drifts"
        commit = f", commit {first.commit[:12]}" if first.commit else ""
        return (
            f"{self.title}: {self.figure.words} {moved} from {change.before:.6g} to {change.after:.6g}{share}, "
            f"since {first.night}{commit}"
        )


def find_rows(entries: Sequence[Entry]) -> list[Row]:
    """Every figure of every board and case that still has results, with its changes.

    A row begins anew where board, backend, compiler, link or the source of the figure became others.

    Args:
        entries: in the order of time.
    """
    subjects: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        subjects.setdefault(entry.subject, []).append(entry)
    newest = entries[-1].time if entries else None
    return [
        row
        for ours in subjects.values()
        if newest is not None and ours[-1].time >= newest - _LIVES
        for figure in FIGURES
        if (row := _row(figure, ours)) is not None
    ]


def _row(figure: Figure, entries: Sequence[Entry]) -> Row | None:
    having = [entry for entry in entries if figure.name in entry.figures]
    if not having:
        return None
    last = _comparable(having[-1], figure)
    alike = tuple(entry for entry in having if _comparable(entry, figure) == last)[-WINDOW:]
    values = np.array([entry.figures[figure.name] for entry in alike])
    return Row(figure, alike, tuple(find_changes(values, smallest=figure.smallest)))


def _comparable(entry: Entry, figure: Figure) -> tuple[object, ...]:
    """What must be equal for two figures to be compared."""
    place = entry.place
    if place is None:
        return ()
    source = {"": "", "cycles": place.cycles, "energy": place.energy}[figure.source]
    return place.backend, place.emulated, place.compiler, place.flags, place.link, source


def _where(place: Place) -> str:
    if place.backend == "native":
        return "on this computer"
    return f"{place.backend} (emulated)" if place.emulated else place.backend
