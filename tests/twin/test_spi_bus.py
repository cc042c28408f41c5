"""The twin's SPI bus, as the supervisor and its clients use it: a transfer runs the chip."""

from __future__ import annotations

import dataclasses
import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from hil.emulator.machine import CoreState, HaltReason, MachineError
from hil.emulator.twin.machine import TwinMachine
from tests.twin.echoing import ASLEEP, BLOCK, BUSY, FIRST
from tests.twin.local_board import SPEC
from tests.twin.snippets import assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.spi_bus import TwinBus
    from hil.emulator.twin.stm32l031.part import Stm32l031

HZ = 500_000
assert SPEC.spi is not None
WIRING = SPEC.spi
ONES = b"\xff" * BLOCK


class Local:
    """A machine in this process, whose time passes in `settle` and on its bus."""

    def __init__(self, code: str, wiring: SpiWiring | None = WIRING) -> None:
        self.machine = TwinMachine(dataclasses.replace(SPEC, spi=wiring), lambda _: None)
        image = assemble(code)
        self.machine.set_flash_image(image + bytes(SPEC.flash_bytes - len(image)))
        self.machine.power_on()

    @property
    def bus(self) -> TwinBus:
        assert self.machine.spi is not None
        return self.machine.spi

    @property
    def chip(self) -> Stm32l031:
        assert self.machine._chip is not None
        return self.machine._chip

    def settle(self) -> None:
        self.machine.poll()

    def exchange(self, data: bytes, hz: int = HZ, mode: int = 0) -> bytes:
        self.bus.select(on=True)
        heard = self.bus.transfer(data, hz, mode)
        self.bus.select(on=False)
        return heard


@pytest.fixture(params=[ASLEEP, BUSY], ids=["asleep", "busy"])
def local(request: pytest.FixtureRequest) -> Iterator[Local]:
    found = Local(request.param)
    yield found
    found.machine.close()


def test_blocks_back_to_back(local: Local) -> None:
    """Nobody lets the chip run between two of them."""
    local.settle()
    blocks = [random.Random(n).randbytes(BLOCK) for n in range(30)]
    assert [local.exchange(each) for each in blocks] == [FIRST, *blocks[:-1]]
    assert not local.machine.status().noticed


def test_a_block_in_pieces(local: Local) -> None:
    local.settle()
    local.bus.select(on=True)
    heard = b""
    for n in range(BLOCK):
        heard += local.bus.transfer(bytes([n ^ 0x5A]), HZ, 0)
        local.settle()
    local.bus.select(on=False)
    assert heard == FIRST
    assert local.exchange(bytes(BLOCK)) == bytes(n ^ 0x5A for n in range(BLOCK))


def test_data_ready_falls_at_the_end_and_rises_when_the_next_block_is_armed(local: Local) -> None:
    assert not local.bus.data_ready(), "before the firmware has set it up"
    local.settle()
    assert local.bus.data_ready()
    local.exchange(bytes(BLOCK))
    levels = []
    chip = local.chip
    chip.ports["B"].on_output.append(lambda _cycle, _old, new: levels.append(bool(new & 2)))
    local.settle()
    assert levels == [False, True]
    assert local.bus.data_ready()


def test_a_transfer_takes_its_time_and_no_more(local: Local) -> None:
    local.settle()
    local.bus.select(on=True)
    start = local.chip.seconds()
    local.bus.transfer(bytes(100), HZ, 0)
    assert 0 <= local.chip.cycles(local.chip.seconds() - start - Fraction(800, HZ)) <= 8
    start = local.chip.seconds()
    local.bus.select(on=False)
    assert local.chip.seconds() == start


def test_the_board_has_time_between_two_transactions() -> None:
    local = Local(BUSY)
    local.settle()
    local.exchange(bytes(BLOCK))
    start = local.chip.seconds()
    local.bus.select(on=True)
    assert local.chip.seconds() - start == pytest.approx(400e-6, abs=1e-5)
    local.bus.select(on=False)
    local.settle()
    start = local.chip.seconds()
    local.bus.select(on=True)
    assert local.chip.seconds() == start, "it has had more than that"
    local.machine.close()


