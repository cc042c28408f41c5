"""How our session programs the STM32L031's flash, beside stock pyOCD: ``python -m tests.twin.bench_flash``.

On the twin, in one process. The chip's time is that of the flash algorithm alone: while the core is halted, and the
probe transfers data, the twin's time stands still. On silicon each call costs a row of transfers as well.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.twin.flash_runs import SCENARIOS, Cost, by_our_session, by_stock_pyocd


def line(name: str, cost: Cost) -> str:
    return f"  {name:12}{cost.calls:6}{cost.chip_s:12.3f}{cost.wall_s:12.3f}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        firmware = Path(folder) / "firmware.bin"
        for name, (before, after) in SCENARIOS.items():
            firmware.write_bytes(after)
            stock, ours = by_stock_pyocd(before, firmware), by_our_session(before, firmware)
            print(f"{name}\n  {'':12}{'calls':>6}{'chip, s':>12}{'wall, s':>12}")  # noqa: T201
            print(line("pyocd flash", stock), line("hil", ours), sep="\n")  # noqa: T201
            ratios = (ours.calls / stock.calls, ours.chip_s / stock.chip_s, ours.wall_s / stock.wall_s)
            print("  {:12}{:6.2f}{:12.2f}{:12.2f}".format("ratio", *ratios))  # noqa: T201


if __name__ == "__main__":
    main()
