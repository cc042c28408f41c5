"""The Python that has labgrid: this one, or another that `HIL_LABGRID_PYTHON` names.

Another, because labgrid brings its own edition of pyserial and a pytest plugin, which not everybody wants beside hil.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from typing import Final

from hil.errors import InputError, RigError

VARIABLE: Final = "HIL_LABGRID_PYTHON"


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
