"""The Python that has labgrid: this one, or another that `HIL_LABGRID_PYTHON` names.

Another, because labgrid brings its own edition of pyserial and a pytest plugin, which not everybody wants beside hil.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Final

from hil.errors import InputError, RigError

VARIABLE: Final = "HIL_LABGRID_PYTHON"
_ASK: Final = "from importlib.metadata import version; print(version('labgrid'))"
_ASK_S: Final = 20


def labgrid_python() -> str:
    """Path of the Python that has labgrid.

    Raises:
        InputError: the one that the environment names is not there.
        RigError: there is none.
    """
    if named := os.environ.get(VARIABLE):
        if found := shutil.which(named):
            return found
        raise InputError(f"there is no Python {named}", hint=f"{VARIABLE} names it")
    if find_spec("labgrid") is None:
        raise RigError(
            "labgrid is not installed, by which the boards of a farm are held",
            hint=f"pip install 'hil-ltc[farm]'; or have {VARIABLE} name a Python that has it",
        )
    return sys.executable


def labgrid_version() -> str:
    """Which labgrid that Python has.

    Raises:
        InputError: the Python that the environment names is not there.
        RigError: there is none, or it has no labgrid.
    """
    python = labgrid_python()
    command = [python, "-P", "-c", _ASK]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{python} does not run", cause=str(error), hint=f"{VARIABLE} names it") from error
    if done.returncode:
        raise RigError(f"{python} has no labgrid", hint=f"{python} -m pip install labgrid")
    return done.stdout.strip()
