"""What pytest's reports say about the DUTs, collected as they come in: works the same under xdist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hil.report.properties import Property


@dataclass(frozen=True)
class Entry:
    """One test's outcome.

    Attributes:
        nodeid: pytest's name of the test.
        outcome: ``passed``, ``failed`` (a broken promise), ``error`` (no verdict), ``skipped``, or ``quarantined``
            (failed or error, and not counted).
        verdict: class of a failure, e.g. ``numeric`` or ``rig``; empty otherwise.
        message: first line of a failure, or the reason of a skip.
        properties: the run's figures, and what else hil noted on the test.
        subject: what the test is about: ``file``, ``case``, ``vectors`` and ``board``; empty where it is about none.
        text: all of a failure, as the terminal shows it.
        quarantine: why and until when the board or case is in quarantine, in words; empty where it is not.
        run: which of the runs it judged; empty for none.
        difference: where the device first differs, as `hil.report.difference` says it.
    """

    nodeid: str
    outcome: str
    verdict: str
    message: str
    properties: dict[str, Property]
    subject: dict[str, str] = field(default_factory=dict)
    text: str = ""
    quarantine: str = ""
    run: str = ""
    difference: dict[str, Any] | None = None


@dataclass
class Tally:
    """The outcomes so far."""

    entries: list[Entry] = field(default_factory=list)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)  # of each run, by what entries call it
    uncollected: int = 0  # files that could not be read as tests

    def add(self, entry: Entry) -> None:
        """Count one test's outcome."""
        self.entries.append(entry)

    @property
    def nothing_but_rig_errors(self) -> bool:
        """Something failed, and all that failed failed for the rig's sake."""
        failed = [entry.verdict for entry in self.entries if entry.outcome in {"failed", "error"}]
        return bool(failed) and not self.uncollected and all(verdict == "rig" for verdict in failed)

    @property
    def figures(self) -> list[dict[str, Property]]:
        """Properties of each run, as the first test about it has them, in order."""
        found: dict[str, dict[str, Property]] = {}
        for entry in self.entries:
            if "hil_steps" in entry.properties:
                found.setdefault(entry.run or entry.nodeid, entry.properties)
        return list(found.values())

    @property
    def not_measured(self) -> list[str]:
        """Why promises have no verdict, one sentence a test."""
        return [str(e.properties["hil_not_measured"]) for e in self.entries if "hil_not_measured" in e.properties]

    @property
    def harvest_words(self) -> list[str]:
        """What boards did on harvested power, one sentence a promise."""
        return [str(e.properties["hil_harvest"]) for e in self.entries if "hil_harvest" in e.properties]

    @property
    def golden_words(self) -> list[str]:
        """How each promise of cycles, current or energy stands to its golden."""
        return [
            f"{promise}: {e.properties[name]}"
            for promise in ("cycles", "current", "energy")
            for e in self.entries
            if (name := f"hil_{promise}_golden") in e.properties
        ]
