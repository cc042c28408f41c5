"""Which commit the working directory is at, by git; a night works without."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S: Final = 30.0


def commit_of(folder: Path) -> str:
    """The commit, with ``+`` behind it where tracked files differ from it; empty where there is none, or no git."""
    commit = _ask(folder, "rev-parse", "HEAD")
    changed = _ask(folder, "status", "--porcelain", "--untracked-files=no") if commit else ""
    return f"{commit}+" if changed else commit


def _ask(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - as the shell finds it
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
