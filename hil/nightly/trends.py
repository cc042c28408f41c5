"""The history as rows of figures, like with like, and what changed in them. Reads nothing but the clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import takewhile
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
        until = "" if change.ended is None else f", until {self.entries[change.ended].night}"
        commit = f", commit {first.commit[:12]}" if first.commit else ""
        return (
            f"{self.title}: {self.figure.words} {moved} from {change.before:.6g} to {change.after:.6g}{share}, "
            f"since {first.night}{commit}{until}"
        )


def find_rows(entries: Sequence[Entry], now: dt.datetime | None = None) -> list[Row]:
    """Every figure of every board and case that still has results, with its changes.

    A row begins anew wherever backend, compiler, flags, link or the source of the figure became others.

    Args:
        entries: in the order of time.
        now: entries that no clock can have dated rightly until then are left out; None for what the clock says.
    """
    now = now or dt.datetime.now(tz=dt.UTC)
    dated = [entry for entry in entries if not entry.is_ahead(now)]
    subjects: dict[tuple[str, ...], list[Entry]] = {}
    for entry in dated:
        subjects.setdefault(entry.subject, []).append(entry)
    newest = dated[-1].time if dated else None
    return [
        row
        for ours in subjects.values()
        if newest is not None and newest - ours[-1].time <= _LIVES
        for figure in FIGURES
        if (row := _row(figure, ours)) is not None
    ]


def _row(figure: Figure, entries: Sequence[Entry]) -> Row | None:
    having = [entry for entry in entries if figure.name in entry.figures]
    if not having:
        return None
    last = _comparable(having[-1], figure)
    alike = [*takewhile(lambda entry: _comparable(entry, figure) == last, reversed(having))][:WINDOW][::-1]
    values = np.array([entry.figures[figure.name] for entry in alike])
    changes = find_changes(values, smallest=figure.smallest, counted=figure.counted)
    return Row(figure, tuple(alike), tuple(changes))


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
