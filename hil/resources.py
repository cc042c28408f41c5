"""Where the files that ship with hil are, in a checkout or inside the installed package, and where built ones go.

And what of the shell that starts hil reaches the tools that build them.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

_PACKAGE = Path(__file__).resolve().parent
_INHERITED = ("PATH", "HOME", "TMPDIR")


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


def tool_environment() -> dict[str, str]:
    """All that a compiler, a linker or CMake may know of the shell: where programs and temporary files are.

    They read dozens of other variables (CFLAGS, CMAKE_BUILD_TYPE, CPATH, SOURCE_DATE_EPOCH, ...), each of which could
    change a program without changing the key that it is cached by.
    """
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"LC_ALL": "C"}
