"""A stream at 115,200 baud keeps the wire or the core busy, whichever has more to do: in virtual time, so always alike.

`python -m tests.twin.bench_streaming` measures all public cases.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hil.resources import firmware_dir
from tests.hil.defects import Defect
from tests.twin import streaming_spi
from tests.twin.streaming import FLOOR, MOST_CYCLES_A_BYTE, measure

if TYPE_CHECKING:
    from pathlib import Path

SLOW = Defect(
    "slow ring",
    "port/spi/spi_link.c",
    "        ring[head++ % SPI_RING_BYTES] = data[i];\n",
    "        ring[head++ % SPI_RING_BYTES] = data[i];\n        for (volatile uint32_t n = 0; n < 20u; n++) {}\n",
)


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
    assert streaming.cycles_a_byte <= MOST_CYCLES_A_BYTE
    assert max(streaming.shares.values()) <= 1


@pytest.mark.parametrize("clock_hz", [1_000_000, 8_000_000])
def test_over_spi_too(clock_hz: int) -> None:
    streaming = streaming_spi.measure("unfold1", clock_hz)
    assert streaming.repairs == 0
    assert streaming.efficiency >= FLOOR, streaming
    assert streaming.cycles_a_byte <= streaming_spi.MOST_CYCLES_A_BYTE
    assert max(streaming.shares.values()) <= 1


def test_a_slow_link_is_seen_though_it_keeps_the_core_busy(tmp_path: Path) -> None:
    root = tmp_path / "firmware"
    shutil.copytree(firmware_dir(), root)
    SLOW.plant(root)
    streaming = streaming_spi.measure("tiny_dense", 8_000_000, firmware_root=root)
    assert streaming.efficiency >= FLOOR
    assert streaming.cycles_a_byte > streaming_spi.MOST_CYCLES_A_BYTE
