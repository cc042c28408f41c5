"""How well streams of all public cases over SPI use wire and core: ``python -m tests.twin.bench_streaming_spi``.

See `tests.twin.streaming_spi` for what is measured; the figures are the same on every computer.
"""

from __future__ import annotations

import sys

from tests.cycles.cases import public_cases
from tests.twin.streaming import FLOOR
from tests.twin.streaming_spi import measure

CLOCKS_HZ = (1_000_000, 4_000_000, 8_000_000)


def main() -> int:
    short = []
    head = f"{'case':22}{'SCK':>6}{'steps':>6}{'virtual, s':>12}{'to':>8}{'from':>8}{'core':>8}"
    print(f"{head}  binds           {'ltc_step':>8}")  # noqa: T201
    for name in public_cases():
        for clock_hz in CLOCKS_HZ:
            found = measure(name, clock_hz)
            shares = "".join(f"{share:8.1%}" for share in found.shares.values())
            rate = f"{clock_hz // 1_000_000} MHz"
            line = f"{name:22}{rate:>6}{found.steps:6}{found.virtual_s:12.3f}{shares}  {found.binds:16}"
            print(f"{line}{found.steps_s / found.virtual_s:8.1%}", flush=True)  # noqa: T201
            if found.efficiency < FLOOR or found.repairs:
                short.append(f"{name} at {rate} ({found.efficiency:.1%}, {found.repairs} repairs)")
    print(f"below {FLOOR:.0%} of what binds: {', '.join(short) or 'none'}")  # noqa: T201
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
