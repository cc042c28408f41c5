"""The twin's engine, compiled once for each content of its sources."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.cycles.library import HEADERS, TRACKER, compiled
from hil.cycles.library import SOURCES as COUNTER

if TYPE_CHECKING:
    from collections.abc import Sequence

_HERE: Final = Path(__file__).parent
_C: Final[Sequence[str]] = ("engine.c", "code.c", "exception.c", "access.c", "watch.c", "count.c", "stall.c")
_HEADERS: Final[Sequence[str]] = ("engine.h", "engine_internal.h", "stall.h")


def engine_path() -> Path:
    """The engine as a shared library, built unless it is in the cache.

    Raises:
        RigError: there is no host compiler, or it fails.
    """
    return compiled(
        "twin",
        [*(COUNTER / name for name in TRACKER), *(_HERE / name for name in _C)],
        headers=[*(COUNTER / name for name in HEADERS), *(_HERE / name for name in _HEADERS)],
    )
