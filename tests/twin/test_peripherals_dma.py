"""DMA1 between memory and SPI1, poked from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.registers import NotModelledError
from hil.emulator.twin.stm32l031.dma import CIRC, DIR, EN, HTIE, MEM2MEM, MINC, MSIZE_16, PINC, PSIZE_16, TCIE, TEIE
from hil.emulator.twin.stm32l031.spi import DFF, OVR, RXDMAEN, RXNE, SPE, TXDMAEN, TXE
from tests.twin.dma_bench import HZ, RAM, RX, TX, bench, both, channel, flags, received

if TYPE_CHECKING:
    import random


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


def test_buffers_that_overlap_are_as_byte_by_byte() -> None:
    chip = bench()
    both(chip, b"\x01\x02\x03\x04\x05\x06\x07\x08", 8)
    chip.clear("DMA1_CCR2", EN)
    channel(chip, 2, RAM + TX + 2, 8, MINC)
    assert chip.spi_master.transfer(b"abcdefgh", HZ) == b"\x01\x02abcdef"
