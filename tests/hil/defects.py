"""Defects of the firmware's sources, planted in a copy of them, and whether a run of that copy is red."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.build import build_on
from hil.build_plan import plan_build
from hil.errors import LinkError, TargetFault
from tests.host_c import REPO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact

BOARD = "microbit"


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
        board: that they are for, by default `BOARD`.
        link: that they talk over.
    """

    def __init__(self, folder: Path, board: Board | None = None, link: str = "uart") -> None:
        self.root = folder / "firmware"
        self.cache = folder / "cache"
        self._objects = folder / "objects"
        self._board = board or load_board(BOARD)
        self._link = link
        shutil.copytree(REPO / "firmware", self.root, ignore=shutil.ignore_patterns("build"))

    @contextmanager
    def planted(self, defect: Defect) -> Iterator[Artefact]:
        """The board's firmware with a defect, where `hil.build.build` finds it; HIL_CACHE_DIR must be `cache`."""
        path = self.root / defect.file
        right = path.read_text()
        defect.plant(self.root)
        try:
            artefact = build_on(plan_build(self._board, link=self._link, firmware_root=self.root), self._objects)
            try:
                yield artefact
            finally:
                shutil.rmtree(artefact.elf.parent)
        finally:
            path.write_text(right)  # with a new date, so that it is compiled again

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
