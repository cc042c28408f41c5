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

NO_END: Final = "no end"
"""Class of an entry of a board's whole run, which had to be ended."""

_RIG: Final = "rig"
_TOOK_LONGER: Final = "the run took longer than"
"""What such entries say, which were of class ``internal`` once."""
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

    A night of a board is disturbed where a case ended with a verdict about the bench (rig), or failed although the same
    firmware with the same model image passed it on another night; and where the run had to be ended while no case of it
    failed for its firmware. A board that failed each night since some night is not flaky but gone, and a change of the
    firmware that breaks a case, or hangs in it, is a verdict about the firmware.

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
    causes = [_causes(run, passed) for run in runs]
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


def _causes(run: list[Entry], passed: Iterable[tuple[object, ...]]) -> list[str]:
    """What of a night speaks against the board rather than against the firmware, in words."""
    cases = [entry for entry in run if entry.outcome in _BROKEN and not _has_no_end(entry)]
    causes = [why for entry in cases if (why := _disturbance(entry, passed))]
    if len(causes) == len(cases):  # a firmware that hangs in every case may take all the time there is
        causes += [entry.message for entry in run if entry.outcome in _BROKEN and _has_no_end(entry)]
    return causes


def _has_no_end(entry: Entry) -> bool:
    return not entry.case and (entry.verdict == NO_END or _TOOK_LONGER in entry.message)


def _disturbance(entry: Entry, passed: Iterable[tuple[object, ...]]) -> str:
    """Why a case that is broken speaks against the board; empty where it does not."""
    if entry.verdict == _RIG:
        return entry.message or entry.verdict
    if entry.firmware and entry.image and _what(entry) in passed:
        return f"{entry.case} failed and passed with the same firmware {entry.firmware} ({entry.verdict})"
    return ""
