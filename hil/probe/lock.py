"""One run at a time on a debug probe: a lock of the kernel on a file for each probe, with a record of who holds it.

Two programs on one ST-LINK disturb each other in ways that look like defects of the firmware. The lock holds between
users of this computer as well. A holder that is killed frees it: it is the kernel's, and the record counts for nothing
without it.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import stat
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from hil.errors import RigError
from hil.file_lock import lock_holder, take_lock

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_WAIT_S: Final = 60.0
LOCKS: Final = Path("/run/lock")
ANYWHERE: Final = Path("/tmp")  # noqa: S108 - not $TMPDIR: all users and runs must come to the same folder

_PREFIX: Final = "hil-probe-"
_RECORD_BYTES: Final = 4096
_PLAIN: Final = re.compile(r"[^0-9A-Za-z.-]")
_WORDS: Final = 60


@dataclass(frozen=True)
class Patience:
    """What to do while another run has the probe.

    Attributes:
        wait_s: how long to wait for it, in seconds; 0 to fail at once.
        tell: told, in a sentence, that a wait begins.
    """

    wait_s: float = DEFAULT_WAIT_S
    tell: Callable[[str], None] = lambda _sentence: None


IMPATIENT: Final = Patience(wait_s=0.0)


class ProbeBusyError(RigError):
    """Another run has the probe."""


@dataclass(frozen=True)
class Holder:
    """Who has a probe.

    Attributes:
        uid: of the probe.
        board: the board that it is used as; empty where that is not known.
        purpose: what for, where that is not to run something on that board.
        pid: number of the process.
        user: whose it is.
        what: its command line, shortened.
        since: when it took the probe, as seconds since 1970.
    """

    uid: str
    board: str
    pid: int
    user: str
    what: str
    since: float
    purpose: str = ""

    def __str__(self) -> str:
        at = time.strftime("%H:%M:%S", time.localtime(self.since))
        purpose = f" {self.purpose}" if self.purpose else ""
        return f"process {self.pid}{purpose} ({self.user}, since {at}: {self.what})"


class ProbeLock:
    """A probe that no other run can take. A context manager.

    Args:
        uid: of the probe.
        board: the board that it is used as, for the record; empty where that is not known.
        patience: what to do while another run has it.
        purpose: for the record as well, see `Holder`.

    Raises:
        ProbeBusyError: another run has it, and had it to the end of the wait.
        RigError: the lock's file cannot be made.
    """

    def __init__(self, uid: str, board: str, patience: Patience, purpose: str = "") -> None:
        self._descriptor = _open(lock_path(uid))
        try:
            self._take(uid, board, patience, purpose)
        except BaseException:
            self.release()
            raise

    def _take(self, uid: str, board: str, patience: Patience, purpose: str) -> None:
        told = False
        which = f"probe {uid} of board '{board}'" if board else f"probe {uid}"

        def wait_on(pid: int | None) -> bool:
            nonlocal told
            if not told and pid != os.getpid():
                told = True
                who = _holder(self._descriptor, pid)
                patience.tell(
                    f"{which} is in use by {_words(who, pid)}; waiting for it, for at most {patience.wait_s:g} s"
                )
            return pid != os.getpid()

        if not take_lock(self._descriptor, patience.wait_s, wait_on):
            pid = lock_holder(self._descriptor)
            waited = f" and was for {patience.wait_s:g} s" if told else ""
            raise ProbeBusyError(
                f"{which} is in use by {_words(_holder(self._descriptor, pid), pid)}{waited}",
                hint="wait for it longer with --wait SECONDS, name another board's probe with --probe, or end it",
            )
        what = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
        what = what if len(what) <= _WORDS else f"{what[:_WORDS]}…"
        record = Holder(uid, board, os.getpid(), _user(), what, time.time(), purpose)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(asdict(record)).encode(), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let other runs have the probe; may be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def keep_over_exec(self) -> None:
        """Keep it for the program that this process becomes."""
        os.set_inheritable(self._descriptor, True)


def lock_path(uid: str) -> Path:
    """The file of a probe's lock: in $HIL_LOCK_DIR, else where this computer keeps locks, for all users."""
    return _folder() / f"{_PREFIX}{_PLAIN.sub('_', uid)}.lock"


def holder_of(uid: str) -> Holder | None:
    """Who has a probe now; None where nobody has, or where nobody can tell who."""
    with suppress(OSError):
        descriptor = os.open(lock_path(uid), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return _holder(descriptor, lock_holder(descriptor))
        finally:
            os.close(descriptor)
    return None


def all_holders() -> list[Holder]:
    """Who has which probes of this computer now."""
    found = []
    for path in sorted(_folder().glob(f"{_PREFIX}*.lock")):
        uid = path.stem.removeprefix(_PREFIX)
        holder = holder_of(uid)
        if holder is not None:
            found.append(holder)
    return found


def _holder(descriptor: int, pid: int | None) -> Holder | None:
    """The record of the lock's holder; None where it is another's, who has ended, or none yet."""
    if pid is None:
        return None
    try:
        holder = Holder(**json.loads(os.pread(descriptor, _RECORD_BYTES, 0)))
    except (ValueError, TypeError):
        return None
    return holder if holder.pid == pid else None


def _words(holder: Holder | None, pid: int | None) -> str:
    if holder is not None:
        return str(holder)
    return f"process {pid}" if pid else "another process"


def _folder() -> Path:
    chosen = os.environ.get("HIL_LOCK_DIR")
    if chosen:
        return Path(chosen)
    with suppress(OSError):
        if LOCKS.stat().st_mode & stat.S_IWOTH:
            return LOCKS
    return ANYWHERE


def _open(path: Path) -> int:
    """The lock's file, writable for every user; the kernel refuses to create it anew where another user has it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(descriptor, 0o666)  # whatever the umask
            return descriptor
        return os.open(path, flags)
    except OSError as error:
        raise RigError(
            f"the lock of a probe cannot be made: {path}",
            cause=error.strerror,
            hint="set HIL_LOCK_DIR to a folder that all who use the probe can write to",
        ) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
