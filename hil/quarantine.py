"""The quarantine list (a YAML file of the user's): boards and cases whose failures are shown, and do not count."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from ruamel.yaml import YAML

from hil.errors import InputError
from hil.whole_file import write_whole
from hil.yaml_file import load_yaml, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

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

    def covers(self, board: str, case: str) -> bool:
        """Whether it is about this case on this board."""
        return self.board == board and self.case in {None, case}


class _File(_Strict):
    """``quarantine:`` and its entries."""

    quarantine: tuple[Quarantined, ...]


@dataclass(frozen=True)
class Quarantine:
    """What is in quarantine on one day.

    Attributes:
        entries: those that hold today, or will later.
        expired: those that ended, which excuse nothing; a sentence each, with the line of the file.
        today: that day.
    """

    entries: tuple[Quarantined, ...] = ()
    expired: tuple[Expired, ...] = ()
    today: dt.date = dt.date.min

    def find(self, board: str, case: str) -> Quarantined | None:
        """The entry that covers a case on a board today; one about the case goes before one about the board."""
        found = [each for each in self.entries if each.covers(board, case) and each.since <= self.today]
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
        Expired(each, _sentence(path, number, each)) for number, each in enumerate(entries) if each.until < today
    )
    return Quarantine(held, expired, today)


def add_quarantined(path: Path, fresh: Sequence[Quarantined]) -> None:
    """Put entries at the end of a quarantine file, made where there is none; what people wrote in it stays as it is.

    Raises:
        InputError: the file is damaged, or cannot be written.
    """
    if not fresh:
        return
    text, indent = quarantine_text(()), 2
    if path.exists():
        there = load_yaml(path, _File, _KIND).quarantine
        text = path.read_text(encoding="utf-8")
        items = YAML(typ="rt").load(text)["quarantine"]
        if there and not items.fa.flow_style():
            indent = items.lc.item(0)[1] - len("- ")
        else:  # `[...]` on a line of its own has no end to write behind
            text, indent = quarantine_text(there), 2
    ended = text if text.endswith("\n") else f"{text}\n"
    write_whole(path, (ended + _text(fresh, indent)).encode())


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
