"""Files written whole: whoever reads one meanwhile, or after a crash, finds all of it or what was there before."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hil.errors import InputError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file as a whole, making its folder; a link to it stays one.

    Raises:
        InputError: it cannot be written.
    """
    try:
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
        raise InputError(
            f"{path} cannot be written", cause=error.strerror, hint="name a file in a folder of yours"
        ) from error
