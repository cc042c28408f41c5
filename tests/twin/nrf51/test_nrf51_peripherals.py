"""POWER, CLOCK, GPIO, TIMER0 and UART0 of the twin's nRF51822."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import pytest

from hil.emulator.twin.nrf51 import power, uart
from hil.emulator.twin.nrf51.part import Nrf51822
from hil.emulator.twin.registers import NotModelledError
from tests.twin.nrf51.bench import BAUD, PINS, Bench51

HZ: Final = 16_000_000
BYTE: Final = 10 * HZ // BAUD + 1


# POWER and CLOCK


def test_the_crystal_takes_its_time() -> None:
    with Bench51() as chip:
        chip.write("CLOCK_TASKS_HFCLKSTART", 1)
        assert chip.read("CLOCK_HFCLKRUN") == 1
        chip.wait(int(power.CRYSTAL * HZ) - 200)
        assert (chip.read("CLOCK_EVENTS_HFCLKSTARTED"), chip.read("CLOCK_HFCLKSTAT") & 1) == (0, 0)
        chip.wait(400)
        assert (chip.read("CLOCK_EVENTS_HFCLKSTARTED"), chip.read("CLOCK_HFCLKSTAT") & 1) == (1, 1)
        chip.write("CLOCK_TASKS_HFCLKSTOP", 1)
        assert chip.read("CLOCK_HFCLKSTAT") & 1 == 0


def test_why_it_was_reset() -> None:
    with Bench51() as chip:
        assert chip.read("POWER_RESETREAS") == 0
        chip.write("POWER_GPREGRET", 0x5A)
        chip.reset()
        assert chip.read("POWER_RESETREAS") == power.RESET_BY_PIN
        chip.reset_by_software()
        chip.reset()
        assert chip.read("POWER_RESETREAS") == power.RESET_BY_PIN | power.RESET_BY_SOFTWARE
        assert chip.read("POWER_GPREGRET") == 0x5A
        chip.write("POWER_RESETREAS", power.RESET_BY_PIN)
        assert chip.read("POWER_RESETREAS") == power.RESET_BY_SOFTWARE


def test_firmware_resets_itself() -> None:
    code = """
    main: ldr r0, =0x40000400; ldr r1, [r0]; cmp r1, #4; beq 1f
    put 0xE000ED0C, 0x05FA0004
    b .
    1: put RESULT, 7
    2: wfi; b 2b
    """
    with Bench51(code) as chip:
        chip.wait(1000)
        assert chip.word() == 7


# GPIO


def test_pins() -> None:
    with Bench51() as chip:
        chip.write("GPIO_OUTSET", 1 << 5)
        assert not chip.gpio.level(5)
        chip.write("GPIO_DIRSET", 1 << 5)
        assert chip.gpio.level(5)
        assert chip.read("GPIO_PIN_CNF5") == 3
        chip.write("GPIO_OUTCLR", 1 << 5)
        assert not chip.gpio.level(5)
        chip.write("GPIO_PIN_CNF6", 0xC)
        assert chip.read("GPIO_IN") == 1 << 6
        chip.gpio.drive(6, level=False)
        assert chip.read("GPIO_IN") == 0
        chip.gpio.drive(7, level=True)
        assert chip.read("GPIO_IN") == 0  # its input buffer is disconnected after reset
        chip.write("GPIO_PIN_CNF7", 0)
        assert chip.read("GPIO_IN") == 1 << 7


@pytest.mark.parametrize("pins", [("P0.24", "P0.32"), ("PA2", "P0.25"), ("", "P0.25")])
def test_pins_that_it_has_not(pins: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"UART0 is on pins from P0.0 to P0.31"):
        Nrf51822(BAUD, pins)


# TIMER0


def test_it_counts_the_cores_cycles() -> None:
    """Two captures by the core itself: STR takes 2 cycles, and each MOVS 1."""
    code = """
    main: ldr r0, =0x40008000; movs r1, #1
    ldr r2, =0x508; movs r3, #3; str r3, [r0, r2]
    ldr r2, =0x510; movs r3, #0; str r3, [r0, r2]
    str r1, [r0]
    str r1, [r0, #0x40]
    movs r3, #0; movs r3, #0; movs r3, #0
    str r1, [r0, #0x44]
    ldr r2, =0x540; ldr r4, [r0, r2]
    ldr r2, =0x544; ldr r5, [r0, r2]
    subs r5, r4
    ldr r0, =RESULT; str r5, [r0]
    1: wfi; b 1b
    """
    with Bench51(code) as chip:
        chip.wait(1000)
        assert chip.word() == 5


@pytest.mark.parametrize(("bitmode", "bits"), [(0, 16), (1, 8), (2, 24), (3, 32)])
def test_how_wide_it_is(bitmode: int, bits: int) -> None:
    with Bench51() as chip:
        chip.write("TIMER0_BITMODE", bitmode)
        chip.write("TIMER0_PRESCALER", 0)
        chip.write("TIMER0_TASKS_START", 1)
        chip.wait((1 << bits) - 50)
        chip.write("TIMER0_TASKS_CAPTURE0", 1)
        assert (1 << bits) - 50 <= chip.read("TIMER0_CC0") < 1 << bits
        chip.wait(100)
        chip.write("TIMER0_TASKS_CAPTURE0", 1)
        assert 50 <= chip.read("TIMER0_CC0") < 100


def test_compare_clears_stops_and_interrupts() -> None:
    handler = "irq8: push {lr}; put 0x40008140, 0; ldr r0, =RESULT; ldr r1, [r0]; adds r1, #1; str r1, [r0]; pop {pc}\n"
    with Bench51("main: put RESULT, 0\nput NVIC_ISER, 0x100\n1: wfi; b 1b\n" + handler) as chip:
        chip.wait(100)
        chip.write("TIMER0_PRESCALER", 4)
        chip.write("TIMER0_CC0", 100)
        chip.write("TIMER0_SHORTS", 1)
        chip.write("TIMER0_INTENSET", 1 << 16)
        chip.write("TIMER0_TASKS_START", 1)
        chip.wait(16 * 100 * 5 + 800)
        assert chip.word() == 5
        chip.write("TIMER0_SHORTS", 0x101)
        chip.wait(16 * 100 * 5)
        assert chip.word() == 6


def test_a_compare_that_does_nothing_is_seen_by_who_asks() -> None:
    with Bench51() as chip:
        chip.write("TIMER0_CC2", 1000)
        chip.write("TIMER0_TASKS_START", 1)
        chip.wait(16 * 999)
        assert chip.read("TIMER0_EVENTS_COMPARE2") == 0
        chip.wait(16 * 2)
        assert chip.read("TIMER0_EVENTS_COMPARE2") == 1
        with pytest.raises(NotModelledError, match="while TIMER0 runs"):
            chip.write("TIMER0_PRESCALER", 0)


# UART0


def ready(chip: Bench51, register: int = 0x01D7E000) -> None:
    chip.write("CLOCK_TASKS_HFCLKSTART", 1)
    chip.wait(int(power.CRYSTAL * HZ) + 100)
    chip.write("UART0_PSELTXD", int(PINS[0][3:]))
    chip.write("UART0_PSELRXD", int(PINS[1][3:]))
    chip.write("UART0_BAUDRATE", register)
    chip.write("UART0_ENABLE", 4)
    chip.write("UART0_TASKS_STARTTX", 1)
    chip.write("UART0_TASKS_STARTRX", 1)


def test_bytes_arrive_one_event_each() -> None:
    with Bench51() as chip:
        ready(chip)
        chip.serial.send(b"abc")
        chip.wait(BYTE - 20)
        assert not chip.read("UART0_EVENTS_RXDRDY")
        chip.wait(3 * BYTE)
        got = []
        while chip.read("UART0_EVENTS_RXDRDY"):
            chip.write("UART0_EVENTS_RXDRDY", 0)
            got.append(chip.read("UART0_RXD"))
        assert bytes(got) == b"abc"
        assert not chip.notes


def test_clearing_the_event_behind_the_read_loses_that_of_the_next_byte() -> None:
    with Bench51() as chip:
        ready(chip)
        chip.serial.send(b"ab")
        chip.wait(3 * BYTE)
        assert chip.read("UART0_RXD") == ord("a")
        chip.write("UART0_EVENTS_RXDRDY", 0)
        assert not chip.read("UART0_EVENTS_RXDRDY")


def test_six_bytes_wait_and_the_seventh_is_lost() -> None:
    with Bench51() as chip:
        ready(chip)
        chip.serial.send(bytes(range(8)))
        chip.wait(6 * BYTE + 100)
        assert not chip.read("UART0_EVENTS_ERROR")
        chip.wait(3 * BYTE)
        assert chip.read("UART0_EVENTS_ERROR")
        assert chip.read("UART0_ERRORSRC") == uart.OVERRUN
        chip.write("UART0_ERRORSRC", uart.OVERRUN)
        assert chip.read("UART0_ERRORSRC") == 0
        assert [chip.read("UART0_RXD") for _ in range(6)] == list(range(6))


def test_a_byte_leaves_in_its_time() -> None:
    with Bench51() as chip:
        ready(chip)
        chip.write("UART0_TXD", 0x41)
        chip.wait(BYTE - 20)
        assert not chip.serial.to_host
        assert not chip.read("UART0_EVENTS_TXDRDY")
        chip.wait(40)
        assert chip.serial.to_host == b"A"
        assert chip.read("UART0_EVENTS_TXDRDY")
        chip.write("UART0_TXD", 0x42)
        chip.write("UART0_TXD", 0x43)
        chip.wait(2 * BYTE)
        assert chip.serial.to_host == b"AB"
        assert "one is lost" in chip.notes["UART0 TXD"]


def test_another_baud_rate_garbles_and_is_noted() -> None:
    with Bench51() as chip:
        ready(chip, 0x00EBF000)
        chip.write("UART0_TXD", 0x41)
        chip.wait(3 * BYTE)
        assert bytes(chip.serial.to_host) not in {b"A", b""}
        chip.serial.send(b"A")
        chip.wait(3 * BYTE)
        assert chip.read("UART0_RXD") != 0x41
        assert "57" in chip.notes["UART0 baud"]


@pytest.mark.parametrize(
    ("register", "value", "words"),
    [
        ("UART0_PSELRXD", 3, "PSELRXD is not P0.25"),
        ("UART0_ENABLE", 0, "its receiver is off"),
        ("UART0_TASKS_STOPRX", 1, "its receiver is off"),
    ],
)
def test_why_a_byte_is_lost(register: str, value: int, words: str) -> None:
    with Bench51() as chip:
        ready(chip)
        chip.write(register, value)
        chip.serial.send(b"a")
        chip.wait(2 * BYTE)
        assert words in chip.notes["UART0 RX"]
        assert not chip.read("UART0_EVENTS_RXDRDY")


def test_the_rc_oscillator_is_noted() -> None:
    with Bench51() as chip:
        ready(chip)
        chip.write("CLOCK_TASKS_HFCLKSTOP", 1)
        chip.write("UART0_TXD", 1)
        assert "RC oscillator" in chip.notes["UART0 clock"]


def test_a_byte_wakes_the_core_through_its_interrupt() -> None:
    handler = """
    irq2: push {lr}
    put 0x40002108, 0
    ldr r0, =0x40002518; ldr r1, [r0]
    ldr r0, =RESULT; str r1, [r0]
    pop {pc}
    """
    with Bench51("main: put NVIC_ISER, 4\n1: wfi; b 1b\n" + handler) as chip:
        ready(chip)
        chip.write("UART0_INTENSET", 4)
        chip.serial.send(b"Q")
        chip.wait(2 * BYTE)
        assert chip.word() == ord("Q")
        assert Fraction(chip.now(), HZ) == chip.seconds()
