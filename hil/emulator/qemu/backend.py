"""QEMU as a backend: which version is installed, whether it can count, and its machine."""

from __future__ import annotations

import re
import subprocess
from typing import Final

from hil.emulator.backend import Backend
from hil.emulator.qemu.machine import QemuMachine
from hil.emulator.qemu.process import PROGRAM, not_installed
from hil.errors import RigError

_TIMEOUT_S: Final = 20


def _version() -> str:
    found = re.search(r"version (\S+)", _answer("--version"))
    return found[1] if found else "of unknown version"


def _counts_cycles() -> bool:
    """Whether it was built with plugins."""
    return re.search(r"^-plugin\b", _answer("--help"), re.MULTILINE) is not None


def _answer(option: str) -> str:
    try:
        done = subprocess.run([PROGRAM, option], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except FileNotFoundError as error:
        raise not_installed() from error
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{PROGRAM} does not run", cause=str(error)) from error
    return done.stdout


BACKEND: Final = Backend(
    machine=QemuMachine,
    version=_version,
    counts_cycles=_counts_cycles,
    counter_name="QEMU plugin",
    counter_plugin=True,
)
