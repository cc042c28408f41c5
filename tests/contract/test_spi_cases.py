"""Some public cases over every bridge; `python -m tests.contract.bench_spi_bridges` runs all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.power import power
from hil.errors import LinkError, RigError
from hil.link.spi.blocks import Header, decode
from hil.link.spi.opening import open_bridge
from tests.contract.spi_cases import BOARD, over, run
from tests.instruments.attached import KINDS
from tests.instruments.spidev_machine import build_shim

if TYPE_CHECKING:
    from pathlib import Path

SOME = ("tiny_dense", "irregular", "ncp19_lane")  # a small image, steps of any length, a large image


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_is_equal_and_nothing_is_tried_again(tmp_path: Path, kind: str) -> None:
    with over(kind, build_shim(tmp_path)) as dut:
        results = {name: run(dut, name) for name in SOME}
        assert dut.provenance.noticed == ()
    assert {name: result.retries for name, result in results.items() if result.retries} == {}


def test_over_the_pins_of_a_board_that_is_kept_powered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with power(BOARD) as powered:
        port = f"pins:{powered.spi_pins}?hz=4000000"
        with open_dut(BOARD, DutOptions(probe=powered.probe_uid, port=port, link="spi")) as dut:
            assert run(dut, "tiny_dense").retries == 0
        with pytest.raises(RigError, match=r"no emulated board has its SPI pins at 'hil-spi/nobody'"):
            open_bridge("pins:hil-spi/nobody", clock_hz=1, mode=0)
        with open_bridge(port, clock_hz=8_000_000, mode=0) as bridge:
            assert bridge.clock_hz == 4_000_000
            assert decode(bridge.exchange(Header(0).encode())) is not None
            powered.close()
            with pytest.raises(LinkError, match="went away while it was in use"):
                bridge.exchange(b"\0" * 4)


@pytest.mark.parametrize("kind", ["buspirate", "ftdi", "spidev"])  # an SPIDriver is slow enough by itself
def test_a_board_that_must_be_selected_for_some_time(tmp_path: Path, kind: str) -> None:
    with over(kind, build_shim(tmp_path), load_board("microbit")) as dut:
        assert run(dut, SOME[0]).retries == 0
        assert dut.provenance.noticed == ()
