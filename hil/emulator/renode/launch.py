"""Where Renode is, what starts it, and what it says of itself. It is installed by nothing of hil."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError
from hil.errors import RigError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE: Final = "HIL_RENODE"
_NAME: Final = "renode"
_TIMEOUT_S: Final = 60

GUARD: Final = (
    'exec 3<&0; ("$@" <&3 3<&-; kill -s KILL -- -$$) & exec >/dev/null 2>&1; '
    'read -r _; rm -rf -- "$0"; kill -s KILL -- -$$'
)
"""What a shell runs that leads a session of its own: Renode, and whatever its launcher starts, end together, at the
latest when nobody holds the other end of standard input any more, and then their folder goes as well. (A launcher that
is a shell script has a child that no signal to it reaches.) Renode must have an input: at its end it would spin."""


def program() -> str:
    """Path of Renode's launcher: what ``HIL_RENODE`` names, or ``renode`` on PATH.

    Raises:
        MachineError: there is none.
    """
    named = os.environ.get(VARIABLE)
    found = shutil.which(named or _NAME)
    if found is None:
        what = f"there is no program '{named}', which {VARIABLE} names" if named else "Renode is not installed"
        raise MachineError(
            what,
            hint=f"install Renode 1.15.3, with 'renode' on PATH or named in {VARIABLE}; or take another backend",
        )
    return found


def command(launcher: str, folder: Path) -> list[str]:
    """What starts Renode in a folder of its own: without windows, its monitor on standard input and output."""
    options = ("--disable-xwt", "--console", "--plain", "--config", str(folder / "config"), str(folder / "board.resc"))
    return ["/bin/sh", "-c", GUARD, str(folder), launcher, *options]


def environment(folder: Path) -> dict[str, str]:
    """Its environment: what it and its runtime write stays in its folder."""
    places = dict.fromkeys(("TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(folder))
    return {**os.environ, **places}


def version() -> str:
    """Its version, e.g. ``1.15.3.39226``.

    Raises:
        RigError: it is not installed, or does not run.
    """
    launcher = program()
    try:
        done = subprocess.run(
            [launcher, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{launcher} does not run", cause=str(error)) from error
    return version_in(done.stdout)


def version_in(text: str) -> str:
    """The version in what ``renode --version`` prints."""
    found = re.search(r"\bRenode\D*?v?(\d+(?:\.\d+)+)", text)
    return found[1] if found else "of unknown version"
