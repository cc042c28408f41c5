"""The activity of a chip, asked of its emulator in this process and through a supervisor: told, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.emulator.activity_log import ActivityLog
from hil.emulator.machine import MachineError
from hil.energy.activity import State
from tests.contract.emulated import PLACE_IDS, PLACES, Bench
from tests.contract.tiny_firmware import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=PLACES, ids=PLACE_IDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    board, make = request.param
    with make(board, tmp_path / "state") as (machine, uart_fd):
        bench = Bench(machine, uart_fd, build(tmp_path, board=board.name), board)
        bench.load()
        yield bench


def test_the_twin_tells_what_its_chip_does_and_qemu_that_it_cannot(bench: Bench) -> None:
    log = ActivityLog(bench.machine)
    if bench.board.backend == "qemu":
        with pytest.raises(MachineError, match=r"QEMU does not tell what the chip of board microbit does"):
            log.begin()
        with pytest.raises(MachineError, match="QEMU does not tell"):
            log.read_on()
        return
    log.begin()
    before = bench.word("counter")
    bench.until(lambda: bench.word("counter") > before + 100)
    log.read_on()
    bench.until(lambda: bench.word("counter") > before + 200)
    spans = log.end()
    assert all(span.activity.state is State.RUN for span in spans)
    assert spans.edges_s[-1] > spans.edges_s[0] > 0
    assert not spans.marker.any()
    assert spans[0].activity.oscillators == ({"MSI"} if bench.board.name == "nucleo-l031" else {"HFCLK RC"})
    with pytest.raises(MachineError, match="is not recorded"):
        log.read_on()


def test_a_power_cut_ends_the_record(bench: Bench) -> None:
    if bench.board.backend == "qemu":
        return
    log = ActivityLog(bench.machine)
    log.begin()
    bench.machine.power_off()
    with pytest.raises(MachineError, match="has no power"):
        log.read_on()
    bench.machine.power_on()
    with pytest.raises(MachineError, match="is not recorded"):
        log.read_on()
