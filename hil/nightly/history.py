"""The history: a file of JSON lines, one for each night, board and case. Several runs may add to it at a time."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout
from pydantic import ValidationError

from hil.errors import InputError
from hil.nightly.entry import FORMAT, VERSION, Entry
from hil.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LOCK_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class History:
    """What a history holds.

    Attributes:
        entries: in the order of time.
        skipped: a sentence for each line that could not be used.
    """

    entries: tuple[Entry, ...] = ()
    skipped: tuple[str, ...] = ()


def load_history(path: Path, now: dt.datetime | None = None) -> History:
    """Read a history; one that is not there is empty. A line that cannot be used is told and left out.

    Args:
        path: the history.
        now: a line that is dated later by more than a day cannot be used; None for what the clock says.

    Raises:
        InputError: the file cannot be read.
    """
    now = now or dt.datetime.now(tz=dt.UTC)
    entries, skipped = [], []
    for number, line in enumerate(_read(path).split(b"\n"), start=1):
        if line.strip():
            entry, why = _entry(line, now)
            if entry is not None:
                entries.append(entry)
            else:
                skipped.append(f"history {path}, line {number} is left out: {why}")
    return History(tuple(sorted(entries, key=lambda entry: entry.time)), tuple(skipped))


def append(path: Path, entries: Iterable[Entry], *, lock_timeout_s: float = _LOCK_TIMEOUT_S) -> None:
    """Add entries to a history, all of them or none; who reads it meanwhile sees the file before or after.

    Lines that are there stay as they are, damaged ones too.

    Args:
        path: the history; made where there is none.
        entries: what to add.
        lock_timeout_s: how long to wait for others who add to it.

    Raises:
        InputError: it cannot be read or written, or others do not let go of it.
    """
    fresh = "".join(f"{json.dumps(entry.model_dump(mode='json'))}\n" for entry in entries).encode()
    place = path.resolve()
    lock = place.with_name(f".{place.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=lock_timeout_s):
            there = _read(path)
            torn = b"\n" if there and not there.endswith(b"\n") else b""
            write_whole(path, there + torn + fresh)
    except Timeout as error:
        raise InputError(
            f"history {path} is held by another run for more than {lock_timeout_s:g} s",
            hint=f"look who holds {error.lock_file}",
        ) from error
    except OSError as error:
        raise InputError(f"history {path} cannot be locked", cause=error.strerror) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"history {path} cannot be read", cause=error.strerror) from error


def _entry(line: bytes, now: dt.datetime) -> tuple[Entry | None, str]:
    """A line's entry, or why it has none."""
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError):  # bytes that are no text too
        return None, "it is not JSON, a run may have been killed while it wrote"
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None, f"it does not say that its format is '{FORMAT}'"
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        return None, f"it has version {version!r}, this hil reads versions up to {VERSION}"
    try:
        entry = Entry.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        return None, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if entry.is_ahead(now):
        return None, f"it is dated {entry.night} and now is {now.date().isoformat()}: a clock was wrong"
    return entry, ""
