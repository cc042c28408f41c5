"""Thirty nights of a made-up lab through the code that real nights go through, and what should be said of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hil.nightly.entries import entries_of_run
from hil.nightly.history import append, load_history
from hil.nightly.night import QUARANTINE, look_back
from hil.nightly.verdict import excuse, exit_code
from hil.quarantine import Quarantine, add_quarantined, load_quarantine
from tests.nightly.lab import NO_END, Lab, LabBoard, time_of

if TYPE_CHECKING:
    from pathlib import Path

    from hil.nightly.night import Outlook

NIGHTS = 30
DRIFT_FROM, STEP_AT, CURRENT_STEP_AT, FLAKY_FROM, BROKEN_FROM, GONE_FROM, COMPILER_AT = 12, 18, 14, 8, 21, 24, 15
FLAKY = {"flaky", "hanging"}
"""Boards that had better be in quarantine: one whose probe comes and goes, one whose runs have no end."""
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


RED = {
    "broken": set(range(BROKEN_FROM, NIGHTS)),
    "hung": {night for night in range(NIGHTS) if night >= FLAKY_FROM and night // 3 % 2},
}
"""Nights whose firmware is bad: from one night on, or in every other commit, where it hangs."""


@dataclass
class Told:
    """What was said.

    Attributes:
        outlook: on the last night.
        first: night on which each planted change was told first, by board, figure and case.
        wrong: what was told of a board and figure that nothing happened to, on any night.
        quarantined: nights on which each board went into quarantine, or was put there again.
        codes: exit code of each night.
        board_codes: of a night of each board alone, night by night.
        not_counted: nights on which a board failed in quarantine, or had no end.
        red: boards that made nights red, with the nights.
        no_end: boards whose runs had to be ended while they were in no quarantine, with the nights.
    """

    outlook: Outlook | None = None
    first: dict[tuple[str, str, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    quarantined: dict[str, list[int]] = field(default_factory=dict)
    codes: list[int] = field(default_factory=list)
    board_codes: dict[str, list[int]] = field(default_factory=dict)
    not_counted: dict[str, list[int]] = field(default_factory=dict)
    red: dict[str, list[int]] = field(default_factory=dict)
    no_end: dict[str, list[int]] = field(default_factory=dict)

    @property
    def ended(self) -> dict[str, set[int]]:
        """Nights that are red for a quarantine that ended the day before: one each time, as it is renewed at once."""
        return {board: {night + QUARANTINE.days + 1 for night in nights} for board, nights in self.quarantined.items()}

    @property
    def red_without_cause(self) -> list[str]:
        """Nights that a board made red with neither bad firmware, nor a run without an end, nor an ended quarantine."""
        wrong = []
        for board, nights in self.red.items():
            due = RED.get(board, set()) | set(self.no_end.get(board, ())) | self.ended.get(board, set())
            wrong += [f"night {night} is red for {board}" for night in nights if night not in due]
        due_nights = {night for nights in self.red.values() for night in nights}
        return wrong + [
            f"night {night} ended with {code}"
            for night, code in enumerate(self.codes)
            if (code == 1) != (night in due_nights)
        ]


def make_lab(seed: int, *, healthy: int = 6) -> Lab:
    """The lab of the planted changes, two flaky boards, two with bad firmware, one that goes, and healthy ones."""
    rng = np.random.default_rng(seed)
    flaky = rng.random(NIGHTS) < 0.5
    own = np.random.default_rng([seed, 1])
    hanging = own.random(NIGHTS) < 0.5
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
        LabBoard("hanging", fails=lambda night: NO_END if night >= FLAKY_FROM and hanging[night] else "", rng=own),
        LabBoard("hung", fails=lambda night: "link" if night in RED["hung"] else "", rng=own),
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
        for run in runs:
            append(history, entries_of_run(run, quarantine, time, f"{night:040x}"))
        told.outlook = look_back(load_history(history, time).entries, quarantine, time.date())
        told.codes.append(exit_code(runs, quarantine))
        for run in runs:
            code = exit_code([run], quarantine)
            told.board_codes.setdefault(run.board, []).append(code)
            if code == 1:
                told.red.setdefault(run.board, []).append(night)
            if run.had_to_be_ended and not excuse(run, quarantine):
                told.no_end.setdefault(run.board, []).append(night)
            if excuse(run, quarantine) or any(test["outcome"] == "quarantined" for test in run.results["tests"]):
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
        told.quarantined.setdefault(proposal.flaky.board, []).append(night)
        if proposal.flaky.board not in FLAKY:
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
