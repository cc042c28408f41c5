"""Somebody who uses a board of a farm until told to stop: ``python -m tests.farm.user FARM``.

Says ``open`` when the board is, and runs the smallest network again and again. Leaves with the exit code of what ends
it, and its sentence on standard error.
"""

from __future__ import annotations

import sys

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import HilError
from hil.resources import examples_dir

NETWORK = examples_dir() / "networks" / "tiny_dense"


def main(farm: str) -> int:
    try:
        with open_dut(load_board("nucleo-l031"), DutOptions(farm=farm)) as dut:
            print("open", flush=True)  # noqa: T201
            while True:
                dut.run(NETWORK.with_suffix(".model.npz"), NETWORK.with_suffix(".vectors.npz"))
    except HilError as error:
        print(f"{error.verdict}: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
