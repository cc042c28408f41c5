"""SPI1 as a slave, and the master outside."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.core import Stop
from hil.emulator.twin.registers import NotModelledError
from hil.emulator.twin.stm32l031.spi import BSY, CPHA, CPOL, DFF, LSBFIRST, MSTR, OVR, RXNE, SPE, SSI, SSM, TXE
from tests.twin.snippets import SLEEP, WIRING, Bench

HZ = 100_000
PINS = {"PA4": 0, "PA5": 0, "PA6": 0, "PA7": 0}


def spi(cr1: int = SPE, *, pins: dict[str, int] = PINS) -> Bench:
    chip = Bench()
    chip.set("RCC_APB2ENR", 1 << 12)
    for pin, function in pins.items():
        chip.pin(pin, function)
    chip.write("SPI1_CR1", cr1)
    return chip


@pytest.mark.parametrize("mode", range(4))
@pytest.mark.parametrize("order", [0, LSBFIRST])
def test_a_byte_each_way(mode: int, order: int) -> None:
    chip = spi(SPE | order | (CPHA if mode & 1 else 0) | (CPOL if mode & 2 else 0))
    chip.spi_master.mode = mode
    chip.write("SPI1_DR", 0b11001010)
    assert not chip.read("SPI1_SR") & TXE
    assert chip.spi_master.transfer(b"\x2d", HZ) == (b"\x53" if order else b"\xca")
    assert chip.read("SPI1_SR") == RXNE | TXE
    assert chip.read("SPI1_DR") == (0b10110100 if order else 0x2D)
    assert chip.read("SPI1_SR") == TXE
    assert not chip.notes


def test_frames_of_16_bits() -> None:
    chip = spi(SPE | DFF)
    chip.write("SPI1_DR", 0xBEEF)
    assert chip.spi_master.transfer(b"\x12\x34", HZ) == b"\xbe\xef"
    assert chip.read("SPI1_DR") == 0x1234


def test_a_frame_takes_its_time() -> None:
    chip = spi()
    start = chip.seconds()
    chip.spi_master.select(on=True)
    clocking = chip.spi_master.begin_clock(b"\xff", HZ, lead=Fraction(1, HZ))
    chip.wait(2_097_152 * 5 // HZ)
    assert chip.read("SPI1_SR") == TXE | BSY
    while not clocking.done:
        chip.run(chip.now() + 10)
    assert chip.read("SPI1_SR") == TXE | RXNE
    assert chip.seconds() - start == pytest.approx(9 / HZ, abs=1e-5)


def test_overrun_keeps_the_first_frame_and_needs_both_reads() -> None:
    chip = spi()
    chip.spi_master.transfer(b"\x01\x02", HZ)
    assert chip.read("SPI1_SR") & (OVR | RXNE) == OVR | RXNE
    assert chip.read("SPI1_SR") & OVR, "reading SR alone clears nothing"
    assert chip.read("SPI1_DR") == 1
    assert chip.read("SPI1_SR") & OVR, "this read ends it"
    assert not chip.read("SPI1_SR") & OVR


def test_software_slave_management_ignores_the_pin() -> None:
    chip = spi(SPE | SSM | SSI)
    assert chip.spi_master.transfer(b"\x01", HZ) == b"\xff"
    assert not chip.read("SPI1_SR") & RXNE
    chip.write("SPI1_CR1", SPE | SSM)
    chip.spi_master.transfer(b"\x01", HZ)
    assert chip.read("SPI1_DR") == 1


@pytest.mark.parametrize("pin", list(PINS))
def test_each_pin_needs_its_function(pin: str) -> None:
    chip = spi(pins={name: function for name, function in PINS.items() if name != pin})
    chip.write("SPI1_DR", 0x55)
    received = chip.spi_master.transfer(b"\x0f", HZ)
    if pin == "PA6":
        assert received == b"\xff"
        assert chip.read("SPI1_DR") == 0x0F
    elif pin == "PA7":
        assert received == b"\x55"
        assert chip.read("SPI1_DR") == 0xFF
    else:
        assert not chip.read("SPI1_SR") & RXNE
        assert chip.notes["SPI1"]


def test_other_wires() -> None:
    chip = spi(pins={"PA15": 0, "PB3": 0, "PB4": 0, "PB5": 0})
    chip.spi_master.connect(SpiWiring(nss="PA15", sck="PB3", miso="PB4", mosi="PB5"))
    chip.write("SPI1_DR", 0x99)
    assert chip.spi_master.transfer(b"\x66", HZ) == b"\x99"
    assert chip.read("SPI1_DR") == 0x66


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 23), st.binary(min_size=3, max_size=3))
def test_a_frame_that_is_cut_off_shifts_what_follows_until_spe_is_cleared(pulses: int, data: bytes) -> None:
    with spi() as chip:
        chip.spi_master.transfer(data, HZ, pulses=pulses)
        whole, rest = divmod(pulses, 8)
        assert bool(chip.read("SPI1_SR") & RXNE) == (whole > 0)
        assert chip.spi1.left() == 8 - rest
        chip.clear("SPI1_CR1", SPE)
        chip.set("SPI1_CR1", SPE)
        chip.read("SPI1_DR")
        chip.read("SPI1_SR")
        chip.spi_master.transfer(b"\xa6", HZ)
        assert chip.read("SPI1_DR") == 0xA6


def test_without_that_the_next_byte_is_shifted() -> None:
    chip = spi()
    chip.spi_master.transfer(b"\xf0", HZ, pulses=4)
    chip.spi_master.transfer(b"\xf0", HZ)
    assert chip.read("SPI1_DR") == 0xFF


@pytest.mark.parametrize("pulses", range(1, 8))
def test_a_slave_that_is_turned_on_in_mid_frame_has_missed_bits(pulses: int) -> None:
    chip = spi(0)
    clocking = chip.spi_master.begin_clock(b"\x5a\xc3\x3c", HZ)
    chip.spi_master.select(on=True)
    chip.wait(chip.cycles(Fraction(10 * pulses - 2, 10 * HZ)))
    chip.write("SPI1_DR", 0xA7)
    chip.write("SPI1_CR1", SPE)
    while not clocking.done:
        chip.run(chip.spi_master.end(clocking))
    assert chip.read("SPI1_DR") == (0x5AC3 << pulses) >> 8 & 0xFF
    assert int.from_bytes(clocking.heard[:2], "big") >> (8 - pulses) == ((1 << pulses) - 1) << 8 | 0xA7
    assert chip.spi1.left() == pulses


def test_a_slave_that_is_turned_off_and_on_in_mid_frame_begins_anew() -> None:
    chip = spi()
    chip.spi_master.select(on=True)
    clocking = chip.spi_master.begin_clock(b"\x5a\xc3", HZ)
    chip.wait(chip.cycles(Fraction(28, 10 * HZ)))
    chip.write("SPI1_CR1", 0)
    chip.write("SPI1_CR1", SPE)
    while not clocking.done:
        chip.run(chip.spi_master.end(clocking))
    assert chip.read("SPI1_DR") == (0x5AC3 << 3) >> 8 & 0xFF


def test_selecting_and_clocking_are_separate() -> None:
    chip = spi()
    chip.write("SPI1_DR", 0x42)
    assert chip.spi_master.clock(b"\x01", HZ) == b"\xff", "not selected"
    chip.spi_master.select(on=True)
    start = chip.seconds()
    assert chip.spi_master.clock(b"\x02", HZ) == b"\x42"
    assert Fraction(8, HZ) <= chip.seconds() - start < Fraction(9, HZ), "the chip runs no longer than that"
    chip.write("SPI1_DR", 0x43)
    chip.read("SPI1_DR")
    assert chip.spi_master.clock(b"\x03", HZ) == b"\x43"
    assert chip.read("SPI1_DR") == 3
    chip.write("SPI1_CR1", 0)
    assert chip.spi_master.clock(b"\x03", HZ) == b"\xff", "what is off drives nothing"


def test_a_reset_does_not_end_what_the_master_does() -> None:
    chip = spi()
    chip.write("SPI1_DR", 0x42)
    chip.events.at(chip.now() + 400, lambda _: chip.request_reset())
    assert chip.spi_master.transfer(b"\x01\x02\x03\x04", HZ) == b"\x42\x42\xff\xff"


def test_levels() -> None:
    chip = spi()
    assert not chip.spi_master.level("PB1")
    chip.set("RCC_IOPENR", 2)
    chip.write("GPIOB_MODER", 0xFFFFFFF7)
    chip.write("GPIOB_BSRR", 2)
    assert chip.spi_master.level("PB1")
    chip.write("GPIOB_BRR", 2)
    assert not chip.spi_master.level("PB1")
    assert chip.spi_master.level("PA4"), "the master releases NSS"
    chip.spi_master.select(on=True)
    assert not chip.spi_master.level("PA4")


def test_wires_that_end_nowhere_move_nothing() -> None:
    class Loose(Bench):
        def connect_spi(self, wiring: SpiWiring) -> None:
            """They stay as they are."""

    with Loose() as chip:
        chip.set("RCC_APB2ENR", 1 << 12)
        for pin, function in PINS.items():
            chip.pin(pin, function)
        chip.write("SPI1_CR1", SPE)
        chip.write("SPI1_DR", 0x42)
        assert chip.spi_master.transfer(b"\x01", HZ) == b"\xff"
        assert not chip.read("SPI1_SR") & RXNE
        assert not chip.spi_master.level("PA4")


def test_wires_end_at_pins_that_have_the_signal() -> None:
    with pytest.raises(ValueError, match=r"^SPI1_MOSI is on PA7, PA12, PB1, PB5, not on PA8$"):
        spi().spi_master.connect(replace(WIRING, mosi="PA8"))


def test_selecting_wakes_the_chip() -> None:
    """By the falling edge at PA4, from Stop mode."""
    chip = Bench(f"""
    main:
        put 0x4002102C, 1
        put 0x50000000, 0xEBFFFEFF     // PA4 is SPI1_NSS
        put 0x4001040C, 0x10           // EXTI_FTSR
        put 0x40010400, 0x10           // EXTI_IMR
        put NVIC_ISER, 0x80
        {SLEEP}
    irq7:
        put 0x40010414, 0x10
        bx lr
    """)
    assert chip.run(10**6) is Stop.ASLEEP
    assert chip.standing_still
    chip.spi_master.select(on=True)
    chip.run(10**6)
    assert chip.word() == 1


def test_what_the_master_may_not_do_is_told() -> None:
    chip = spi(SPE | CPHA)
    chip.spi_master.transfer(b"\x01", HZ)
    assert "mode 0, SPI1 is set to mode 1" in chip.notes["SPI1"]
    chip = spi()
    chip.spi_master.transfer(b"\x01", 2_000_000)
    assert "faster than half of SPI1's bus clock" in chip.notes["SPI1"]


@pytest.mark.parametrize(("register", "bits"), [("SPI1_CR1", MSTR), ("SPI1_CR1", 1 << 13), ("SPI1_CR2", 1 << 4)])
def test_master_crc_and_the_frame_format_of_ti_are_refused(register: str, bits: int) -> None:
    with pytest.raises(NotModelledError, match=register):
        spi(0).write(register, bits)


def test_the_mode_may_not_change_under_way() -> None:
    with pytest.raises(NotModelledError, match="while SPE is set"):
        spi().write("SPI1_CR1", SPE | CPOL)


@settings(max_examples=15, deadline=None)
@given(st.binary(min_size=1, max_size=12), st.integers(5_000, 30_000))
def test_echo_by_interrupt_on_the_core(data: bytes, hz: int) -> None:
    """Each byte comes back one frame later."""
    with Bench("""
    main:
        put 0x4002102C, 1
        put 0x40021034, 0x1000
        put 0x50000000, 0xEBFFAAFF
        put 0x40013004, 0x40       // RXNEIE
        put 0x4001300C, 0xEE
        put 0x40013000, 0x40
        put NVIC_ISER, 0x2000000
    1:  wfi
        b 1b
    irq25:
        ldr r0, =0x40013000
        ldr r1, [r0, #0xC]
        str r1, [r0, #0xC]
        bx lr
    """) as chip:
        chip.run(10_000)
        assert chip.spi_master.transfer(data, hz) == bytes([0xEE, *data[:-1]])
        assert not chip.notes
