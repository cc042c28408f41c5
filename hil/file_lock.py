"""The kernel's lock on an open file: it ends with the process that holds it, so that it is never stale."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_RETRY_S: Final = 0.01
_LOCKED_BY: Final = 4
_FILE: Final = 5


def take_lock(descriptor: int, wait_s: float, worth_it: Callable[[int | None], bool] = lambda _holder: True) -> bool:
    """Lock an open file; the lock lasts until the last copy of the descriptor is closed.

    Args:
        descriptor: of the file.
        wait_s: how long to wait for another holder to end, in seconds.
        worth_it: told who holds it; false ends the wait.

    Returns:
        Whether it is locked now.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline or not worth_it(lock_holder(descriptor)):
                return False
            time.sleep(_RETRY_S)  # the kernel has no way to wait for a lock with a time-out
        else:
            return True


def lock_holder(descriptor: int) -> int | None:
    """Process number of who holds the lock on this file, as far as the kernel tells."""
    inode = str(os.fstat(descriptor).st_ino)
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for fields in (line.split() for line in locks):
        if "FLOCK" in fields and "->" not in fields and fields[_FILE].rpartition(":")[2] == inode:
            return int(fields[_LOCKED_BY])
    return None


def is_gone(process: int | None) -> bool:
    """Whether a process has ended; of one that nobody can name, its lock will tell."""
    return process is None or not Path(f"/proc/{process}").exists()
