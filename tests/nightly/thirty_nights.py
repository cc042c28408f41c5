"""Thirty nights of a made-up lab through the code that real nights go through, and what should be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hil.commands.nightly import exit_code
from hil.nightly.entries import entries_of
from hil.nightly.history import append, load_history
from hil.nightly.night import look_back
from hil.quarantine import Quarantine, add_quarantined, load_quarantine
from tests.nightly.lab import Lab, LabBoard, time_of

if TYPE_CHECKING:
    from pathlib import Path

    from hil.nightly.night import Outlook

NIGHTS = 30
DRIFT_FROM, STEP_AT, CURRENT_STEP_AT, FLAKY_FROM, BROKEN_FROM, GONE_FROM, COMPILER_AT = 12, 18, 14, 8, 21, 24, 15
DRIFT_NIGHTS_OFF = 3
"""By so many nights the begin of a drift may be told wrong; that of a step by none."""

PLANTED = {
    ("drifting", "average_uA"): ("drift", DRIFT_FROM),
    ("drifting", "energy_median_uJ"): ("drift", DRIFT_FROM),
    ("drifting", "energy_max_uJ"): ("drift", DRIFT_FROM),
    ("stepping", "average_uA"): ("step", CURRENT_STEP_AT),
    ("stepping", "energy_median_uJ"): ("step", CURRENT_STEP_AT),
    ("stepping", "energy_max_uJ"): ("step", CURRENT_STEP_AT),
    ("slower", "cycles_min"): ("step", STEP_AT),
    ("slower", "cycles_median"): ("step", STEP_AT),
    ("slower", "cycles_max"): ("step", STEP_AT),
    ("slower", "flash_bytes"): ("step", STEP_AT),
}
"""Kind and night of each change, by board and figure."""


@dataclass
class Told:
    """What was said.

    Attributes:
        outlook: on the last night.
        first: night on which each planted change was told first, by board, figure and case.
        wrong: what was told of a board and figure that nothing happened to, on any night.
        quarantined: night on which each board went into quarantine.
        codes: exit code of each night.
        board_codes: of each board, night by night.
        not_counted: nights on which a board failed in quarantine.
        red: boards that made nights red, with the nights.
    """

    outlook: Outlook | None = None
    first: dict[tuple[str, str, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    quarantined: dict[str, int] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    board_codes: dict[str, list[int]] = field(default_factory=dict)
    not_counted: dict[str, list[int]] = field(default_factory=dict)
    red: dict[str, list[int]] = field(default_factory=dict)


def make_lab(seed: int, *, healthy: int = 6) -> Lab:
    """The lab of the planted changes, a flaky board, one whose firmware breaks, one that goes, and healthy ones."""
    rng = np.random.default_rng(seed)
    flaky = rng.random(NIGHTS) < 0.5
    boards = (
        LabBoard("drifting", current=lambda night: 1 + 0.006 * max(0, night - DRIFT_FROM + 1)),
        LabBoard("stepping", current=lambda night: 1.06 if night >= CURRENT_STEP_AT else 1.0),
        LabBoard(
            "slower",
            cycles=lambda night: 1.02 if night >= STEP_AT else 1.0,
            flash=lambda night: 96 if night >= STEP_AT else 0,
        ),
        LabBoard("flaky", fails=lambda night: "rig" if night >= FLAKY_FROM and flaky[night] else ""),
        LabBoard("broken", fails=lambda night: "numeric" if night >= BROKEN_FROM else ""),
        LabBoard("gone", fails=lambda night: "rig" if night >= GONE_FROM else ""),
        LabBoard("upgraded", compiler=lambda night: f"arm-none-eabi-gcc {'13.3' if night >= COMPILER_AT else '12.2'}"),
        *(LabBoard(f"healthy-{number}") for number in range(healthy)),
    )
    return Lab(boards, rng)


def run_nights(lab: Lab, folder: Path, nights: int = NIGHTS) -> Told:
    """Every night: the boards run, the history grows, it is looked at, flaky boards go into the quarantine file."""
    told = Told()
    history, file = folder / "history.jsonl", folder / "quarantine.yaml"
    for night in range(nights):
        time = time_of(night)
        quarantine = load_quarantine(file, time.date()) if file.exists() else Quarantine()
        runs = lab.night(night, quarantine)
        append(history, [entry for run in runs for entry in entries_of(run.results, time, f"{night:040x}")])
        told.outlook = look_back(load_history(history, time).entries, quarantine, time.date())
        told.codes.append(exit_code(runs))
        for run in runs:
            told.board_codes.setdefault(run.board, []).append(run.code or 0)
            if run.code == 1:
                told.red.setdefault(run.board, []).append(night)
            if any(test["outcome"] == "quarantined" for test in run.results["tests"]):
                told.not_counted.setdefault(run.board, []).append(night)
        _note(told, night)
        add_quarantined(file, [proposal.entry for proposal in told.outlook.proposals])
    return told


def _note(told: Told, night: int) -> None:
    assert told.outlook is not None
    for row, change in told.outlook.changes:
        board = row.entries[-1].board
        key = (board, row.figure.name)
        if key in PLANTED:
            told.first.setdefault((*key, row.entries[-1].case), night)
        else:
            told.wrong.append(f"night {night}: {row.words(change)}")
    for proposal in told.outlook.proposals:
        told.quarantined.setdefault(proposal.flaky.board, night)
        if proposal.flaky.board != "flaky":
            told.wrong.append(f"night {night}: {proposal.words}")


@dataclass(frozen=True)
class Found:
    """A planted change, and what the last night says of it."""

    board: str
    figure: str
    case: str
    kind: str
    began: int
    said: str
    said_began: int | None
    first_told: int | None

    @property
    def holds(self) -> bool:
        """Whether it was told as what it is, with the night it began."""
        off = None if self.said_began is None else abs(self.said_began - self.began)
        return self.said == self.kind and off is not None and off <= (DRIFT_NIGHTS_OFF if self.kind == "drift" else 0)


def compare(told: Told) -> list[Found]:
    """Every planted change of every case beside what the last night says."""
    assert told.outlook is not None
    found = []
    for row in told.outlook.rows:
        last = row.entries[-1]
        planted = PLANTED.get((last.board, row.figure.name))
        if planted is None:
            continue
        said = ", ".join(change.kind for change in row.changes) or "nothing"
        began = (row.entries[row.changes[0].began].time - time_of(0)).days if row.changes else None
        first = told.first.get((last.board, row.figure.name, last.case))
        found.append(Found(last.board, row.figure.name, last.case, *planted, said, began, first))
    return found
