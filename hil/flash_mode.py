"""When flash is written, as asked for on a command line and by a test alike."""

from __future__ import annotations

from typing import Literal, get_args

FlashMode = Literal["auto", "always", "never"]
"""``auto`` writes what differs, ``always`` writes all, ``never`` only checks."""

FLASH_MODES: tuple[FlashMode, ...] = get_args(FlashMode)
