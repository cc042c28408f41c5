"""Runs pytest with the twin's engine built under sanitizers: ``python sanitized.py FOLDER PYTEST-ARGUMENT…``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.cycles.library import compile_shared
from hil.emulator.twin import library

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS: Final = ("-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def main(folder: Path, arguments: Sequence[str]) -> int:
    """Exit code of pytest."""
    place = folder / "sanitized.so"

    def compiled(_name: str, sources: Sequence[Path], **_: Any) -> Path:
        if not place.exists():
            compile_shared(place, sources, flags=FLAGS)
        return place

    library.compiled = compiled
    return int(pytest.main(list(arguments)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