def test_without_power_and_halted_ones_come_back_and_data_ready_is_low(local: Local) -> None:
    local.settle()
    local.machine.halt()
    start = local.chip.seconds()
    assert local.exchange(bytes(BLOCK)) == ONES
    assert not local.bus.data_ready()
    assert local.chip.seconds() == start
    local.machine.resume()
    local.settle()
    assert local.bus.data_ready()
    assert local.exchange(bytes(BLOCK)) == FIRST, "it has heard nothing of that"
    local.machine.power_off()
    assert local.exchange(bytes(BLOCK)) == ONES
    assert not local.bus.data_ready()
    local.machine.power_on()
    local.settle()
    assert local.exchange(bytes(BLOCK)) == FIRST


def test_chip_select_is_held_over_a_power_cycle(local: Local) -> None:
    local.bus.select(on=True)
    local.machine.power_off()
    local.machine.power_on()
    local.settle()
    assert local.bus.transfer(bytes(BLOCK), HZ, 0) == FIRST


def test_a_breakpoint_in_mid_transfer_ends_what_the_board_drives() -> None:
    local = Local(BUSY)
    local.settle()
    local.bus.select(on=True)
    heard = local.bus.transfer(bytes(4), HZ, 0)
    local.machine.set_debug(enabled=True)
    local.machine.set_breakpoint(local.chip.core.read_register("pc") & ~1)
    heard += local.bus.transfer(bytes(12), HZ, 0)
    assert heard[:4] == FIRST[:4]
    assert heard[5:] == ONES[5:]
    status = local.machine.status()
    assert (status.state, status.reason) == (CoreState.HALTED, HaltReason.BREAKPOINT)
    local.machine.close()


def test_firmware_that_fails_in_mid_transfer_says_so() -> None:
    """It waits for the first byte, then uses what the twin has not."""
    fails = "ldr r0, =0x40020020; 1: ldr r1, [r0]; cmp r1, #16; beq 1b; put 0x40005400, 1"
    local = Local(ASLEEP.replace("1: wfi\nb 1b", fails))
    local.settle()
    assert local.exchange(bytes(BLOCK))[2:] == ONES[2:]
    assert "writes a register of I2C1, which the twin does not model" in local.machine.status().detail
    local.machine.close()


def test_a_reset_in_mid_transaction(local: Local) -> None:
    local.settle()
    local.bus.select(on=True)
    assert local.bus.transfer(bytes(4), HZ, 0) == FIRST[:4]
    local.machine.reset(halt=False)
    assert local.bus.transfer(bytes(1), HZ, 0) == b"\xff"
    local.settle()
    local.bus.select(on=False)
    local.settle()
    assert local.exchange(bytes(BLOCK)) == FIRST


@pytest.mark.parametrize("mode", [1, 2, 3])
def test_a_master_in_another_mode_is_noticed(local: Local, mode: int) -> None:
    local.settle()
    assert local.exchange(bytes(BLOCK), mode=mode) == ONES
    assert f"the master clocks in mode {mode}, SPI1 is set to mode 0" in "".join(local.machine.status().noticed)


@pytest.mark.parametrize(
    ("size", "hz", "mode"), [(4097, HZ, 0), (1, 9_999, 0), (1, 64_000_001, 0), (1, HZ, 4), (1, HZ, -1)]
)
def test_what_the_bus_cannot_do(local: Local, size: int, hz: int, mode: int) -> None:
    with pytest.raises(MachineError, match=f"no transfer of {size} bytes at {hz} Hz in mode {mode}"):
        local.bus.transfer(bytes(size), hz, mode)


@pytest.mark.parametrize(
    ("wiring", "words"),
    [
        (dataclasses.replace(WIRING, nss="PB1"), "SPI1_NSS is on PA4, PA15, not on PB1"),
        (dataclasses.replace(WIRING, data_ready="P0.20"), "the part has no pin 'P0.20'"),
        (dataclasses.replace(WIRING, data_ready="PB16"), "the part has no pin 'PB16'"),
    ],
)
def test_wires_that_end_nowhere(wiring: SpiWiring, words: str) -> None:
    with pytest.raises(MachineError, match="cannot be connected") as caught:
        Local(ASLEEP, wiring)
    assert caught.value.cause == words


def test_without_a_line_data_ready_is_low_and_without_wiring_there_is_no_bus() -> None:
    local = Local(ASLEEP, dataclasses.replace(WIRING, data_ready=""))
    local.settle()
    assert not local.bus.data_ready()
    assert local.exchange(bytes(BLOCK)) == FIRST
    local.machine.close()
    local = Local(ASLEEP, None)
    assert local.machine.spi is None
    local.settle()
    local.machine.close()
