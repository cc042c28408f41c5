"""Public cases over every bridge; `python -m tests.contract.bench_spi_bridges` runs all of them to their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.spi_cases import over, run
from tests.cycles.cases import public_cases
from tests.instruments.attached import KINDS
from tests.instruments.spidev_machine import build_shim

if TYPE_CHECKING:
    from pathlib import Path

SHORT = [name for name in public_cases() if not name.endswith(("_test", "_missing"))]  # one recording each


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_is_equal_and_nothing_is_tried_again(tmp_path: Path, kind: str) -> None:
    assert len(SHORT) > 8
    with over(kind, build_shim(tmp_path)) as dut:
        results = {name: run(dut, name) for name in SHORT}
        assert dut.provenance.noticed == ()
    assert {name: result.retries for name, result in results.items() if result.retries} == {}
