"""The SPI pins of an emulated board over its supervisor's socket."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.machine import CoreState, MachineError
from hil.emulator.power import PoweredBoard, power
from hil.emulator.rpc import encode
from hil.emulator.spi_pins import SpiPins
from tests.contract.spi_board import run
from tests.twin.echoing import ASLEEP, BLOCK, BUSY, FIRST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HZ = 1_000_000
ONES = b"\xff" * BLOCK
KILLED = """
import sys
from hil.emulator.spi_pins import SpiPins
pins = SpiPins(sys.argv[1])
pins.select(on=True)
pins.transfer(bytes(3), 1000000, 0)
print("selected", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[ASLEEP, BUSY], ids=["asleep", "busy"])
def powered(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoweredBoard]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(load_board("nucleo-l031")) as board:
        run(board, request.param)
        yield board


def ready(pins: SpiPins) -> None:
    while not pins.data_ready():
        pass


def exchange(pins: SpiPins, data: bytes) -> bytes:
    pins.select(on=True)
    heard = pins.transfer(data, HZ, 0)
    pins.select(on=False)
    return heard


def test_blocks(powered: PoweredBoard) -> None:
    blocks = [random.Random(n).randbytes(BLOCK) for n in range(50)]
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        assert [exchange(pins, each) for each in blocks] == [FIRST, *blocks[:-1]]
    assert not powered.machine.status().noticed


def test_one_client_at_a_time(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        words = rf"^the SPI pins of emulated board 'nucleo-l031' are in use by process {os.getpid()}$"
        for _ in range(3):
            with pytest.raises(MachineError, match=words):
                SpiPins(powered.spi_pins)
        assert exchange(pins, bytes(BLOCK)) == FIRST
    for _ in range(20):
        with SpiPins(powered.spi_pins) as pins:
            assert exchange(pins, bytes(BLOCK)) == bytes(BLOCK)


def test_chip_select_is_released_when_the_client_is_killed(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
    command = [sys.executable, "-c", KILLED, powered.spi_pins]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout
        assert client.stdout.readline() == b"selected\n"
        client.send_signal(signal.SIGKILL)
        client.wait()
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        assert pins.transfer(bytes(BLOCK), HZ, 0) == ONES, "not selected"
        assert exchange(pins, bytes(BLOCK)) == bytes(3) + FIRST[3:]


def test_a_core_that_is_halted(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        powered.machine.halt()
        assert exchange(pins, bytes(BLOCK)) == ONES
        assert not pins.data_ready()
        assert powered.machine.status().state is CoreState.HALTED
        powered.machine.resume()
        ready(pins)
        assert exchange(pins, bytes(BLOCK)) == FIRST


def test_power(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        powered.machine.power_off()
        assert exchange(pins, bytes(BLOCK)) == ONES
        assert not pins.data_ready()
        powered.machine.power_on()
        ready(pins)
        assert exchange(pins, bytes(BLOCK)) == FIRST


def test_what_the_bus_cannot_do_is_told_and_harms_nothing(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        with pytest.raises(MachineError, match="no transfer of 1 bytes at 1 Hz in mode 9"):
            pins.transfer(b"\0", 1, 9)
        with pytest.raises(MachineError, match=r"not selected for 0\.2 s before it is clocked"):
            pins.transfer(b"\0", HZ, 0, held_s=0.2)
        assert exchange(pins, bytes(BLOCK)) == FIRST


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff" * 64,
        encode({"op": "reboot"}),
        encode({"op": "transfer"}, b"\0"),
        encode({"op": "select"}),
        encode({}),
        encode({"op": "transfer", "clock_hz": "fast", "mode": 0, "held_s": None}, b"\0"),
        encode({"op": "transfer", "clock_hz": HZ, "mode": 0, "held_s": "long"}, b"\0"),
    ],
)
def test_who_speaks_otherwise_is_turned_away(powered: PoweredBoard, junk: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"\0{powered.spi_pins}")
        sock.settimeout(10)
        assert sock.recv(1000)
        sock.sendall(junk)
        assert sock.recv(1000) == b""
    with SpiPins(powered.spi_pins) as pins:
        ready(pins)
        assert exchange(pins, bytes(BLOCK)) == FIRST


def test_a_board_that_is_gone_is_told(powered: PoweredBoard) -> None:
    pins = SpiPins(powered.spi_pins)
    powered.close()
    with pytest.raises(MachineError, match=r"the board with the SPI pins 'hil-spi/.*' is gone, or does not answer"):
        pins.data_ready()
    pins.close()
    with pytest.raises(MachineError, match="no emulated board has its SPI pins at 'hil-spi/"):
        SpiPins(powered.spi_pins)


def test_a_request_that_was_given_up_is_not_answered_by_another(powered: PoweredBoard) -> None:
    with SpiPins(powered.spi_pins, timeout_s=0.1) as pins:
        os.kill(powered.supervisor_pid, signal.SIGSTOP)
        try:
            with pytest.raises(MachineError, match="is gone, or does not answer"):
                pins.transfer(bytes(BLOCK), HZ, 0)
        finally:
            os.kill(powered.supervisor_pid, signal.SIGCONT)
        with pytest.raises(MachineError, match="was interrupted; connect again"):
            pins.data_ready()


def test_qemu_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(load_board("microbit")) as board:
        assert board.spi_pins == ""
    with pytest.raises(MachineError, match="has no SPI pins"):
        SpiPins("")
