"""Defects of the firmware's sources, planted in a copy of them, and whether a run of that copy is red."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.errors import LinkError, TargetFault
from tests.host_c import REPO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


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

    def is_caught(self, folder: Path, monkeypatch: pytest.MonkeyPatch, differs: Callable[[Path], bool]) -> bool:
        """Whether the run is red in any way: a bit differs, or the link or the target's own checks object.

        Args:
            folder: for the copy, its builds and its boards.
            monkeypatch: of the test.
            differs: runs a folder of sources; true where a bit differs.
        """
        root = folder / "firmware"
        shutil.copytree(REPO / "firmware", root)
        self.plant(root)
        monkeypatch.setenv("HIL_CACHE_DIR", str(folder / "cache"))
        monkeypatch.setenv("HIL_STATE_DIR", str(folder / "state"))
        try:
            return differs(root)
        except (LinkError, TargetFault):
            return True
