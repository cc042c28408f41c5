"""What a night ends with: the boards' verdicts, and what quarantine excuses of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.errors import RUN_ENDS, RigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.nightly.board_run import BoardRun
    from hil.quarantine import Quarantine


def exit_code(runs: Sequence[BoardRun], quarantine: Quarantine) -> int:
    """The night's.

    Returns:
        1 where one board's run is broken, or has no end that counts, or where a quarantine of a board that took part
        has ended; 10 where nothing but the rig failed; else 0.
    """
    codes = [_code(run, quarantine) for run in runs]
    if quarantine.expired_for(run.board for run in runs) or any(code not in {0, RigError.exit_code} for code in codes):
        return 1
    return RigError.exit_code if RigError.exit_code in codes else 0


def _code(run: BoardRun, quarantine: Quarantine) -> int:
    if excuse(run, quarantine):
        return 0
    return run.code if run.code is not None and run.has_verdict else 1


def excuse(run: BoardRun, quarantine: Quarantine) -> str:
    """Why a run without an end does not count, in a sentence; empty where it counts, or has an end.

    A board in quarantine may hang. What no board does, as a test file that cannot be read, counts in any case.
    """
    entry = quarantine.find(run.board)
    broken = run.results["uncollected"] or any(test["outcome"] in {"failed", "error"} for test in run.results["tests"])
    if entry is None or broken or not run.had_to_be_ended:
        return ""
    return f"{entry.words} (its run did not come to its end, not counted)"


def verdict_words(run: BoardRun, quarantine: Quarantine) -> str:
    """The verdict on a board in a word or two."""
    if run.said:
        return "no end, not counted" if excuse(run, quarantine) else "no end"
    return RUN_ENDS.get(run.code or 0, "failed")
