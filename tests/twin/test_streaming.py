"""A stream at 115,200 baud keeps the wire or the core busy, whichever has more to do: in virtual time, so always alike.

`python -m tests.twin.bench_streaming` measures all public cases.
"""

from __future__ import annotations

import pytest

from tests.twin import streaming_spi
from tests.twin.streaming import FLOOR, measure


@pytest.mark.parametrize(
    ("name", "steps", "binds"),
    [
        ("tiny_dense", 200, "from the board"),
        ("unfold1", 200, "from the board"),
        ("ncp19_lane", 200, "to the board"),
        ("basicmotions_missing", 40 * 40, "from the board"),  # 40 short sequences
    ],
)
def test_what_binds_works_all_the_time(name: str, steps: int, binds: str) -> None:
    streaming = measure(name)
    assert streaming.steps == steps
    assert streaming.repairs == 0
    assert streaming.binds == binds
    assert streaming.efficiency >= FLOOR, streaming
    assert streaming.steps_s < streaming.core_s
    assert max(streaming.shares.values()) <= 1


@pytest.mark.parametrize("clock_hz", [1_000_000, 8_000_000])
def test_over_spi_too(clock_hz: int) -> None:
    streaming = streaming_spi.measure("unfold1", clock_hz)
    assert streaming.repairs == 0
    assert streaming.efficiency >= FLOOR, streaming
    assert max(streaming.shares.values()) <= 1
