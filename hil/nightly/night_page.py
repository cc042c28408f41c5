"""The page of a night: all of its boards, and what changed over the nights before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.report.page import Page, Trend

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from hil.nightly.board_run import BoardRun
    from hil.nightly.night import Outlook
    from hil.nightly.trends import Row


def night_page(
    runs: Sequence[BoardRun], outlook: Outlook, *, time: dt.datetime, commit: str, code: int, said: Sequence[str]
) -> Page:
    """What the page shows.

    Args:
        runs: of each board.
        outlook: what the history says.
        time: when the night began.
        commit: what was tested; empty where nobody knows.
        code: the night's exit code.
        said: sentences for the top of the page.
    """
    return Page(
        title=f"night of {', '.join(run.board for run in runs)}",
        when=time.strftime("%Y-%m-%d %H:%M UTC"),
        code=code,
        sessions=[run.results for run in runs],
        commit=commit[:12] + "+" * commit.endswith("+"),
        said=said,
        trends=[_trend(row) for row in outlook.rows],
        proposals=[proposal.words for proposal in outlook.proposals],
    )


def _trend(row: Row) -> Trend:
    return Trend(
        title=row.title,
        what=row.figure.words,
        nights=row.nights,
        values=row.values,
        began=[change.began for change in row.changes],
        words=[row.words(change) for change in row.changes],
    )
