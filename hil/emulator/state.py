"""Where emulated boards keep what survives them."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def state_dir() -> Path:
    """The directory of the flash files: ``HIL_STATE_DIR``, or hil's folder in the user's state directory."""
    chosen = os.environ.get("HIL_STATE_DIR")
    return Path(chosen).absolute() if chosen else Path(platformdirs.user_state_dir("hil"))
