"""The quarantine list (a YAML file of the user's): boards and cases whose failures are shown, and do not count."""

from __future__ import annotations

import datetime as dt
import io
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hil.board import board_label, board_names
from hil.errors import InputError
from hil.nearest import offer
from hil.whole_file import write_whole
from hil.yaml_file import load_yaml, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KIND = "quarantine file"

Words = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quarantined(_Strict):
    """A board, or one case on it, whose failures do not count from ``since`` to ``until``, both days included."""

    board: Words
    case: Words | None = None
    reason: Words
    since: dt.date
    until: dt.date

    @field_validator("reason", mode="after")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty: say why its failures do not count")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _in_order(self) -> Quarantined:
        if self.until < self.since:
            raise ValueError(f"until {self.until} is before since {self.since}")
        return self

    @property
    def who(self) -> str:
        """``nucleo-l031``, or ``nucleo-l031/bridge``."""
        return self.board if self.case is None else f"{self.board}/{self.case}"

    @property
    def words(self) -> str:
        """Why and for how long, in words."""
        return f"{self.who} is in quarantine from {self.since} to {self.until}: {self.reason}"

    def covers(self, board: str, case: str | None) -> bool:
        """Whether it is about this case on this board; None is all of the board's."""
        return self.board == board and self.case in {None, case}

    def holds(self, today: dt.date) -> bool:
        """Whether a day is one of its own."""
        return self.since <= today <= self.until


class _File(_Strict):
    """``quarantine:`` and its entries."""

    quarantine: tuple[Quarantined, ...]


@dataclass(frozen=True)
class Quarantine:
    """What is in quarantine on one day.

    Attributes:
        entries: those that hold today, or will later.
        expired: those that ended and that no entry of today stands for; they excuse nothing. A sentence each, with the
            line of the file.
        today: that day.
    """

    entries: tuple[Quarantined, ...] = ()
    expired: tuple[Expired, ...] = ()
    today: dt.date = dt.date.min

    def find(self, board: str, case: str | None = None) -> Quarantined | None:
        """The entry that covers a case on a board today, or all of the board; one about the case goes first."""
        found = [each for each in self.entries if each.covers(board, case) and each.holds(self.today)]
        return max(found, key=lambda each: each.case is not None, default=None)

    def expired_for(self, boards: Iterable[str]) -> list[str]:
        """Sentences about the entries of these boards that ended."""
        names = set(boards)
        return [each.sentence for each in self.expired if each.entry.board in names]


@dataclass(frozen=True)
class Expired:
    """An entry that ended, and the sentence about it."""

    entry: Quarantined
    sentence: str


def load_quarantine(path: Path, today: dt.date) -> Quarantine:
    """Read a quarantine file for a day.

    Raises:
        InputError: naming the file, the line and the key.
    """
    entries = load_yaml(path, _File, _KIND).quarantine
    held = tuple(each for each in entries if each.until >= today)
    expired = tuple(
        Expired(each, _sentence(path, number, each))
        for number, each in enumerate(entries)
        if each.until < today and Quarantine(held, today=today).find(each.board, each.case) is None
    )
    return Quarantine(held, expired, today)


def check_boards(path: Path, given: Iterable[str]) -> None:
    """See that each board of a quarantine file is one: ships with hil, is given, or has its file beside a given one.

    Args:
        path: the file.
        given: the boards of a run, as ``--board`` takes them.

    Raises:
        InputError: naming the file, the line and the key of the first that is none, with the nearest one.
    """
    boards = list(given)
    known = {*board_names(), *map(board_label, boards)}
    beside = {Path(each).parent for each in boards if each != board_label(each)}
    for number, entry in enumerate(load_yaml(path, _File, _KIND).quarantine):
        if entry.board not in known and not any((folder / f"{entry.board}.yaml").is_file() for folder in beside):
            place = place_of(path, _KIND, ("quarantine", number, "board"))
            raise InputError(
                f"{place}: there is no board '{entry.board}'", hint=offer(entry.board, sorted(known), "boards")
            )


