"""Defects of the firmware's sources, planted in a copy of them, and whether a run of that copy is red."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.build import _compile, _load, _plan, _record, _store
from hil.errors import LinkError, TargetFault
from tests.host_c import REPO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hil.build import Artefact

BOARD, LINK = "microbit", "uart"


@dataclass(frozen=True)
class Defect:
    """One edit of one source file."""

    name: str
    file: str
    right: str
    wrong: str

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def plant(self, root: Path) -> None:
        """Make the edit in a copy of firmware/."""
        path = root / self.file
        source = path.read_text()
        assert source.count(self.right) == 1, f"{self.right!r} is {source.count(self.right)} times in {self.file}"
        path.write_text(source.replace(self.right, self.wrong))


class Workshop:
    """A copy of firmware/ with one defect after another, each built on from the objects of the one before.

    Args:
        folder: for the copy, its objects and the cache that its builds go to.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "firmware"
        self.cache = folder / "cache"
        self._objects = folder / "objects"
        shutil.copytree(REPO / "firmware", self.root)

    @contextmanager
    def planted(self, defect: Defect) -> Iterator[Artefact]:
        """The firmware of `BOARD` with a defect, where :func:`hil.build.build` finds it; the cache must be this one."""
        path = self.root / defect.file
        right = path.read_text()
        defect.plant(self.root)
        try:
            artefact = self._built()
            try:
                yield artefact
            finally:
                shutil.rmtree(artefact.elf.parent)
        finally:
            path.write_text(right)  # with a new date, so that it is compiled again

    def _built(self) -> Artefact:
        """What `hil.build.build` does, but for the objects that are there already."""
        plan = _plan(load_board(BOARD), LINK, {}, self.root)
        place = self.cache / "build" / f"{BOARD}-{plan.key}"
        place.parent.mkdir(parents=True, exist_ok=True)
        _compile(plan, self._objects, None)
        _store(self._objects, place, _record(self._objects, plan))
        artefact = _load(place)
        assert artefact is not None
        return artefact

    def catches(self, defect: Defect, differs: Callable[[Path], bool]) -> bool:
        """Whether the run is red in any way: a bit differs, or the link or the target's own checks object.

        Args:
            defect: what is planted.
            differs: runs a folder of sources; true where a bit differs.
        """
        with self.planted(defect):
            try:
                return differs(self.root)
            except (LinkError, TargetFault):
                return True
