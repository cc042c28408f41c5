"""Where the files that ship with hil are, in a checkout or inside the installed package, and where built ones go."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def boards_dir() -> Path:
    """Folder of the board descriptions, one YAML file a board."""
    return _find("boards")


def own_boards_dirs() -> list[Path]:
    """Folders of the user's own board descriptions: $HIL_BOARDS, separated as $PATH is."""
    return [Path(each) for each in os.environ.get("HIL_BOARDS", "").split(os.pathsep) if each]


def firmware_dir() -> Path:
    """Folder of the C sources: ``ltc/``, ``agent/``, ``port/`` and their CMake files."""
    return _find("firmware")


def examples_dir() -> Path:
    """Folder of the examples: ``networks/`` holds the reference networks with their vectors."""
    return _find("examples")


def cache_dir() -> Path:
    """Where what was built is kept: $HIL_CACHE_DIR, else the user's cache folder."""
    return Path(os.environ.get("HIL_CACHE_DIR") or user_cache_dir("hil"))
