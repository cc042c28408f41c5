"""The firmware that a night ran, kept beside its results: program, map, build id and sizes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from hil.board import load_board
from hil.build import build
from hil.errors import HilError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

SIZE_FILE: Final = "firmware.txt"
ARTEFACT_FILES: Final = ("firmware.elf", "firmware.map", "firmware.hex", SIZE_FILE)


def keep_artefact(given: str, link: str, folder: Path, ran: Collection[str]) -> str:
    """Put a board's firmware into a folder, from the cache, where the night's run has built it.

    Args:
        given: the board, as ``--board`` takes it.
        link: over which the firmware talks.
        folder: where to.
        ran: build ids of the firmware that the run's results are of; empty where it has none.

    Returns:
        Its build id and sizes in words; or why there is none.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        artefact = build(load_board(given), link=link)
    except HilError as error:
        return f"no firmware of board '{given}' is kept: {error.message}"
    if ran and artefact.build_id not in ran:
        return (
            f"no firmware of board '{given}' is kept: its sources were changed meanwhile; "
            f"{', '.join(sorted(ran))} ran, and they make {artefact.build_id} now"
        )
    words = artefact.size_report()
    try:
        for path in (artefact.elf, artefact.map, artefact.hex):
            if path is not None:
                shutil.copy(path, folder / path.name.replace("agent", "firmware"))
        (folder / SIZE_FILE).write_text(f"{words}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written", cause=error.strerror) from error
    return words
