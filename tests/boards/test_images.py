"""What is flashed, of every board: vectors, memories, and the bytes that a boot ROM or the chip itself looks at."""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from hil.resources import firmware_dir
from tests.boards.firmwares import chips, firmwares, image
from tests.boards.svd import interrupt

if TYPE_CHECKING:
    from hil.board import Board

BOARDS = chips()
VECTORS_AT = {"rp2040": 0x100}
"""Offset of the vector table in the flash, where it is not its begin."""

LINK = {
    "stm32l0": ("STM32L0x1.svd", "USART2"),
    "stm32f0": ("STM32F0xx.svd", "USART2"),
    "nrf51": ("nrf51.svd", "UART0"),
    "kinetis": ("MKL25Z4.svd", "UART0"),
    "lpc8xx": ("LPC845.xml", "USART0"),
}
RP2040_UART0 = 20  # pico-sdk a1438df, RP2040.svd, which pyOCD does not ship


def on(port: str) -> list[Board]:
    found = [board for board in BOARDS if board.port == port]
    assert found
    return found


def words(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data)


def symbols(name: str) -> dict[str, int]:
    with firmwares()[name].elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return {each.name: each["st_value"] for each in table.iter_symbols()}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_vectors(board: Board) -> None:
    at = VECTORS_AT.get(board.port, 0)
    table, known = words(image(board.name)[at : at + 4 * 48]), symbols(board.name)
    ram, flash, artefact = board.memory.ram, board.memory.flash, firmwares()[board.name]
    assert ram.origin < table[0] <= ram.origin + ram.bytes
    assert table[0] % 8 == 0
    assert table[0] == known["stack_top"]
    assert table[1] == known["startup_reset"]
    vectors = [word for number, word in enumerate(table[1:], 1) if (board.port, number) != ("lpc8xx", 7)]
    for vector in vectors:
        assert vector & 1
        assert flash.origin <= vector < flash.origin + artefact.flash_bytes
    assert table[3] == known["startup_fault"]
    number = RP2040_UART0 if board.port == "rp2040" else interrupt(*LINK[board.port])
    handlers = {position - 16: word for position, word in enumerate(table) if position >= 16}
    handler = known["nrf51_uart_handler" if board.port == "nrf51" else "uart_link_handler"]
    assert [position for position, word in handlers.items() if word == handler] == [number]
    expected = {known["startup_fault"], handler, known.get("stm32l0_lptim1_handler")}
    assert set(handlers.values()) <= expected


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_memories_hold_it_and_lie_apart(board: Board) -> None:
    artefact, memory, slot = firmwares()[board.name], board.memory, board.image_slot
    data = image(board.name)
    assert len(data) == artefact.flash_bytes
    assert memory.flash.origin + len(data) <= slot.origin
    assert slot.origin + slot.bytes <= memory.flash.origin + memory.flash.bytes
    page = memory.flash.page_bytes
    assert (slot.origin - memory.flash.origin) % page == slot.bytes % page == 0
    regions = sorted(
        (each.origin, each.bytes) for each in (memory.flash, memory.ram, memory.eeprom) if each is not None
    )
    assert all(first + size <= second for (first, size), (second, _) in pairwise(regions))


@pytest.mark.parametrize("board", on("kinetis"), ids=lambda board: board.name)
def test_the_flash_configuration_field_leaves_the_chip_open(board: Board) -> None:
    """KL25P80M48SF0RM, flash configuration field: no key, nothing protected, FSEC 0xFE: SEC 10 is 'not secured'."""
    field = image(board.name)[0x400:0x410]
    assert field == bytes.fromhex("ffffffffffffffff ffffffff fe ff ffff")
    assert field[12] & 3 == 2, "SEC"
    assert field[12] >> 4 & 3 != 2, "MEEN: mass erase must stay possible"


@pytest.mark.parametrize("board", on("lpc8xx"), ids=lambda board: board.name)
def test_the_boot_rom_finds_a_program_and_no_read_protection(board: Board) -> None:
    """The first eight words sum to zero; at 0x2FC is no pattern of code read protection."""
    data = image(board.name)
    assert sum(words(data[:32])) % 2**32 == 0
    assert data[0x2FC:0x300] == b"\xff" * 4


def crc(data: bytes) -> int:
    """CRC-32 as the RP2040's boot ROM reckons it: most significant bit first, from all ones on, nothing inverted."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def test_the_crc_is_that_of_the_published_check_value() -> None:
    """CRC-32/MPEG-2."""
    assert crc(b"123456789") == 0x0376E6E7


@pytest.mark.parametrize("board", on("rp2040"), ids=lambda board: board.name)
def test_the_second_boot_stage_has_its_crc(board: Board) -> None:
    data = image(board.name)
    assert words(data[252:256]) == (crc(data[:252]),)
    assert len(data[:252].rstrip(b"\0")) > 60


@pytest.mark.parametrize("board", [each for each in BOARDS if each.port != "rp2040"], ids=lambda board: board.name)
def test_nothing_comes_before_the_vectors_of_others(board: Board) -> None:
    with firmwares()[board.name].elf.open("rb") as stream:
        assert ELFFile(stream).get_section_by_name(".boot") is None


def test_functions_without_a_prologue_hold_basic_assembly_alone() -> None:
    """GCC documents no other in them: an operand may need a register, or a stack that is not there yet."""
    naked = re.compile(r"__attribute__\(\(naked\)\)[^{]*\{(.*?)^\}", re.DOTALL | re.MULTILINE)
    bodies = [
        body for path in firmware_dir().rglob("port/**/*.c") for body in naked.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(bodies) >= 2
    for body in bodies:
        assert ":" not in re.sub(r'"(\\.|[^"\\])*"', "", body), body
