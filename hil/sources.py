"""Which files go into a firmware: all but a few, so that one of a new kind cannot be forgotten and leave it stale."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDERS_APART = {"bench", "build", "port", "reference"}  # of other programs; CMake's output; taken by name; floats
_FILES_APART = {"CMakePresets.json", "port.yaml"}  # which hil reads, and no compiler
_SUFFIXES_APART = {".md", ".orig", ".rej"}
_PORT = re.compile(r"\bport/([A-Za-z0-9_][\w.-]*)/")


def firmware_sources(root: Path, port: str) -> list[Path]:
    """The files under ``root`` that a build may read, in order.

    Left out are what is never compiled (documents, hidden files, editors' leftovers) and the folders of ports that this
    one does not name in its CMake files: they would only make its firmware look stale.

    Args:
        root: folder of sources, laid out as firmware/.
        port: folder under port/.

    Raises:
        OSError: the folder cannot be read.
    """
    tops = [path for path in sorted(root.iterdir()) if path.name not in _FOLDERS_APART]
    tops += [path for path in (root / "port").iterdir() if path.is_file()]
    tops += [root / "port" / name for name in _ports(root, port)]
    return sorted(file for top in tops for file in _files(top))


def _ports(root: Path, port: str) -> list[str]:
    """The port and whatever ports it includes, directly or through another."""
    names = [port]
    for name in names:  # grows while it is walked
        for script in sorted((root / "port" / name).rglob("*.cmake")):
            found = _PORT.findall(script.read_text(encoding="utf-8", errors="replace"))
            names += [each for each in dict.fromkeys(found) if each not in names]
    return names


def _files(top: Path) -> Iterator[Path]:
    for path in top.rglob("*") if top.is_dir() else (top,):
        hidden = any(part.startswith(".") for part in path.relative_to(top.parent).parts)
        apart = path.name in _FILES_APART or path.suffix in _SUFFIXES_APART or path.name.endswith("~")
        if path.is_file() and not hidden and not apart:
            yield path
