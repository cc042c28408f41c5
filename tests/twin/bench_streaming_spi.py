"""How well streams of all public cases over SPI use wire and core: ``python -m tests.twin.bench_streaming_spi``.

See `tests.twin.streaming_spi` for what is measured; the figures are the same on every computer.
"""

from __future__ import annotations

import sys

from tests.cycles.cases import public_cases
from tests.twin.streaming import FLOOR, HEAD
from tests.twin.streaming_spi import MOST_CYCLES_A_BYTE, measure

CLOCKS_HZ = (1_000_000, 4_000_000, 8_000_000)


def main() -> int:
    short = []
    print(f"{'case':22}{'SCK':>6}{HEAD}")  # noqa: T201
    for name in public_cases():
        for clock_hz in CLOCKS_HZ:
            found = measure(name, clock_hz)
            rate = f"{clock_hz // 1_000_000} MHz"
            print(f"{name:22}{rate:>6}{found.row}", flush=True)  # noqa: T201
            if found.efficiency < FLOOR or found.repairs or found.cycles_a_byte > MOST_CYCLES_A_BYTE:
                short.append(f"{name} at {rate} ({found.told})")
    bars = f"below {FLOOR:.0%} of what binds, or above {MOST_CYCLES_A_BYTE} cycles a byte"
    print(f"{bars}: {', '.join(short) or 'none'}")  # noqa: T201
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
