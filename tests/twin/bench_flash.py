"""How our session programs the STM32L031's flash, beside stock pyOCD: ``python -m tests.twin.bench_flash``.

On the twin, in one process. *Wall time* is this computer's, all of a session: the least of some turns. *Chip time* is
the twin's own, of the flash algorithm alone: while the core is halted, and the probe transfers data, it stands still.
It is bound by the flash, 3.2 ms each erase and each half-page whoever starts it: only what is left out saves any. On
silicon each call costs a row of transfers as well.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.twin.flash_runs import BEFORE, CHANGES, PATTERNS, Cost, agent, alternately

ROUNDS = 2


def line(name: str, cost: Cost) -> str:
    return f"  {name:12}{cost.calls:6}{cost.wall_s:14.3f}{cost.chip_s:14.3f}"


def ratio(ours: float, stock: float) -> str:
    return f"{ours / stock:.2f}"


def main() -> None:
    images = {**PATTERNS, "the firmware": agent()}
    scenarios = {
        f"32 KB, {name}, onto {what}": (before, after)
        for what, before in BEFORE.items()
        for name, after in images.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        firmware = Path(folder) / "firmware.bin"
        for name, (before, after) in (scenarios | CHANGES).items():
            firmware.write_bytes(after)
            stock, ours = alternately(before, firmware, rounds=ROUNDS)
            print(f"{name}\n  {'':12}{'calls':>6}{'wall time, s':>14}{'chip time, s':>14}")  # noqa: T201
            print(line("pyocd flash", stock), line("hil", ours), sep="\n")  # noqa: T201
            calls, wall, chip = (
                ratio(getattr(ours, what), getattr(stock, what)) for what in ("calls", "wall_s", "chip_s")
            )
            print(f"  {'hil / pyocd':12}{calls:>6}{wall:>14}{chip:>14}")  # noqa: T201


if __name__ == "__main__":
    main()
