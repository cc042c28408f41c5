"""What is in quarantine, in words: for the summary of a run, a page and a night."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def not_counted(tests: Iterable[tuple[str | None, str]]) -> list[str]:
    """What is in quarantine and why, and how many of its tests failed; a sentence each.

    Args:
        tests: of each why it is in quarantine, empty or None where it is not, and its outcome.
    """
    outcomes: dict[str, Counter[str]] = {}
    for why, outcome in tests:
        if why:
            outcomes.setdefault(why, Counter())[outcome] += 1
    return [f"{why} ({found['quarantined']} of {found.total()} failed, not counted)" for why, found in outcomes.items()]
