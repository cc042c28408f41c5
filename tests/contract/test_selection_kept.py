"""What is selected of a board that something keeps powered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.options import DutOptions
from hil.dut.selection import select
from hil.emulator.power import power
from hil.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

MICROBIT = load_board("microbit")


@pytest.mark.parametrize("backend", ["qemu", "twin"])
def test_a_board_that_is_kept_powered_is_what_its_keeper_made_it(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(MICROBIT, backend) as board:
        assert select(MICROBIT, DutOptions(probe=board.probe_uid, port=board.serial_path)).backend == backend
        over_spi = DutOptions(link="spi", probe=board.probe_uid, port="spidriver:/dev/pts/0")
        if backend == "twin":
            assert select(MICROBIT, over_spi).backend == "twin"
            return
        with pytest.raises(InputError) as caught:
            select(MICROBIT, over_spi)
        assert "is powered with backend 'qemu', which has no link over SPI" in str(caught.value)
        assert "hil emulate microbit --backend twin" in str(caught.value)
