"""How well streams of all public cases use wire and core, in virtual time: ``python -m tests.twin.bench_streaming``.

See `tests.twin.streaming` for what is measured; the figures are the same on every computer.
"""

from __future__ import annotations

import sys

from tests.cycles.cases import public_cases
from tests.twin.streaming import FLOOR, measure


def main() -> int:
    short = []
    print(f"{'case':22}{'steps':>6}{'virtual, s':>12}{'to':>8}{'from':>8}{'core':>8}  binds           {'ltc_step':>8}")  # noqa: T201
    for name in public_cases():
        found = measure(name)
        shares = "".join(f"{share:8.1%}" for share in found.shares.values())
        alone = found.steps_s / found.virtual_s
        print(f"{name:22}{found.steps:6}{found.virtual_s:12.3f}{shares}  {found.binds:16}{alone:8.1%}", flush=True)  # noqa: T201
        if found.efficiency < FLOOR or found.repairs:
            short.append(f"{name} ({found.efficiency:.1%}, {found.repairs} repairs)")
    print(f"below {FLOOR:.0%} of what binds: {', '.join(short) or 'none'}")  # noqa: T201
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
