"""The pty of an emulated board, used as people use a serial port: through pyserial, opened, closed, left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import serial

from hil.board import load_board
from hil.emulator.power import PoweredBoard, power
from tests.contract.tiny_firmware import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAIN = bytes(each for each in range(256) if each not in b"FL")  # what the firmware only echoes


@pytest.fixture(params=["microbit", "nucleo-l031"])
def powered(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoweredBoard]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    firmware = build(tmp_path, board=request.param)
    with power(load_board(request.param)) as board:
        board.machine.set_flash_image(firmware.flash_image())
        board.machine.reset(halt=False)
        while board.machine.read_memory(firmware.symbols["ready"], 4) != b"\x0d\x60\0\0":
            pass  # what arrives before a UART is ready may be lost
        yield board


def echoed(data: bytes) -> bytes:
    return bytes(each ^ 0x20 for each in data)


def opened(board: PoweredBoard) -> serial.Serial:
    return serial.Serial(board.serial_path, 115200, timeout=10, write_timeout=10)


def test_every_byte_value_passes_both_ways(powered: PoweredBoard) -> None:
    with opened(powered) as port:
        port.write(PLAIN)
        assert port.read(len(PLAIN)) == echoed(PLAIN)


def test_it_can_be_opened_again_and_again(powered: PoweredBoard) -> None:
    for number in range(20):
        with opened(powered) as port:
            data = b"round %d" % number
            port.write(data)
            assert port.read(len(data)) == echoed(data)


def test_a_long_stream_arrives_whole_and_in_order(powered: PoweredBoard) -> None:
    data = b"".join(b"%06d\n" % number for number in range(6000))
    answer = b""
    with opened(powered) as port:
        for at in range(0, len(data), 1000):
            port.write(data[at : at + 1000])
            answer += port.read(port.in_waiting)
        answer += port.read(len(data) - len(answer))
    assert answer == echoed(data)


def test_what_nobody_reads_is_dropped_and_the_board_goes_on(powered: PoweredBoard) -> None:
    lines = [b"%07d\n" % number for number in range(18_000)]
    with opened(powered) as port:
        for at in range(0, len(lines), 100):
            port.write(b"".join(lines[at : at + 100]))
        port.write(b"end!\n")
        answer = b""
        while not answer.endswith(echoed(b"end!\n")):
            part = port.read(max(port.in_waiting, 1))
            assert part, "the last line did not come"
            answer += part
    assert answer.endswith(echoed(lines[-1] + b"end!\n"))
    assert len(answer) < 140_000  # of 144,000: the kernel keeps some 64 KB of a pty, hil as much


def test_a_halted_core_makes_the_writer_wait_and_loses_nothing(powered: PoweredBoard) -> None:
    data = PLAIN * 2
    with opened(powered) as port:
        powered.machine.halt()
        port.write(data)
        assert powered.machine.status().state.value == "halted"
        assert port.in_waiting == 0
        powered.machine.resume()
        assert port.read(len(data)) == echoed(data)


def test_what_was_sent_before_a_reset_does_not_reach_the_firmware_after_it(powered: PoweredBoard) -> None:
    with opened(powered) as port:
        powered.machine.halt()
        port.write(b"old" * 1000)
        powered.machine.reset(halt=False)
        port.write(b"new")
        assert port.read(3) == b"NEW"


def test_bytes_that_come_before_the_uart_is_ready_are_not_stuck(powered: PoweredBoard) -> None:
    with opened(powered) as port:
        powered.machine.reset(halt=True)
        port.write(b"early")
        powered.machine.resume()
        assert port.read(5) == b"EARLY"
