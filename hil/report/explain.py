"""HilErrors on pytest's reports: their verdict class and their sentence, without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.errors import HilError
from hil.report.noted import noted_on
from hil.report.spelling import as_in_pytest, told_in_pytest
from hil.report.tally import Entry

if TYPE_CHECKING:
    import pytest

    from hil.report.properties import Property


def verdict_of(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Class of a failure: a HilError's own; ``assertion`` for an assert; ``internal`` for everything unexpected."""
    if isinstance(excinfo.value, HilError):
        return excinfo.value.verdict
    return "assertion" if isinstance(excinfo.value, AssertionError) else "internal"


def explain(report: pytest.TestReport | pytest.CollectReport, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Make a failed report tell a HilError by ``verdict: sentence``; other exceptions keep their trace."""
    if not isinstance(excinfo.value, HilError) or not report.failed:
        return
    told = excinfo.getrepr(style="value", chain=False)
    text = told_in_pytest(excinfo.value)
    for entry in told.reprtraceback.reprentries:
        entry.lines = text.split("\n")
    if told.reprcrash is not None:
        told.reprcrash.message = as_in_pytest(f"{excinfo.value.verdict}: {excinfo.value.message}")
    report.longrepr = told


def entry_of(report: pytest.TestReport) -> Entry | None:
    """The outcome that a report stands for; None for a phase that passed before or after the test itself."""
    if report.when != "call" and report.passed:
        return None
    noted = noted_on(report)
    properties: dict[str, Property] = {
        name: value for name, value in report.user_properties if isinstance(value, str | int | float | bool)
    }
    failed = report.failed or bool(noted.failed)
    if noted.failed:
        outcome = "quarantined"
    else:
        outcome = "error" if report.failed and report.when != "call" else str(report.outcome)
    message = text = ""
    if failed:
        text = str(report.longreprtext)
        crash = getattr(report.longrepr, "reprcrash", None)
        message = (text if crash is None else str(crash.message)).split("\n", 1)[0]
    elif report.skipped and isinstance(report.longrepr, tuple):
        message = report.longrepr[2].removeprefix("Skipped: ")
    verdict = str(properties.get("hil_verdict", "")) if failed else ""
    return Entry(
        nodeid=report.nodeid,
        outcome=outcome,
        verdict=verdict,
        message=message,
        properties=properties,
        subject=noted.subject,
        text=text,
        quarantine=noted.quarantine,
        run=noted.run,
        difference=noted.difference,
    )
