"""Which version of an emulator is installed, and whether it can count."""

from __future__ import annotations

import re
import subprocess

from hil.emulator.qemu_process import PROGRAM, not_installed
from hil.errors import RigError

_TIMEOUT_S = 20


def emulator_version(backend: str) -> str:
    """Version of the emulator behind a backend, e.g. ``7.2.22``; empty for a backend that has none of its own.

    Raises:
        RigError: it is not installed, or does not run.
    """
    if backend != "qemu":
        return ""
    found = re.search(r"version (\S+)", _answer("--version"))
    return found[1] if found else "of unknown version"


def counts_cycles(backend: str) -> bool:
    """Whether the emulator behind a backend was built with what a cycle counter needs.

    Raises:
        RigError: it is not installed, or does not run.
    """
    return backend == "qemu" and re.search(r"^-plugin\b", _answer("--help"), re.MULTILINE) is not None


def _answer(option: str) -> str:
    try:
        done = subprocess.run([PROGRAM, option], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except FileNotFoundError as error:
        raise not_installed() from error
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{PROGRAM} does not run", cause=str(error)) from error
    return done.stdout
