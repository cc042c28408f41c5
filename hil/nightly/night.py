"""What a night says in the light of those before: changes of figures, and boards that had better be in quarantine."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.nightly.flaky import Flaky, find_flaky
from hil.nightly.trends import Row, find_rows
from hil.quarantine import Quarantined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.nightly.change import Change
    from hil.nightly.entry import Entry
    from hil.quarantine import Quarantine

QUARANTINE: Final = dt.timedelta(days=14)
"""For how long a flaky board is proposed to be in quarantine."""


@dataclass(frozen=True)
class Proposal:
    """A flaky board, and the entry of the quarantine file that would have its failures not count."""

    flaky: Flaky
    entry: Quarantined

    @property
    def words(self) -> str:
        """A sentence."""
        return f"{self.flaky.words}; proposed for quarantine until {self.entry.until}"


@dataclass(frozen=True)
class Outlook:
    """What the history says.

    Attributes:
        rows: every figure of every board and case over nights.
        proposals: flaky boards that are not in quarantine.
    """

    rows: tuple[Row, ...]
    proposals: tuple[Proposal, ...]

    @property
    def changes(self) -> list[tuple[Row, Change]]:
        """Every change of every row."""
        return [(row, change) for row in self.rows for change in row.changes]


def look_back(entries: Sequence[Entry], quarantine: Quarantine, today: dt.date) -> Outlook:
    """Look at a history.

    Args:
        entries: in the order of time.
        quarantine: what is in quarantine already.
        today: the day from which on a flaky board would be.
    """
    held = {entry.board for entry in quarantine.entries if entry.case is None}
    proposals = [
        Proposal(flaky, Quarantined(board=flaky.board, reason=flaky.words, since=today, until=today + QUARANTINE))
        for flaky in find_flaky(entries)
        if flaky.board not in held
    ]
    end = dt.datetime.combine(today, dt.time.max, tzinfo=dt.UTC)
    return Outlook(tuple(find_rows(entries, end)), tuple(proposals))
