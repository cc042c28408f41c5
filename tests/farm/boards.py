"""Emulated boards, each with its probe served on the network: ``python -m tests.farm.boards BOARD N [paced]``.

What stands at an exporter's host: "hil emulate" and "hil serve" for each board, in one process. Prints one line of
JSON, a list with ``serial`` (device path) and ``probe`` (TCP port) of each, and ends when standard input closes.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack

import hil.dut.opening  # noqa: F401 - brings pyOCD, which loads hil.probe.emulated by itself
from hil.board import load_board
from hil.emulator.power import power
from hil.probe.emulated import EmulatedProbe
from hil.probe.server import serve_probe


def main(name: str, number: int, *, paced: bool) -> None:
    board = load_board(name)
    with ExitStack() as stack:
        told = []
        for instance in range(1, number + 1):
            powered = stack.enter_context(power(board, instance=str(instance), announced=True, paced=paced))
            port = stack.enter_context(serve_probe(EmulatedProbe.of(powered), "127.0.0.1", 0))
            told.append({"serial": powered.serial_path, "probe": port})
        print(json.dumps(told), flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), paced=sys.argv[3:] == ["paced"])
