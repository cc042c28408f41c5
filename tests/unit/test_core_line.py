"""The line into QEMU's core against a scripted qtest at the other end of a socket pair."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from hil.emulator.gdb.gdb_rsp import GdbClosedError
from hil.emulator.machine import MachineError
from hil.emulator.qemu.core_line import CoreLine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[CoreLine, socket.socket]]:
    near, far = socket.socketpair()
    line = CoreLine(near)
    yield line, far
    line.close()
    far.close()


def test_line_is_raised_and_then_left_to_the_nvic(ends: tuple[CoreLine, socket.socket]) -> None:
    line, qtest = ends
    qtest.sendall(b"OK\n")
    with line.up():
        assert qtest.recv(100) == b"set_irq_in /machine/nrf51/armv6m/cpu unnamed-gpio-in 0 1\n"
        qtest.sendall(b"OK\n")
    assert qtest.recv(100) == b"writel 0xe000e100 0x0\n"


def test_line_that_the_emulator_does_not_know(ends: tuple[CoreLine, socket.socket]) -> None:
    line, qtest = ends
    qtest.sendall(b"FAIL Unknown device\n")
    with pytest.raises(MachineError, match="answered 'FAIL Unknown device' to 'set_irq_in"), line.up():
        pass


def test_emulator_that_has_ended(ends: tuple[CoreLine, socket.socket]) -> None:
    line, qtest = ends
    qtest.close()
    with pytest.raises(GdbClosedError, match="qtest connection"), line.up():
        pass
