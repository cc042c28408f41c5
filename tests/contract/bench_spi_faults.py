"""A hundred thousand faults on the bus: ``python -m tests.contract.bench_spi_faults``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.contract.memory_spi import compile_spi_agent
from tests.contract.spi_work import many_faults

RUNS = 13_000
FAULTS = 100_000


def main() -> int:
    """Print what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        faults, repairs, errors = many_faults(compile_spi_agent(Path(folder)), range(RUNS))
    print(f"{RUNS} runs, {faults} faults on the bus: {repairs} repairs, {errors.total()} errors, 0 wrong numbers")  # noqa: T201
    for message, times in errors.most_common():
        print(f"  {times} times: {message}")  # noqa: T201
    if faults < FAULTS:
        print(f"fewer than {FAULTS} faults")  # noqa: T201
    return int(faults < FAULTS)


if __name__ == "__main__":
    sys.exit(main())
