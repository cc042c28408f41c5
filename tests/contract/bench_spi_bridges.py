"""All public cases over every simulated bridge: ``python -m tests.contract.bench_spi_bridges``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.contract.spi_cases import over, run
from tests.cycles.cases import public_cases
from tests.instruments.attached import KINDS
from tests.instruments.spidev_machine import build_shim


def main() -> int:
    """Print what came of each."""
    retries = 0
    with tempfile.TemporaryDirectory() as folder:
        shim = build_shim(Path(folder))
        for kind in KINDS:
            bits = 0
            began = time.perf_counter()
            with over(kind, shim) as dut:
                for name in public_cases():
                    result = run(dut, name)
                    bits += result.bits_compared
                    retries += result.retries
            took = time.perf_counter() - began
            counts = f"{len(public_cases())} cases, {bits} bits equal, {retries} retries"
            print(f"{kind:16} {counts}, {took:.0f} s", flush=True)  # noqa: T201
    return int(bool(retries))


if __name__ == "__main__":
    sys.exit(main())