def unmatched_cases(path: Path, today: dt.date, ran: Iterable[tuple[str, str]]) -> list[str]:
    """Sentences about entries of today whose board took part, and whose case none of its tests is of.

    Args:
        path: the quarantine file.
        today: the day.
        ran: board and case of each test.
    """
    cases: dict[str, set[str]] = {}
    for board, case in ran:
        cases.setdefault(board, set()).add(case)
    told = []
    for number, entry in enumerate(load_yaml(path, _File, _KIND).quarantine):
        if entry.case is None or not entry.holds(today) or entry.case in cases.get(entry.board, {entry.case}):
            continue
        place = place_of(path, _KIND, ("quarantine", number, "case"))
        known = offer(entry.case, sorted(cases[entry.board]), "cases")
        told.append(f"{place}: no test on {entry.board} was of a case '{entry.case}'; {known}")
    return told


def add_quarantined(path: Path, fresh: Sequence[Quarantined]) -> None:
    """Put entries into a quarantine file, made where there is none; what people wrote in it stays as it is.

    An entry takes the place of one of the same board and case that ended before; else it goes to the end.

    Raises:
        InputError: the file is damaged, or cannot be written.
    """
    if not fresh:
        return
    text = quarantine_text(())
    if path.exists():
        load_yaml(path, _File, _KIND)
        text = path.read_text(encoding="utf-8")
    for entry in fresh:
        text = _with(text, entry)
    write_whole(path, text.encode())


def _with(text: str, fresh: Quarantined) -> str:
    """The text of a quarantine file with one more entry, or with one renewed."""
    there = _entries(text)
    ended = [number for number, each in enumerate(there) if _renews(fresh, each)]
    if ended:
        renewed = _renewed(text, ended[-1], fresh)
        wanted = (*there[: ended[-1]], fresh, *there[ended[-1] + 1 :])
        return renewed if _entries(renewed) == wanted else quarantine_text(wanted)
    items, indent = YAML(typ="rt").load(text)["quarantine"], 2
    if there and not items.fa.flow_style():
        indent = items.lc.item(0)[1] - len("- ")
    else:  # `[...]` on a line of its own has no end to write behind
        text = quarantine_text(there)
    ended_line = text if text.endswith("\n") else f"{text}\n"
    return ended_line + _text([fresh], indent)


def _renews(fresh: Quarantined, old: Quarantined) -> bool:
    return (old.board, old.case) == (fresh.board, fresh.case) and old.until < fresh.since


def _renewed(text: str, number: int, fresh: Quarantined) -> str:
    """The text with another reason and other days in one entry, and with all else as it is written."""
    items = next(value for key, value in YAML(typ="rt").compose(text).value if key.value == "quarantine")
    nodes = {key.value: value for key, value in items.value[number].value}
    values = {
        "reason": json.dumps(fresh.reason, ensure_ascii=False),
        "since": fresh.since.isoformat(),
        "until": fresh.until.isoformat(),
    }
    for name in sorted(values, key=lambda name: nodes[name].start_mark.index, reverse=True):
        begin, end = nodes[name].start_mark.index, nodes[name].end_mark.index
        block = "\n" if text[begin:end].endswith("\n") else ""  # a text of several lines ends with its last one's end
        text = text[:begin] + values[name] + block + text[end:]
    return text


def _entries(text: str) -> tuple[Quarantined, ...]:
    """Of the text of a file that is known to be one; none where it is none."""
    try:
        return _File.model_validate(YAML(typ="safe").load(text)).quarantine
    except (YAMLError, ValidationError):
        return ()


def quarantine_text(entries: Sequence[Quarantined]) -> str:
    """A file with these entries."""
    return f"quarantine:\n{_text(entries, 2)}"


def _text(entries: Sequence[Quarantined], indent: int) -> str:
    """Entries as lines of a list."""
    if not entries:
        return ""
    yaml, text = YAML(typ="rt"), io.StringIO()
    yaml.width = 1000
    yaml.dump([each.model_dump(exclude_none=True) for each in entries], text)
    return textwrap.indent(text.getvalue(), " " * indent)


def _sentence(path: Path, number: int, entry: Quarantined) -> str:
    place = place_of(path, _KIND, ("quarantine", number, "until"))
    error = InputError(
        f"{place}: the quarantine of {entry.who} ({entry.reason}) ended on {entry.until}, its failures count again",
        hint="mend the board and take the entry out, or give it a later day",
    )
    return str(error)
