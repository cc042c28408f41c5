"""The host's C compiler: one that is installed, or the one that PyPI has."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import Final

from hil.errors import RigError

INSTALLED = ("gcc", "cc", "clang")
"""Names of compilers, the first choice first."""

HINT: Final = "sudo apt-get install --yes gcc libc6-dev; or, without root: pip install 'hil-ltc[compiler]'"


def host_compiler() -> list[str]:
    """How to call it.

    Raises:
        RigError: there is none.
    """
    for name in INSTALLED:
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise RigError(
        f"the twin and the counting of cycles need the host's C compiler, and {INSTALLED[0]} is not installed",
        hint=HINT,
    )
