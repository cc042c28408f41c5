"""How well streams of all public cases use wire and core, in virtual time: ``python -m tests.twin.bench_streaming``.

See `tests.twin.streaming` for what is measured; the figures are the same on every computer.
"""

from __future__ import annotations

import sys

from tests.cycles.cases import public_cases
from tests.twin.streaming import FLOOR, HEAD, MOST_CYCLES_A_BYTE, measure


def main() -> int:
    short = []
    print(f"{'case':22}{HEAD}")  # noqa: T201
    for name in public_cases():
        found = measure(name)
        print(f"{name:22}{found.row}", flush=True)  # noqa: T201
        if found.efficiency < FLOOR or found.repairs or found.cycles_a_byte > MOST_CYCLES_A_BYTE:
            short.append(f"{name} ({found.told})")
    bars = f"below {FLOOR:.0%} of what binds, or above {MOST_CYCLES_A_BYTE} cycles a byte"
    print(f"{bars}: {', '.join(short) or 'none'}")  # noqa: T201
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
