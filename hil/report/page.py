"""A report as one HTML page: no other file and no network, readable on a phone, light or dark as the browser wishes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from hil import __version__
from hil.errors import NOTHING_RAN, RUN_ENDS, RigError
from hil.report.page_views import (
    MOST_DRAWN,
    counts,
    failures,
    figures,
    places,
    run_cards,
    steady_rows,
    trend_cards,
)
from hil.report.quarantined import not_counted

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERDICTS: Final = RUN_ENDS | {NOTHING_RAN: "nothing ran"}
_TONES: Final = {0: "good", RigError.exit_code: "none", NOTHING_RAN: "none"}
"""All else is bad."""


@dataclass(frozen=True)
class Trend:
    """One figure of one board and case over nights.

    Attributes:
        title: whose figure.
        what: the figure with its unit.
        nights: the days, in order.
        values: one a night.
        began: places of the nights on which a change began.
        words: a sentence for each change; none where nothing changed.
    """

    title: str
    what: str
    nights: Sequence[str]
    values: Sequence[float]
    began: Sequence[int] = ()
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """What a report is made of.

    Attributes:
        title: its heading.
        when: when the run ended, in words.
        code: exit code of the run, which is its verdict.
        sessions: contents of results.json, one a pytest run.
        commit: what was tested, where that is known.
        said: sentences that stand at the top, e.g. about a board whose run did not come to its end.
        trends: figures over nights.
        proposals: sentences about boards that had better be in quarantine.
    """

    title: str
    when: str
    code: int
    sessions: Sequence[dict[str, Any]]
    commit: str = ""
    said: Sequence[str] = ()
    trends: Sequence[Trend] = ()
    proposals: Sequence[str] = field(default_factory=tuple)


def render(page: Page) -> str:
    """The page as text."""
    tests = [test for session in page.sessions for test in session["tests"]]
    runs = {name: run for session in page.sessions for name, run in session["runs"].items()}
    word = _VERDICTS.get(page.code, f"ended early (exit code {page.code})")
    environment = Environment(
        loader=PackageLoader("hil.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(
        page=page,
        word=word,
        tone=_TONES.get(page.code, "bad"),
        counts=counts(tests),
        places=places(tests, runs),
        failures=failures(tests, runs),
        changes=trend_cards(page.trends),
        steady=steady_rows(page.trends),
        figures=figures(runs),
        runs=run_cards(tests, runs),
        more=max(0, len(runs) - MOST_DRAWN),
        not_measured=Counter(reason for session in page.sessions for reason in session["not_measured"]).items(),
        not_counted=not_counted((test["quarantine"], test["outcome"]) for test in tests),
        tests=tests,
        version=__version__,
    )
