"""Boards that fail on some nights and not on others with nothing to blame but themselves. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hil.nightly.entry import Entry

NIGHTS: Final = 14
"""Runs of a board that are looked at."""
DISTURBED: Final = 3
CAME_BACK: Final = 2
"""So many of them must be disturbed, and so many times must a sound one have followed, for a board to be flaky."""

_BENCH: Final = frozenset({"rig", "link"})
_BROKEN: Final = frozenset({"failed", "error", "quarantined"})


@dataclass(frozen=True)
class Flaky:
    """A flaky board.

    Attributes:
        board: its name.
        began: first of the nights that were disturbed.
        disturbed: those nights.
        nights: how many were looked at.
        why: what disturbed them most, in words.
    """

    board: str
    began: str
    disturbed: tuple[str, ...]
    nights: int
    why: str

    @property
    def words(self) -> str:
        """A sentence."""
        return (
            f"board '{self.board}' was disturbed on {len(self.disturbed)} of its last {self.nights} nights, since "
            f"{self.began}, and sound between them: {self.why}"
        )


def find_flaky(entries: Sequence[Entry]) -> list[Flaky]:
    """Boards that come and go.

    A night of a board is disturbed where a case ended with a verdict about the bench (rig, link), or failed although
    the same firmware with the same model image passed it on another night. A board that failed each night since some
    night is not flaky but gone, and a change of the firmware that breaks a case is a verdict about the firmware.

    Args:
        entries: in the order of time.
    """
    found = []
    for board in dict.fromkeys(entry.board for entry in entries):
        runs: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.board == board:
                runs.setdefault(entry.time.isoformat(), []).append(entry)
        flaky = _look_at(board, list(runs.values())[-NIGHTS:])
        if flaky is not None:
            found.append(flaky)
    return found


def _look_at(board: str, runs: list[list[Entry]]) -> Flaky | None:
    passed = {_what(entry) for run in runs for entry in run if entry.outcome == "passed"}
    causes = [[why for entry in run if (why := _disturbance(entry, passed))] for run in runs]
    bad = [bool(found) for found in causes]
    came_back = sum(one and not other for one, other in pairwise(bad))
    if sum(bad) < DISTURBED or came_back < CAME_BACK:
        return None
    nights = tuple(run[0].night for run, is_bad in zip(runs, bad, strict=True) if is_bad)
    why = Counter(why for found in causes for why in dict.fromkeys(found)).most_common(1)[0][0]
    return Flaky(board, nights[0], nights, len(runs), why)


def _what(entry: Entry) -> tuple[object, ...]:
    """What a case ran with: results of the same firmware with the same image must be the same."""
    return entry.subject, entry.firmware, entry.image


def _disturbance(entry: Entry, passed: Iterable[tuple[object, ...]]) -> str:
    """Why an entry speaks against the board rather than against the firmware; empty where it does not."""
    if entry.outcome not in _BROKEN:
        return ""
    if entry.verdict in _BENCH:
        return entry.message or entry.verdict
    if entry.firmware and _what(entry) in passed:
        return f"{entry.case} failed and passed with the same firmware {entry.firmware} ({entry.verdict})"
    return ""
