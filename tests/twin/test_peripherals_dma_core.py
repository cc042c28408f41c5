"""DMA1 between memory and SPI1 beside a core that runs or sleeps."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.dma import CIRC, DIR, EN, MINC
from hil.emulator.twin.stm32l031.spi import RXDMAEN, SPE, TXDMAEN
from tests.twin.dma_bench import BUSY, HZ, RAM, RX, SETUP, SLEEPS, TX, bench, both, channel, received
from tests.twin.snippets import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

ECHO = f"""
main:
    {SETUP}
    put NVIC_ISER, 0x400
    put 0x40013004, 3
    bl arm
1:  wfi
    b 1b
arm:                                // 16 bytes each way
    put 0x40020020, 16              // CNDTR2
    put 0x40020034, 16              // CNDTR3
    put 0x4002001C, 0x83            // CCR2: MINC, TCIE, EN
    put 0x40020030, 0x91            // CCR3: MINC, DIR, EN
    put 0x40013000, 0x40            // SPE
    bx lr
irq10:                              // the next block sends what this one has received
    push {{lr}}
    put 0x40013000, 0
    put 0x4002001C, 0
    put 0x40020030, 0
    put 0x40020004, 0xFF0           // IFCR
    ldr r0, ={RAM + RX}
    ldr r1, ={RAM + TX}
    movs r2, #12
2:  ldr r3, [r0, r2]
    str r3, [r1, r2]
    subs r2, #4
    bpl 2b
    bl arm
    pop {{pc}}
"""


@pytest.mark.parametrize("hz", [10_000, 100_000])
def test_blocks_come_back_one_later(hz: int) -> None:
    with Bench(ECHO) as chip:
        chip.run(10_000)
        assert not chip.trouble
        source = random.Random(hz)
        blocks = [source.randbytes(16) for _ in range(20)]
        heard = b""
        for block in blocks:
            heard += chip.spi_master.transfer(block, hz)
            chip.wait(2_000)
        assert not chip.notes
        assert bytes(chip.ram_content[RX : RX + 16]) == blocks[-1]
        for n in range(1, len(blocks)):
            assert heard[16 * n : 16 * n + 16] == blocks[n - 1], n


def test_code_that_the_dma_has_brought_is_executed_anew() -> None:
    """Movs r0, #1; bx lr at RX; then movs r0, #2 over it."""
    with Bench(f"""
    main:
        {SETUP}
        put {RAM + RX}, 0x47702001
        put 0x40020020, 1
        put 0x4002001C, 0x81
        put 0x40013004, 1
        put 0x40013000, 0x40
        ldr r6, ={RAM + RX + 1}
        ldr r5, =RESULT
        blx r6
        str r0, [r5]
    1:  ldr r4, =0x40020020
        ldr r4, [r4]
        cmp r4, #0
        bne 1b
        blx r6
        str r0, [r5, #4]
    2:  wfi
        b 2b
    """) as chip:
        chip.run(5_000)
        assert chip.word(0) == 1
        chip.spi_master.transfer(b"\x02", HZ)
        chip.run(chip.now() + 1_000)
        assert chip.word(4) == 2


@settings(max_examples=25, deadline=None)
@given(
    st.binary(min_size=1, max_size=64),
    st.integers(1, 64),
    st.integers(1, 64),
    st.sampled_from([0, CIRC]),
    st.integers(0, 3),
)
def test_a_core_that_sleeps_sees_what_one_that_runs_sees(
    data: bytes, receive: int, transmit: int, circular: int, mode: int
) -> None:
    """While it sleeps, frames are carried out many at once."""
    ends = []
    for code in (SLEEPS, BUSY):
        with bench(code) as chip:
            chip.run(2_000)
            chip.ram_content[TX : TX + 64] = bytes(range(64))
            chip.ram_content[RX : RX + 80] = bytes(80)
            channel(chip, 2, RAM + RX, receive, MINC | circular)
            channel(chip, 3, RAM + TX, transmit, MINC | circular | DIR)
            chip.write("SPI1_CR2", RXDMAEN | TXDMAEN)
            chip.write("SPI1_CR1", SPE | mode)
            chip.spi_master.mode = mode
            start = chip.seconds()
            heard = chip.spi_master.transfer(data, HZ)
            taken = chip.seconds() - start
            assert Fraction(8 * len(data), HZ) <= taken < Fraction(8 * len(data) + 1, HZ) + Fraction(20, 2_097_152)
            registers = ("DMA1_ISR", "SPI1_SR", "DMA1_CNDTR2", "DMA1_CNDTR3")
            ends.append((heard, received(chip, 80), *(chip.read(each) for each in registers)))
            assert chip.run(chip.now() + 1) in {Stop.DUE, Stop.ASLEEP}
    assert ends[0] == ends[1]


@pytest.mark.parametrize("sleep", ["wfi", "sev; wfe; wfe"])
@pytest.mark.parametrize(("receive", "transmit"), [(252, 252), (252, 4), (0, 252), (0, 0)])
def test_a_core_that_sleeps_costs_little(sleep: str, receive: int, transmit: int) -> None:
    """The calls in which a frame is carried out, of which a core that runs needs one for each byte."""
    calls = []
    for code in ("main:" + SETUP + f"{sleep}; b main", BUSY):
        with bench(code) as chip:
            chip.run(2_000)
            both(chip, bytes(252), 252)
            for number, left in ((2, receive), (3, transmit)):
                chip.clear(f"DMA1_CCR{number}", EN)
                chip.write(f"DMA1_CNDTR{number}", left)
                chip.set(f"DMA1_CCR{number}", EN)
            count, exchange = [0], chip.spi1.exchange

            def counted(word: int, count: list[int] = count, exchange: Callable[[int], int] = exchange) -> int:
                count[0] += 1
                return exchange(word)

            chip.spi1.exchange = counted  # type: ignore[method-assign]
            chip.spi_master.transfer(bytes(252), HZ)
            calls += count
    assert calls[1] == 252
    assert calls[0] < 9
