"""``hil gdb BOARD``: a gdb server on a board, through pyOCD, and what to type or paste to use it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from typing import TYPE_CHECKING, Final

from hil.commands.console import make_console
from hil.commands.output import open_bench
from hil.dut.board_check import check_board
from hil.dut.selection import select
from hil.emulator.power import PROBE_PREFIX, power_or_connect
from hil.errors import InputError, RigError
from hil.probe.lock import Patience, ProbeLock

if TYPE_CHECKING:
    from rich.console import Console

    from hil.board import Board
    from hil.dut.options import DutOptions

_PORTS: Final = range(1024, 65536)
_OWN: Final = "PROGRAM.elf"


def serve_gdb(name: str, options: DutOptions, port: int, console: Console) -> None:
    """Flash a board's firmware where it is not there yet, and become pyOCD's gdb server on it. Does not return.

    Args:
        name: the board.
        options: how to reach it; with ``flash`` as ``never`` it is served with what its flash holds, whatever that is.
        port: TCP port of the server, on this computer alone.
        console: where to say how to connect.

    Raises:
        HilError: it cannot be built or flashed, has no probe, or the port is none, or taken.
    """
    if port not in _PORTS:
        raise InputError(f"--server-port {port} is no port for a gdb server", hint="1024 to 65535, as a rule 3333")
    with _held(port), open_bench(options, console) as bench:
        board = bench.board(name)
        target = board.pyocd_target
        if target is None:
            raise InputError(
                f"board '{board.name}' has no debug probe",
                hint="a native process: gdb PROGRAM, and 'hil build' names it",
            )
        options.check(board)
        if options.flash == "never":
            elf, uid = None, _as_it_is(board, options, console)
        else:
            dut = bench.dut(name)
            elf, uid = str(dut.artefact.elf), dut.provenance.probe
            console.print(str(dut.provenance))
            if uid.startswith(f"{PROBE_PREFIX}{board.name}."):
                console.print(_another(board, uid))
    console.print(f"gdb      gdb-multiarch -ex 'target extended-remote :{port}' {shlex.quote(elf or _OWN)}")
    console.print(f"VS Code  {_launch(board, elf or _OWN, port)}")
    console.print("stop     Ctrl-C")
    sys.stdout.flush()
    if not uid.startswith(PROBE_PREFIX):
        patience = Patience(options.probe_wait_s, make_console(stderr=True).print)
        ProbeLock(uid, board.name, patience).keep_over_exec()  # the server's to the end
    # This process becomes the server, so that there is no other to be left behind.
    command = [sys.executable, "-m", "pyocd", "gdbserver", "-u", uid, "-t", target, "--persist"]
    # Any port for semihosting, which the firmware does not use: on pyOCD's fixed one a second server could not start.
    ports = ["--port", str(port), "--telnet-port", "0"]
    symbols = ["--elf", elf] if elf else []
    os.execv(sys.executable, [*command, *ports, *symbols])  # noqa: S606 # that is the point


def _held(port: int) -> socket.socket:
    """The server's port, taken before anything is built or powered, for nobody else to take it until pyOCD does.

    Raises:
        RigError: another program has it.
    """
    held = socket.socket(socket.AF_INET)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as pyOCD: one that has just ended is no hindrance
    try:
        held.bind(("localhost", port))
        held.listen(1)
    except OSError as error:
        held.close()
        raise RigError(
            f"--server-port {port} cannot be used: another program listens there, perhaps another 'hil gdb'",
            cause=error.strerror,
            hint="name another port with --server-port, or end that program",
        ) from error
    return held


def _as_it_is(board: Board, options: DutOptions, console: Console) -> str:
    """Uid of the probe of a board that is neither built for nor written; an emulated one must be free."""
    check_board(board)
    selection = select(board, options)
    uid = selection.probe
    if uid is None:
        with power_or_connect(board, selection.backend) as powered:
            uid = powered.probe_uid
    console.print(
        f"{board.name} on {selection.backend}, probe {uid}: served with what its flash holds, nothing is built or "
        f"written; {_OWN} stands for the ELF file of that program"
    )
    return uid


def _another(board: Board, uid: str) -> str:
    """That this is not the first board of its kind, which another process has."""
    return (
        f"'{board.name}' is powered by another process, so this is '{uid.removeprefix(PROBE_PREFIX)}', another "
        f"emulated board with a flash of its own; to debug the one of 'hil emulate {board.name}': --flash never"
    )


def _launch(board: Board, elf: str, port: int) -> str:
    """An entry of VS Code's launch.json for the extension cortex-debug."""
    return json.dumps(
        {
            "name": f"hil {board.name}",
            "type": "cortex-debug",
            "request": "attach",
            "servertype": "external",
            "gdbTarget": f"localhost:{port}",
            "gdbPath": "gdb-multiarch",
            "executable": elf,
            "device": board.part,
        }
    )
