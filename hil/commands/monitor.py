"""``hil monitor BOARD``: a terminal on a board's serial port."""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from serial import Serial, SerialException  # type: ignore[import-untyped]
from serial.tools.miniterm import Miniterm  # type: ignore[import-untyped]

from hil.board import load_instance
from hil.commands.noticed import noticed_told
from hil.dut.board_check import check_board
from hil.dut.selection import select as select_backend
from hil.emulator import registry
from hil.emulator.power import instance_name, power
from hil.errors import InputError, RigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from hil.board import Board
    from hil.dut.options import DutOptions

_CHUNK: Final = 4096
_LEAVE: Final = "\x1d"  # Ctrl-]


def monitor(name: str, options: DutOptions, seconds: float | None, console: Console) -> None:
    """Show what a board sends and send what is typed; without a terminal, copy both ways.

    Args:
        name: the board, or its YAML file; ``microbit.2`` for the second that 'hil emulate' keeps powered.
        options: how to reach it.
        seconds: leave after so long; None for when the user says so.
        console: for what is no byte of the board.

    Raises:
        InputError: there is no such board, or it has no serial port.
        RigError: the port cannot be opened, or goes away.
    """
    if seconds is not None and not 0 < seconds < 1e6:  # noqa: PLR2004 # eleven days
        raise InputError(f"--seconds {seconds:g} is no time to wait", hint="more than 0")
    board, instance = load_instance(name)
    if board.links.uart is None or board.pyocd_target is None:
        raise InputError(f"board '{board.name}' has no serial port", hint="'hil boards' lists those that have a link")
    check_board(board)
    with _serial_port(board, instance, options, console) as (path, what), _opened(path, board.links.uart.baud) as port:
        console.print(f"{board.title} ({what}) on {path}, {board.links.uart.baud} baud")
        if sys.stdin.isatty() and sys.stdout.isatty() and seconds is None:
            console.print("leave with Ctrl-]")
            _terminal(port)
        else:
            _copy(port, seconds)


@contextmanager
def _serial_port(board: Board, instance: str, options: DutOptions, console: Console) -> Iterator[tuple[str, str]]:
    """The serial port's path, and what it belongs to; an emulated board is powered for as long as this lasts."""
    selection = select_backend(board, options)
    if selection.port is not None:
        yield selection.port, selection.reason or "attached"
        return
    found = registry.connect(instance_name(board, instance))
    if found is not None:
        machine, facts = found
        machine.close()  # the debugger's place stays free
        yield facts["serial_path"], f"{facts['backend']}, powered by another process"
        return
    with power(board, selection.backend, instance, paced=True) as powered, noticed_told(powered, console.print):
        yield powered.serial_path, powered.backend


@contextmanager
def _opened(path: str, baud: int) -> Iterator[Serial]:
    try:
        port = Serial(path, baud, timeout=0)
    except (SerialException, OSError) as error:
        raise RigError(f"serial port {path} cannot be opened", cause=str(error), hint="'hil doctor'") from error
    try:
        yield port
    except (SerialException, OSError) as error:
        raise RigError(f"serial port {path} went away", cause=str(error), hint="plug the board in again") from error
    finally:
        port.close()


def _terminal(port: Serial) -> None:
    """Pyserial's own terminal."""
    terminal = Miniterm(port, filters=())
    terminal.exit_character = _LEAVE
    terminal.set_rx_encoding("UTF-8")
    terminal.set_tx_encoding("UTF-8")
    port.timeout = None
    terminal.start()
    terminal.join(True)
    terminal.close()


def _copy(port: Serial, seconds: float | None) -> None:
    """Bytes both ways until the time is over; the end of what is typed does not end it."""
    end = None if seconds is None else time.monotonic() + seconds
    watched = [port.fileno(), sys.stdin.fileno()]
    while end is None or time.monotonic() < end:
        wait = None if end is None else max(0.0, end - time.monotonic())
        ready = select.select(watched, [], [], wait)[0]
        if port.fileno() in ready:
            sys.stdout.buffer.write(port.read(_CHUNK))
            sys.stdout.buffer.flush()
        if sys.stdin.fileno() in ready:
            data = os.read(sys.stdin.fileno(), _CHUNK)
            if data:
                port.write(data)
            else:
                watched.remove(sys.stdin.fileno())
