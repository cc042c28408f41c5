"""Entries of a history as tests want them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hil.nightly.entry import Entry, Place

FIRST = dt.datetime(2026, 3, 1, 3, tzinfo=dt.UTC)
PLACE = Place(backend="hardware", emulated=False, compiler="gcc 12", cycles="SysTick", energy="measured: PPK2")


def entry(night: int = 0, **changes: Any) -> Entry:
    """One night of a board and a case that passed, with other fields as given."""
    fields: dict[str, Any] = {
        "time": FIRST + dt.timedelta(days=night),
        "board": "desk",
        "file": "bridge.hil.yaml",
        "case": "bridge",
        "vectors": "bridge",
        "outcome": "passed",
        "firmware": "00ff",
        "image": "abc",
        "place": PLACE,
        "figures": {"cycles_median": 6436.0},
    }
    return Entry(**fields | changes)
