"""Files written whole: whoever reads one meanwhile, or after a crash, finds all of it or what was there before."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from hil.errors import InputError

_OWN_FOLDER: Final = "name a file in a folder of yours"


def write_whole(path: Path, data: bytes, *, kind: str = "", hint: str | None = _OWN_FOLDER) -> None:
    """Write a file as a whole, making its folder; a link to it stays one, a pipe or a terminal is written to.

    Args:
        path: the file.
        data: all of it.
        kind: what it is, for the error: ``golden file``.
        hint: what to do where it cannot be written.

    Raises:
        InputError: it cannot be written.
    """
    try:
        if _is_special(path):
            path.write_bytes(data)
            return
        place = path.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=f".{place.name}-", delete=False) as file:
            new = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                new.chmod(0o644)
                new.replace(place)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(f"{kind} {path} cannot be written".lstrip(), cause=error.strerror, hint=hint) from error


def check_writable(path: Path) -> None:
    """Make the folder of a file, and see that it can be written there; what is there stays.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_special(path):
            with tempfile.TemporaryFile(dir=path.resolve().parent):
                pass
    except OSError as error:
        raise _unwritable(path, error) from error


def forget_file(path: Path) -> None:
    """Remove a file; a link to it stays, and so does what is no file.

    Raises:
        InputError: it cannot be removed.
    """
    try:
        if path.is_file():
            path.resolve().unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _is_special(path: Path) -> bool:
    """Whether it is written as it is: a pipe or a terminal, which nothing can take the place of."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be written", cause=error.strerror, hint=_OWN_FOLDER)
