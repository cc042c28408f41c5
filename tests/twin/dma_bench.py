"""DMA1 and SPI1 set up for each other: from outside, and by programs on the core."""

from __future__ import annotations

from hil.emulator.twin.stm32l031.dma import DIR, EN, MINC
from hil.emulator.twin.stm32l031.spi import RXDMAEN, SPE, TXDMAEN
from tests.twin.snippets import Bench

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
SLEEPS = "main:" + SETUP + "1: wfi; b 1b"
BUSY = "main: " + SETUP + "1: b 1b"
