"""``hil gdb BOARD``: a gdb server on a board, through pyOCD, and what to type or paste to use it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Final

from hil.commands.output import open_bench
from hil.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from hil.board import Board
    from hil.dut.options import DutOptions

_PORTS: Final = range(1024, 65536)


def serve_gdb(name: str, options: DutOptions, port: int, console: Console) -> None:
    """Flash a board's firmware where it is not there yet, and become pyOCD's gdb server on it. Does not return.

    Args:
        name: the board.
        options: how to reach it.
        port: TCP port of the server, on this computer alone.
        console: where to say how to connect.

    Raises:
        HilError: it cannot be built or flashed, has no probe, or the port is none.
    """
    if port not in _PORTS:
        raise InputError(f"--server-port {port} is no port for a gdb server", hint="1024 to 65535, as a rule 3333")
    with open_bench(options, console) as bench:
        board = bench.board(name)
        if board.pyocd_target is None:
            raise InputError(
                f"board '{board.name}' has no debug probe",
                hint="a native process: gdb PROGRAM, and 'hil build' names it",
            )
        options.check(board)
        dut = bench.dut(name)
        elf, uid = str(dut.artefact.elf), dut.provenance.probe
        console.print(str(dut.provenance))
    console.print(f"gdb      gdb-multiarch -ex 'target extended-remote :{port}' {shlex.quote(elf)}")
    console.print(f"VS Code  {_launch(board, elf, port)}")
    console.print("stop     Ctrl-C")
    sys.stdout.flush()
    # This process becomes the server, so that there is no other to be left behind.
    command = [sys.executable, "-m", "pyocd", "gdbserver", "-u", uid, "-t", board.pyocd_target, "--persist"]
    # Any port for semihosting, which the firmware does not use: on pyOCD's fixed one a second server could not start.
    ports = ["--port", str(port), "--telnet-port", "0"]
    os.execv(sys.executable, [*command, *ports, "--elf", elf])  # noqa: S606 # that is the point


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
