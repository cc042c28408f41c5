"""Goldens of one kind that a run records: gathered from its items, shown beside the old ones, then written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from hil.dut.options import LINKS
from hil.errors import HilError
from hil.golden_file import Goldens, Platform, Strict, write_golden
from hil.promise import judge
from hil.report.terminal import table

if TYPE_CHECKING:
    from pathlib import Path

    from hil.case import Case
    from hil.result import RunResult

Recorded = TypeVar("Recorded", bound=Strict)
_WITH_GOLDEN = ("cycles", "current", "energy")


@dataclass
class _Fresh(Generic[Recorded]):
    """What one case's golden gets on one platform."""

    case: Case
    recordings: dict[str, Recorded] = field(default_factory=dict)


class Book(ABC, Generic[Recorded]):
    """Gathers recordings, and writes them when the run has ended.

    Attributes:
        headings: of the table of what changes.
    """

    headings: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self._fresh: dict[tuple[Path, Platform], _Fresh[Recorded]] = {}

    @abstractmethod
    def path(self, case: Path) -> Path:
        """Where the golden of a case file is."""

    def name(self, vectors: str, link: str) -> str:
        """What the recording of vectors over a link is called; the same for every link where it depends on none."""
        del link
        return vectors

    @abstractmethod
    def load(self, path: Path) -> Goldens[Recorded]:
        """Read one."""

    @abstractmethod
    def is_same(self, old: Recorded, now: Recorded) -> bool:
        """Whether nothing but its provenance would change."""

    @abstractmethod
    def change(self, old: Recorded | None, now: Recorded) -> tuple[str, ...]:
        """Cells of the table: before, now, and what became of it."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        return not self._fresh

    def keep(self, case: Case, vectors: str, result: RunResult, now: Recorded) -> None:
        """Take a recording.

        Raises:
            InputError: the golden that is there is damaged.
        """
        path, platform = self.path(case.path), Platform.of(result.provenance)
        self.load(path)
        name = self.name(vectors, result.provenance.link)
        self._fresh.setdefault((path, platform), _Fresh(case)).recordings[name] = now

    def lines(self) -> list[str]:
        """A table of what will change, old and new; empty where nothing was taken."""
        rows = []
        for (path, platform), fresh in self._fresh.items():
            there = self.load(path)
            for vectors, now in fresh.recordings.items():
                rows.append(
                    [fresh.case.name, platform.board, vectors, *self.change(there.find(platform, vectors), now)]
                )
        return table(self.headings, rows) if rows else []

    def write(self) -> list[str]:
        """Write every file that changes; returns a line for each.

        Raises:
            InputError: a file cannot be read or written.
        """
        said = []
        for (path, platform), fresh in self._fresh.items():
            there = self.load(path)
            changed = {
                name: now
                for name, now in fresh.recordings.items()
                if (old := there.find(platform, name)) is None or not self.is_same(old, now)
            }
            names = {self.name(vectors, link) for vectors in fresh.case.says.vectors for link in LINKS}
            golden = there.merged(platform, changed, names)
            if golden != there:
                write_golden(path, golden)
            said.append(f"{path}: {'written' if golden != there else 'unchanged'}")
        return said


def check_other_promises(case: Case, vectors: str, result: RunResult, what: str, error: type[HilError]) -> None:
    """Figures of a run that gave something wrong may be those of another computation.

    Raises:
        HilError: of the class given: another promise is broken or cannot be judged.
    """
    for promise in case.promises:
        if promise in _WITH_GOLDEN:
            continue
        try:
            judge(promise, case.says, result)
        except HilError as broken:
            raise error(
                f"the {what} of {vectors} in case {case.name} are not recorded: its promise '{promise}' does not hold",
                cause=broken.message,
                hint="have every other promise about these vectors hold first",
            ) from broken
