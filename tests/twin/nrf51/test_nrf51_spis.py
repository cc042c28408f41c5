"""SPIS1 of the twin's nRF51822: semaphore, buffers, pins, and what a master does wrong."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import pytest

from hil.emulator.twin.nrf51 import spis
from tests.twin.nrf51.bench import WIRING, Bench51

if TYPE_CHECKING:
    from collections.abc import Iterator

HZ: Final = 2_000_000
RX, TX = 0x400, 0x800  # in RAM
DEF, ORC = 0x5A, 0xA5
SENT: Final = bytes(range(0x10, 0x20))


@pytest.fixture
def chip() -> Iterator[Bench51]:
    with Bench51() as chip:
        for line, pin in (("SCK", WIRING.sck), ("MISO", WIRING.miso), ("MOSI", WIRING.mosi), ("CSN", WIRING.nss)):
            chip.write(f"SPIS1_PSEL{line}", int(pin[3:]))
        chip.write("SPIS1_DEF", DEF)
        chip.write("SPIS1_ORC", ORC)
        chip.write("SPIS1_ENABLE", spis.ENABLED)
        chip.write("SPIS1_RXDPTR", 0x20000000 + RX)
        chip.write("SPIS1_TXDPTR", 0x20000000 + TX)
        chip.write("SPIS1_MAXRX", 16)
        chip.write("SPIS1_MAXTX", 16)
        chip.ram_content[TX : TX + 16] = list(SENT)
        chip.ram_content[RX : RX + 32] = [0xEE] * 32
        yield chip


def received(chip: Bench51, count: int = 16) -> bytes:
    return bytes(chip.ram_content[RX : RX + count])


def release(chip: Bench51) -> None:
    chip.write("SPIS1_TASKS_RELEASE", 1)


def test_a_granted_transaction(chip: Bench51) -> None:
    release(chip)
    assert chip.read("SPIS1_SEMSTAT") == spis.FREE
    data = random.Random(1).randbytes(16)
    before = chip.seconds()
    assert chip.spi_master.transfer(data, HZ) == SENT
    taken = chip.seconds() - before
    assert abs(taken - (spis.SETUP[True] + Fraction(16 * 8, HZ))) < Fraction(1, 1_000_000)
    assert received(chip) == data
    assert (chip.read("SPIS1_AMOUNTRX"), chip.read("SPIS1_AMOUNTTX")) == (16, 16)
    assert (chip.read("SPIS1_EVENTS_END"), chip.read("SPIS1_EVENTS_ACQUIRED")) == (1, 0)
    assert chip.read("SPIS1_SEMSTAT") == spis.FREE
    assert chip.read("SPIS1_STATUS") == 0
    assert not chip.notes


def test_without_the_semaphore_it_is_ignored(chip: Bench51) -> None:
    assert chip.spi_master.transfer(bytes(4), HZ) == bytes([DEF]) * 4
    assert received(chip) == b"\xee" * 16
    assert not chip.read("SPIS1_EVENTS_END")
    assert not chip.notes


def test_a_release_within_a_transaction_is_for_the_next(chip: Bench51) -> None:
    chip.spi_master.select(on=True)
    assert chip.spi_master.clock(bytes(2), HZ) == bytes([DEF]) * 2
    release(chip)
    assert chip.spi_master.clock(bytes(2), HZ) == bytes([DEF]) * 2
    chip.spi_master.select(on=False)
    assert not chip.read("SPIS1_EVENTS_END")
    assert chip.spi_master.transfer(bytes(4), HZ) == SENT[:4]


def test_who_asks_within_a_transaction_gets_it_behind(chip: Bench51) -> None:
    release(chip)
    chip.spi_master.select(on=True)
    assert chip.read("SPIS1_SEMSTAT") == spis.SPIS
    chip.write("SPIS1_TASKS_ACQUIRE", 1)
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU_PENDING
    release(chip)  # it has nothing to give back
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU_PENDING
    assert not chip.read("SPIS1_EVENTS_ACQUIRED")
    assert chip.spi_master.clock(bytes(4), HZ) == SENT[:4]
    chip.spi_master.select(on=False)
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU
    assert (chip.read("SPIS1_EVENTS_END"), chip.read("SPIS1_EVENTS_ACQUIRED")) == (1, 1)


def test_the_shortcut_gives_it_to_the_core(chip: Bench51) -> None:
    chip.write("SPIS1_SHORTS", spis.END_ACQUIRE)
    release(chip)
    chip.spi_master.transfer(bytes(4), HZ)
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU
    assert chip.spi_master.transfer(b"1234", HZ) == bytes([DEF]) * 4
    assert received(chip, 4) == bytes(4)


def test_buffers_end(chip: Bench51) -> None:
    chip.write("SPIS1_MAXRX", 3)
    chip.write("SPIS1_MAXTX", 2)
    release(chip)
    assert chip.spi_master.transfer(b"abcde", HZ) == SENT[:2] + bytes([ORC]) * 3
    assert received(chip, 5) == b"abc\xee\xee"
    assert (chip.read("SPIS1_AMOUNTRX"), chip.read("SPIS1_AMOUNTTX")) == (3, 2)
    assert chip.read("SPIS1_STATUS") == spis.OVERFLOW | spis.OVERREAD
    chip.write("SPIS1_STATUS", spis.OVERFLOW)
    assert chip.read("SPIS1_STATUS") == spis.OVERREAD


@pytest.mark.parametrize("pulses", [1, 7, 9, 15, 23])
def test_bits_that_make_no_byte_are_lost(chip: Bench51, pulses: int) -> None:
    release(chip)
    heard = chip.spi_master.transfer(b"\xff\xff\xff", HZ, pulses=pulses)
    word = int.from_bytes(SENT[:3], "big") >> (24 - pulses) << (-pulses % 8)
    assert heard == word.to_bytes((pulses + 7) // 8, "big")
    assert chip.read("SPIS1_AMOUNTRX") == pulses // 8
    assert received(chip, 3) == b"\xff" * (pulses // 8) + b"\xee" * (3 - pulses // 8)
    assert chip.spi_master.transfer(b"next", HZ) == SENT[:4]
    assert received(chip, 4) == b"next"


def test_bits_in_pieces_are_bytes(chip: Bench51) -> None:
    release(chip)
    chip.spi_master.select(on=True)
    bits = ""
    for pulses in (3, 5, 8, 13, 3):
        word = int.from_bytes(chip.spi_master.clock(b"\xc3\xa5\x81\x7e", HZ, pulses=pulses), "big")
        bits += f"{word >> (-pulses % 8):0{pulses}b}"
    chip.spi_master.select(on=False)
    assert int(bits, 2) == int.from_bytes(SENT[:4], "big")
    assert chip.read("SPIS1_AMOUNTRX") == 4
    sent = f"{0b110:03b}{0b11000:05b}{0xC3:08b}{0xC3A5 >> 3:013b}{0b110:03b}"
    assert received(chip, 4) == int(sent, 2).to_bytes(4, "big")


@pytest.mark.parametrize("mode", range(4))
def test_modes(chip: Bench51, mode: int) -> None:
    chip.write("SPIS1_CONFIG", (mode & 1) << 1 | (mode >> 1) << 2)
    release(chip)
    chip.spi_master.mode = mode
    assert chip.spi_master.transfer(bytes(4), HZ) == SENT[:4]
    chip.spi_master.mode = (mode + 1) % 4
    assert chip.spi_master.transfer(bytes(4), HZ) == b"\xff" * 4
    assert "mode" in chip.notes["SPIS1"]


def test_a_clock_that_is_too_fast_or_too_soon(chip: Bench51) -> None:
    release(chip)
    assert chip.spi_master.transfer(bytes(2), HZ + 1) == b"\xff" * 2
    assert "2000000 Hz at most" in chip.notes.pop("SPIS1")
    assert chip.spi_master.transfer(bytes(2), HZ, lead=Fraction(70, 10**7)) == b"\xff" * 2
    assert "7.1 us" in chip.notes.pop("SPIS1")
    assert chip.spi_master.transfer(bytes(2), HZ, lead=Fraction(71, 10**7)) == SENT[:2]
    chip.by_name["POWER_CLOCK"].write(0x78, 4, 1)
    assert chip.spi_master.transfer(bytes(2), HZ, lead=Fraction(22, 10**7)) == SENT[:2]
    assert chip.spi_master.transfer(bytes(2), HZ, lead=Fraction(20, 10**7)) == b"\xff" * 2
    assert "2.1 us" in chip.notes["SPIS1"]


def test_how_long_it_was_selected_counts_from_the_fall_of_csn(chip: Bench51) -> None:
    release(chip)
    chip.spi_master.select(on=True)
    chip.run(chip.now() + 16 * 100)
    assert chip.spi_master.clock(bytes(2), HZ, lead=Fraction(0)) == b"\xff" * 2, "what the master says of itself"
    chip.spi_master.select(on=False)
    release(chip)
    chip.spi_master.select(on=True)
    selected = chip.seconds()
    chip.run(chip.now() + 16 * 5)
    assert chip.spi_master.clock(bytes(2), HZ, lead=Fraction(10, 10**6)) == SENT[:2]
    assert chip.seconds() - selected == pytest.approx(10e-6 + 16 / HZ, abs=1e-7)
    assert chip.spi_master.clock(bytes(2), HZ) == SENT[2:4]


@pytest.mark.parametrize(
    ("line", "answer", "heard"),
    [
        ("CSN", b"\xff" * 4, b"\xee" * 4),
        ("SCK", b"\xff" * 4, b"\xee" * 4),
        ("MISO", b"\xff" * 4, b"abcd"),
        ("MOSI", SENT[:4], b"\xff" * 4),
    ],
)
def test_a_line_that_is_not_connected(chip: Bench51, line: str, answer: bytes, heard: bytes) -> None:
    chip.write(f"SPIS1_PSEL{line}", 0xFFFFFFFF)
    release(chip)
    assert chip.spi_master.transfer(b"abcd", HZ) == answer
    assert received(chip, 4) == heard


def test_levels(chip: Bench51) -> None:
    assert chip.spi_master.level(WIRING.nss), "released from the beginning on"
    chip.spi_master.select(on=True)
    assert not chip.spi_master.level(WIRING.nss)
    chip.spi_master.select(on=False)
    assert chip.spi_master.level(WIRING.nss)
    ready = int(WIRING.data_ready[3:])
    assert not chip.spi_master.level(WIRING.data_ready)
    chip.write(f"GPIO_PIN_CNF{ready}", 0xC)
    assert chip.spi_master.level(WIRING.data_ready), "pulled up"
    chip.write("GPIO_DIRSET", 1 << ready)
    assert not chip.spi_master.level(WIRING.data_ready)
    chip.write("GPIO_OUTSET", 1 << ready)
    assert chip.spi_master.level(WIRING.data_ready)


def test_switching_it_off_gives_the_core_the_semaphore_and_ends_the_transaction(chip: Bench51) -> None:
    release(chip)
    chip.spi_master.select(on=True)
    chip.write("SPIS1_ENABLE", 0)
    assert chip.spi_master.clock(bytes(2), HZ) == b"\xff" * 2
    chip.write("SPIS1_ENABLE", spis.ENABLED)
    chip.spi_master.select(on=False)
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU
    assert not chip.read("SPIS1_EVENTS_END")


def test_a_reset_within_a_transaction(chip: Bench51) -> None:
    release(chip)
    chip.spi_master.select(on=True)
    chip.spi_master.clock(bytes(2), HZ)
    chip.reset()
    assert chip.spi_master.clock(bytes(2), HZ) == b"\xff" * 2
    chip.spi_master.select(on=False)
    assert chip.read("SPIS1_SEMSTAT") == spis.CPU
    assert received(chip) == b"\xee" * 16


@pytest.mark.parametrize("pointer", ["SPIS1_TXDPTR", "SPIS1_RXDPTR"])
def test_a_pointer_to_nowhere_stops_the_chip_and_not_who_clocks(chip: Bench51, pointer: str) -> None:
    chip.write(pointer, 0x30000000)
    release(chip)
    chip.spi_master.select(on=True)
    chip.spi_master.select(on=False)
    chip.run(chip.now() + 100)
    assert "0x30000000" in chip.trouble


def test_its_interrupt() -> None:
    handler = "irq4: push {lr}; put 0x40004104, 0; ldr r0, =RESULT; ldr r1, [r0]; adds r1, #1; str r1, [r0]; pop {pc}\n"
    code = f"""
    main: put RESULT, 0
    put 0x40004508, {int(WIRING.sck[3:])}; put 0x4000450C, {int(WIRING.miso[3:])}
    put 0x40004510, {int(WIRING.mosi[3:])}; put 0x40004514, {int(WIRING.nss[3:])}
    put 0x40004500, 2; put 0x40004534, 0x20000100; put 0x40004544, 0x20000200
    put 0x40004538, 8; put 0x40004548, 8
    put 0x40004304, 2; put NVIC_ISER, 0x10
    put 0x40004028, 1
    1: wfi; b 1b
    """
    with Bench51(code + handler) as other:
        other.wait(500)
        for n in range(3):
            other.spi_master.transfer(bytes([n] * 8), HZ)
            other.wait(200)
            assert other.word() == n + 1
            assert bytes(other.ram_content[0x100:0x108]) == bytes([n] * 8)
