"""Which version of an emulator is installed."""

from __future__ import annotations

import re
import subprocess

from hil.emulator.qemu_process import PROGRAM
from hil.errors import RigError

_TIMEOUT_S = 20


def emulator_version(backend: str) -> str:
    """Version of the emulator behind a backend, e.g. ``7.2.22``; empty for a backend that has none of its own.

    Raises:
        RigError: it is not installed, or does not run.
    """
    if backend != "qemu":
        return ""
    try:
        done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except FileNotFoundError as error:
        raise RigError(f"{PROGRAM} is not installed", hint="sudo apt-get install --yes qemu-system-arm") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{PROGRAM} does not run", cause=str(error)) from error
    found = re.search(r"version (\S+)", done.stdout)
    return found[1] if found else "of unknown version"
