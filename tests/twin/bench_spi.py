"""Prints what a byte over the twin's SPI costs this computer: ``python -m tests.twin.bench_spi``."""

from __future__ import annotations

import sys
import time
from typing import Final

from hil.emulator.twin.stm32l031.dma import CIRC, MINC
from tests.twin.dma_bench import BUSY, SLEEPS, bench, both

_BLOCK: Final = 252
_BLOCKS: Final = 200
_HZ: Final = 1_000_000


def main() -> None:
    for name, code in (("sleeps", SLEEPS), ("runs", BUSY)):
        with bench(code) as chip:
            chip.run(2_000)
            both(chip, bytes(_BLOCK), _BLOCK, receive=MINC | CIRC, transmit=MINC | CIRC)
            start = time.process_time()
            for _ in range(_BLOCKS):
                chip.spi_master.transfer(bytes(_BLOCK), _HZ)
            took = time.process_time() - start
        sys.stdout.write(
            f"by DMA both ways, while the core {name}: {took / _BLOCKS / _BLOCK * 1e6:.1f} us for a byte\n"
        )


if __name__ == "__main__":
    main()
