"""What the process that ran a test notes on pytest's report for the one that reports: they may be two, under xdist.

It goes as attributes of the report, which pytest hands on as they are where they are made of plain lists, mappings and
words; properties would be written into JUnit files as well, where long tables have no place.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pytest

_NAME: Final = "hil_noted"


@dataclass(frozen=True)
class Noted:
    """Notes on one test.

    Attributes:
        subject: as of `hil.report.tally.Entry`.
        quarantine: likewise.
        run: likewise.
        details: of that run, with the first test about it; else None.
        difference: as of `hil.report.tally.Entry`.
        failed: ``failed`` or ``error`` where the test did so and is in quarantine; pytest was told another outcome.
    """

    subject: dict[str, str] = field(default_factory=dict)
    quarantine: str = ""
    run: str = ""
    details: dict[str, Any] | None = None
    difference: dict[str, Any] | None = None
    failed: str = ""


def note(report: pytest.TestReport, noted: Noted) -> None:
    """Put notes on a report."""
    setattr(report, _NAME, asdict(noted))


def noted_on(report: pytest.TestReport) -> Noted:
    """The notes on a report; empty ones where there are none."""
    return Noted(**getattr(report, _NAME, {}))
