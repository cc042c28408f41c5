"""DMA1 between memory and SPI1, poked from outside and by programs on the core."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.core import Stop
from hil.emulator.twin.registers import NotModelledError
from hil.emulator.twin.stm32l031.dma import CIRC, DIR, EN, HTIE, MEM2MEM, MINC, MSIZE_16, PINC, PSIZE_16, TCIE, TEIE
from hil.emulator.twin.stm32l031.spi import DFF, OVR, RXDMAEN, RXNE, SPE, TXDMAEN, TXE
from tests.twin.snippets import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

HZ = 100_000
DR = 0x4001300C
RAM = 0x20000000
TX, RX = 0x100, 0x400
PINS = {"PA4": 0, "PA5": 0, "PA6": 0, "PA7": 0}


def bench(code: str | None = None) -> Bench:
    chip = Bench(code) if code else Bench()
    chip.set("RCC_APB2ENR", 1 << 12)
    chip.set("RCC_AHBENR", 1)
    for pin, function in PINS.items():
        chip.pin(pin, function)
    chip.write("DMA1_CSELR", 0x110)
    return chip


def channel(chip: Bench, number: int, memory: int, count: int, ccr: int) -> None:
    chip.write(f"DMA1_CPAR{number}", DR)
    chip.write(f"DMA1_CMAR{number}", memory)
    chip.write(f"DMA1_CNDTR{number}", count)
    chip.write(f"DMA1_CCR{number}", ccr | EN)


def both(chip: Bench, sent: bytes, count: int, *, receive: int = MINC, transmit: int = MINC, spi: int = SPE) -> None:
    """Send so many transfers from TX, receive as many to RX."""
    chip.ram_content[TX : TX + len(sent)] = sent
    channel(chip, 2, RAM + RX, count, receive)
    channel(chip, 3, RAM + TX, count, transmit | DIR)
    chip.write("SPI1_CR2", RXDMAEN | TXDMAEN)
    chip.write("SPI1_CR1", spi)


def received(chip: Bench, count: int) -> bytes:
    return bytes(chip.ram_content[RX : RX + count])


def flags(chip: Bench, number: int) -> int:
    return chip.read("DMA1_ISR") >> 4 * (number - 1) & 0xF


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=252), st.randoms(use_true_random=False), st.integers(5_000, 1_000_000))
def test_a_block_each_way(data: bytes, random_: random.Random, hz: int) -> None:
    with bench() as chip:
        sent = random_.randbytes(len(data))
        both(chip, sent, len(data))
        assert chip.spi_master.transfer(data, hz) == sent
        assert received(chip, len(data)) == data
        assert chip.read("DMA1_CNDTR2") == chip.read("DMA1_CNDTR3") == 0
        assert flags(chip, 2) == flags(chip, 3) == 0b0111
        assert not chip.notes
        assert chip.read("SPI1_SR") == TXE


def test_the_first_byte_is_fetched_before_the_first_pulse_and_each_next_one_at_once() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04", 4)
    assert chip.read("DMA1_CNDTR3") == 3
    assert not chip.read("SPI1_SR") & TXE
    chip.ram_content[TX + 1] = 0x22  # not fetched yet
    assert chip.spi_master.transfer(b"\xa0", HZ) == b"\x01"
    assert (chip.read("DMA1_CNDTR2"), chip.read("DMA1_CNDTR3")) == (3, 2)
    assert received(chip, 1) == b"\xa0"
    assert chip.spi_master.transfer(b"\xa1\xa2", HZ) == b"\x22\x03"


def test_what_is_longer_than_the_buffers_overruns_and_repeats_the_last_byte() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03", 3)
    assert chip.spi_master.transfer(b"abcdef", HZ) == b"\x01\x02\x03\x03\x03\x03"
    assert received(chip, 4) == b"abc" + bytes([chip.ram_content[RX + 3]])
    assert chip.read("SPI1_SR") & (OVR | RXNE | TXE) == OVR | RXNE | TXE
    assert chip.read("SPI1_DR") == ord("d")


def test_a_circular_channel_begins_again() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04", 4, receive=MINC | CIRC, transmit=MINC | CIRC)
    assert chip.spi_master.transfer(b"abcdefghij", HZ) == b"\x01\x02\x03\x04\x01\x02\x03\x04\x01\x02"
    assert received(chip, 4) == b"ijgh"
    assert chip.read("DMA1_CNDTR2") == 2
    assert flags(chip, 2) == 0b0111


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40))
def test_half_and_whole_are_told_when_they_are_reached(count: int) -> None:
    with bench() as chip:
        both(chip, bytes(count), count)
        told = []
        for _ in range(count):
            chip.spi_master.transfer(b"\x55", HZ)
            told.append(flags(chip, 2))
            chip.write("DMA1_IFCR", 0x10)
        half = count - count // 2
        assert [bool(each & 0b0100) for each in told] == [n == half for n in range(1, count + 1)]
        assert [bool(each & 0b0010) for each in told] == [n == count for n in range(1, count + 1)]
        assert [bool(each & 1) for each in told] == [each != 0 for each in told]


def test_flags_are_cleared_one_by_one_or_together() -> None:
    chip = bench()
    both(chip, bytes(4), 4)
    chip.spi_master.transfer(bytes(4), HZ)
    chip.write("DMA1_IFCR", 0b0010 << 4)
    assert flags(chip, 2) == 0b0101
    assert flags(chip, 3) == 0b0111
    chip.write("DMA1_IFCR", 0b0100 << 4)
    assert flags(chip, 2) == 0
    chip.write("DMA1_IFCR", 0b0001 << 8)
    assert chip.read("DMA1_ISR") == 0


@pytest.mark.parametrize(("enable", "flag"), [(TCIE, 0b0010), (HTIE, 0b0100), (TEIE, 0b1000), (0, 0)])
def test_each_flag_has_an_interrupt_of_its_own(enable: int, flag: int) -> None:
    chip = bench()
    both(chip, bytes(4), 4, receive=MINC | enable)
    if flag == 0b1000:
        chip.clear("DMA1_CCR2", EN)
        channel(chip, 2, 0x30000000, 4, MINC | enable)
    chip.spi_master.transfer(bytes(4), HZ)
    assert bool(chip.core.shared.lines & 1 << 10) == (flag != 0)
    chip.write("DMA1_IFCR", flag << 4)
    assert not chip.core.shared.lines & 1 << 10


@pytest.mark.parametrize(("memory", "reads"), [(0x30000000, True), (0x08000000, True), (0x30000000, False)])
def test_memory_that_does_not_answer_ends_the_channel(memory: int, reads: bool) -> None:
    """Flash takes no plain stores."""
    chip = bench()
    number = 2 if reads else 3
    both(chip, bytes(4), 4)
    chip.clear("SPI1_CR2", RXDMAEN | TXDMAEN)
    chip.clear(f"DMA1_CCR{number}", EN)
    channel(chip, number, memory, 4, MINC | (0 if reads else DIR))
    chip.set("SPI1_CR2", RXDMAEN | TXDMAEN)
    chip.spi_master.transfer(bytes(4), HZ)
    assert flags(chip, number) == 0b1001
    assert not chip.read(f"DMA1_CCR{number}") & EN
    assert chip.read(f"DMA1_CNDTR{number}") == 4


def test_a_channel_reads_flash() -> None:
    chip = bench()
    both(chip, b"", 4)
    chip.clear("DMA1_CCR3", EN)
    chip.clear("SPI1_CR1", SPE)
    channel(chip, 3, 0x08000000, 4, MINC | DIR)
    chip.set("SPI1_CR1", SPE)
    chip.spi_master.transfer(b"\0", HZ)  # the byte of before
    assert chip.spi_master.transfer(bytes(3), HZ) == bytes(chip.flash_content[:3])


def test_flash_that_is_being_erased_is_not_read() -> None:
    chip = bench()
    both(chip, b"\x01", 4)
    chip.clear("DMA1_CCR3", EN)
    channel(chip, 3, 0x08000000, 4, MINC | DIR)
    for register, key in (
        ("PEKEYR", 0x89ABCDEF),
        ("PEKEYR", 0x02030405),
        ("PRGKEYR", 0x8C9DAEBF),
        ("PRGKEYR", 0x13141516),
    ):
        chip.write(f"FLASH_{register}", key)
    chip.write("FLASH_PECR", 1 << 9 | 1 << 3)
    assert chip.store(0x08001000, 4, 0)
    with pytest.raises(RuntimeError, match="has the DMA read 0x08000000 while the flash or EEPROM is being written"):
        chip.spi_master.transfer(bytes(3), 1_000_000)


def test_without_increment_one_place_is_used_again_and_again() -> None:
    chip = bench()
    both(chip, b"\x77", 4, receive=0, transmit=0)
    assert chip.spi_master.transfer(b"abcd", HZ) == b"\x77" * 4
    assert received(chip, 1) == b"d"


@pytest.mark.parametrize(
    ("sizes", "spi", "sent", "heard", "kept"),
    [
        (MSIZE_16 | PSIZE_16, DFF, b"\x34\x12\x78\x56", b"\x12\x34\x56\x78", b"\x02\x01\x04\x03"),
        (MSIZE_16, 0, b"\x34\x12\x78\x56", b"\x34\x78\x78\x78", b"\x01\0\x02\0"),
        (PSIZE_16, 0, b"\x34\x12", b"\x34\x12\x12\x12", b"\x01\x02"),
    ],
)
def test_half_words(sizes: int, spi: int, sent: bytes, heard: bytes, kept: bytes) -> None:
    chip = bench()
    both(chip, sent, 2, receive=MINC | sizes, transmit=MINC | sizes, spi=SPE | spi)
    assert chip.spi_master.transfer(b"\x01\x02\x03\x04", HZ) == heard
    assert received(chip, len(kept)) == kept


def test_the_lowest_bit_of_a_half_words_address_is_ignored() -> None:
    chip = bench()
    channel(chip, 2, RAM + RX + 1, 1, MINC | MSIZE_16 | PSIZE_16)
    chip.write("SPI1_CR2", RXDMAEN)
    chip.write("SPI1_CR1", SPE | DFF)
    chip.spi_master.transfer(b"\x12\x34", HZ)
    assert received(chip, 2) == b"\x34\x12"


def test_what_is_off_asks_for_nothing_and_serves_nothing() -> None:
    chip = bench()
    both(chip, b"\x01\x02", 2)
    assert chip.read("DMA1_CNDTR3") == 1
    chip.clear("RCC_AHBENR", 1)
    chip.spi_master.transfer(b"a", HZ)
    assert chip.read("SPI1_SR") & (RXNE | TXE) == RXNE | TXE
    chip.set("RCC_AHBENR", 1)
    assert (chip.read("DMA1_CNDTR2"), chip.read("DMA1_CNDTR3")) == (1, 0)


def test_a_channel_that_was_stopped_begins_at_its_address_again() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04", 4)
    chip.spi_master.transfer(b"ab", HZ)
    for number in (2, 3):
        chip.clear(f"DMA1_CCR{number}", EN)
    assert chip.read("DMA1_CNDTR2") == 2
    chip.set("DMA1_CCR2", EN)
    chip.spi_master.transfer(b"c", HZ)
    assert received(chip, 2) == b"cb"


def test_resets() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04", 4)
    chip.set("RCC_APB2RSTR", 1 << 12)
    chip.clear("RCC_APB2RSTR", 1 << 12)
    assert chip.read("SPI1_CR2") == 0
    assert chip.read("DMA1_CNDTR3") == 3
    chip.set("RCC_AHBRSTR", 1)
    chip.clear("RCC_AHBRSTR", 1)
    assert chip.read("DMA1_CNDTR3") == chip.read("DMA1_CCR3") == chip.read("DMA1_CSELR") == 0


@pytest.mark.parametrize("bits", [MEM2MEM, PINC, 1 << 9, 1 << 11])
def test_what_is_not_modelled_is_refused(bits: int) -> None:
    with pytest.raises(NotModelledError, match="DMA1_CCR2"):
        bench().write("DMA1_CCR2", bits)


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [
        ("CCR1", EN, "enables channel 1 of DMA1 for request 0 of DMA1_CSELR"),
        ("CCR2", EN | DIR, "DIR against the way of SPI1_RX"),
        ("CCR3", EN, "DIR against the way of SPI1_TX"),
        ("CCR2", EN, "0x00000000 in CPAR, which is not its data register, 0x4001300c"),
    ],
)
def test_a_channel_that_cannot_serve_is_not_enabled(register: str, value: int, words: str) -> None:
    with pytest.raises(NotModelledError, match=words):
        bench().write(f"DMA1_{register}", value)


@pytest.mark.parametrize("register", ["CNDTR2", "CPAR2", "CMAR2"])
def test_registers_of_an_enabled_channel_may_not_change(register: str) -> None:
    chip = bench()
    both(chip, bytes(4), 4)
    with pytest.raises(NotModelledError, match=f"{register}.*while the channel is enabled"):
        chip.write(f"DMA1_{register}", 0)


def test_the_request_of_an_enabled_channel_may_not_change() -> None:
    chip = bench()
    both(chip, bytes(4), 4)
    with pytest.raises(NotModelledError, match="changes the request of DMA1's channel 3 while it is enabled"):
        chip.write("DMA1_CSELR", 0x010)


def test_an_enabled_channel_keeps_its_way_but_not_its_interrupts() -> None:
    chip = bench()
    both(chip, bytes(4), 4)
    chip.write("DMA1_CCR2", EN | MINC | TCIE)
    with pytest.raises(NotModelledError, match="beyond its interrupts"):
        chip.write("DMA1_CCR2", EN | MINC | CIRC)


# On the core

SETUP = f"""
    put 0x4002102C, 1               // IOPENR
    put 0x40021030, 0x101           // AHBENR
    put 0x40021034, 0x1000          // APB2ENR
    put 0x50000000, 0xEBFFAAFF
    put 0x400200A8, 0x110           // CSELR
    put 0x40020024, {DR}            // CPAR2
    put 0x40020028, {RAM + RX}      // CMAR2
    put 0x40020038, {DR}            // CPAR3
    put 0x4002003C, {RAM + TX}      // CMAR3
"""
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


BUSY = "main: " + SETUP + "1: b 1b"


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
    for code in ("main:" + SETUP + "1: wfi; b 1b", BUSY):
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


def test_buffers_that_overlap_are_as_byte_by_byte() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04\x05\x06\x07\x08", 8)
    chip.clear("DMA1_CCR2", EN)
    channel(chip, 2, RAM + TX + 2, 8, MINC)
    assert chip.spi_master.transfer(b"abcdefgh", HZ) == b"\x01\x02abcdef"
