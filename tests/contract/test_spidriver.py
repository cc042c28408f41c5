"""The simulated SPIDriver through the instrument's own Python package, over its pty; and as it is alone."""

from __future__ import annotations

import binascii
import os
import random
import re
import signal
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spidriver import SPIDriver

from hil.board import load_board
from hil.emulator.power import PoweredBoard, power
from hil.emulator.spi_pins import SpiPins
from hil.emulator.spidriver import SCK_HZ, SpiDriver
from tests.contract.keeper import printed_when_powered
from tests.contract.spi_board import run
from tests.twin.echoing import ASLEEP, BLOCK, BUSY, FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Bus:
    """Answers each byte with its complement, and keeps what happens."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.held_s: float | None = None

    def select(self, *, on: bool) -> None:
        self.log.append(on)

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        self.log.append((data, clock_hz, mode))
        self.held_s = held_s
        return bytes(each ^ 0xFF for each in data)

    def data_ready(self) -> bool:
        return False


def complement(data: bytes) -> bytes:
    return bytes(each ^ 0xFF for each in data)


# Alone


def fresh() -> tuple[SpiDriver, Bus]:
    bus = Bus()
    return SpiDriver(bus), bus


def test_a_transaction() -> None:
    driver, bus = fresh()
    assert driver.feed(b"s\x82abcu") == complement(b"abc")
    assert bus.log == [True, (b"abc", SCK_HZ, 0), False]


def test_chip_select_is_held_for_what_comes_over_the_serial_line() -> None:
    driver, bus = fresh()
    for commands, held in ((b"s\x80a", 2), (b"\x80a", None), (b"us\x80a", 2), (b"ussse1\x80a", 6), (b"u\x80a", None)):
        driver.feed(commands)
        assert bus.held_s == (None if held is None else pytest.approx(held * 10 / 460_800))


def test_a_write_is_not_answered() -> None:
    driver, bus = fresh()
    assert driver.feed(b"\xffx" + bytes(62)) == b""
    assert bus.log == []
    assert driver.feed(b"ye1") == b"1"
    assert bus.log == [(b"x" + bytes(62) + b"y", SCK_HZ, 0)]


@pytest.mark.parametrize("mode", range(4))
def test_modes(mode: int) -> None:
    driver, bus = fresh()
    driver.feed(bytes([ord("m"), mode, 0x80, 7]))
    assert bus.log == [(b"\7", SCK_HZ, mode)]


def test_detaching_releases_chip_select() -> None:
    driver, bus = fresh()
    driver.feed(b"sx")
    assert bus.log == [True, False]


def test_status() -> None:
    bus = Bus()
    driver = SpiDriver(bus, lambda: 61.9)
    assert driver.feed(b"?") == b"[spidriver2 HILTWIN1 000000061 5.000 0 25.0 1 1 1 ffff 0".ljust(79) + b"]"
    driver.feed(b"a\0b\1s\xc1xy\x80zm\3")
    crc = binascii.crc_hqx(b"xyz" + complement(b"z"), 0xFFFF)
    fields = f"[spidriver2 HILTWIN1 000000061 5.000 0 25.0 0 1 0 {crc:04x} 3"
    assert driver.feed(b"?") == fields.ljust(79).encode() + b"]"


def test_what_is_no_command_is_ignored_and_ends_one_that_was_cut_off() -> None:
    driver, bus = fresh()
    assert driver.feed(b"\xbf123" + b"@" * 64 + b"\x00\x7fe!").endswith(b"!")
    assert len(bus.log) == 1


@given(st.lists(st.binary(min_size=1, max_size=64), max_size=8), st.data())
def test_how_the_bytes_arrive_makes_no_difference(blocks: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"s" + bytes([0x80 + len(each) - 1]) + each + b"u?e\x55" for each in blocks)
    whole = SpiDriver(Bus()).feed(stream)
    driver, answers = SpiDriver(Bus()), b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        answers += driver.feed(stream[:size])
        stream = stream[size:]
    assert answers == whole


# Through the package


@pytest.fixture(params=[ASLEEP, BUSY], ids=["asleep", "busy"])
def powered(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoweredBoard]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(load_board("nucleo-l031")) as board:
        run(board, request.param)
        with SpiPins(board.spi_pins) as pins:
            while not pins.data_ready():
                pass
        yield board


@pytest.fixture
def driver(powered: PoweredBoard) -> Iterator[SPIDriver]:
    found = SPIDriver(powered.spi_path)
    yield found
    found.ser.close()


def exchange(driver: SPIDriver, data: bytes) -> bytes:
    driver.sel()
    heard = bytes(driver.writeread(data))
    driver.unsel()
    return heard


def test_the_package_talks_to_the_board(driver: SPIDriver) -> None:
    blocks = [random.Random(n).randbytes(BLOCK) for n in range(50)]
    assert [exchange(driver, each) for each in blocks] == [FIRST, *blocks[:-1]]
    driver.getstatus()
    assert (driver.product, driver.cs, driver.mode) == ("spidriver2", 1, 0)
    driver.sel()
    driver.getstatus()
    assert driver.cs == 0


def test_its_read_and_its_write(driver: SPIDriver) -> None:
    driver.sel()
    driver.write(bytes(range(100, 100 + BLOCK)))
    driver.unsel()
    driver.sel()
    assert bytes(driver.read(BLOCK)) == bytes(range(100, 100 + BLOCK))
    driver.unsel()


def test_what_is_longer_than_its_buffer_goes_in_pieces(driver: SPIDriver) -> None:
    heard = exchange(driver, bytes(252))
    assert len(heard) == 252
    assert heard[:BLOCK] == FIRST


def test_another_mode(powered: PoweredBoard, driver: SPIDriver) -> None:
    driver.setmode(3)
    assert exchange(driver, bytes(BLOCK)) == b"\xff" * BLOCK
    assert "the master clocks in mode 3" in "".join(powered.machine.status().noticed)
    driver.setmode(0)
    assert exchange(driver, bytes(BLOCK)) == FIRST


def test_it_is_opened_again_and_again(powered: PoweredBoard) -> None:
    for n in range(10):
        found = SPIDriver(powered.spi_path)
        assert exchange(found, bytes([n]) * BLOCK) == (bytes([n - 1]) * BLOCK if n else FIRST)
        found.ser.close()


def test_a_board_without_power(powered: PoweredBoard, driver: SPIDriver) -> None:
    powered.machine.power_off()
    assert exchange(driver, bytes(BLOCK)) == b"\xff" * BLOCK


def test_a_host_that_does_not_read_stops_it_but_not_the_board(powered: PoweredBoard) -> None:
    port = os.open(powered.spi_path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    written = full = 0
    while full < 20:
        try:
            written += os.write(port, b"?" * 1000)
            full = 0
        except BlockingIOError:
            full += 1
            powered.machine.status()  # the supervisor has had time to take some
    assert written < 100_000
    os.set_blocking(port, True)
    answers = b""
    while len(answers) < 80 * written:
        answers += os.read(port, 65536)
    assert answers.count(b"[spidriver2 HILTWIN1 ") == written
    os.close(port)


def test_an_answer_is_not_waited_for(powered: PoweredBoard, driver: SPIDriver) -> None:
    """A transaction takes no longer than over the supervisor's socket, or a few times that."""

    def over_socket() -> None:
        pins.select(on=True)
        pins.transfer(bytes(BLOCK), SCK_HZ, 0)
        pins.select(on=False)

    def taken(transaction: Callable[[], object]) -> float:
        start = time.monotonic()
        transaction()
        return time.monotonic() - start

    with SpiPins(powered.spi_pins) as pins:
        usual = median(taken(over_socket) for _ in range(50))
    assert median(taken(lambda: exchange(driver, bytes(BLOCK))) for _ in range(50)) < 4 * usual


def test_emulate_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    command = [sys.executable, "-m", "hil", "emulate", "nucleo-l031"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(
                r"^  SPI +simulated SPIDriver on (/dev/pts/\d+)$", printed_when_powered(process), re.MULTILINE
            )
            assert found
            driver = SPIDriver(found[1])
            assert driver.product == "spidriver2"
            driver.ser.close()
        finally:
            process.send_signal(signal.SIGINT)


def test_a_board_without_spi_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(load_board("microbit")) as board:
        assert board.spi_path == ""
