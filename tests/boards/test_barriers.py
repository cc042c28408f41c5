"""Order for what reaches memory beside the core: a barrier before each sleep, and on both sides of a DMA transfer."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build
from hil.resources import firmware_dir
from tests.boards.firmwares import chips, firmwares

if TYPE_CHECKING:
    from pathlib import Path

OVER_SPI = [board.name for board in chips() if board.links.spi is not None]
INSTRUCTION = re.compile(r"^ *[0-9a-f]+:\t[0-9a-f ]+\t(\w\S*)", re.MULTILINE)
ENABLES = {"stm32l0": r"DMA_CCR\(\w+\) = .*DMA_CCR_EN", "nrf51": "SPIS1_TASKS_RELEASE = 1"}
"""What hands the blocks over, by port."""


@cache
def disassembled(elf: Path) -> dict[str, list[str]]:
    """Mnemonics of each function, in the order of its code."""
    command = ["arm-none-eabi-objdump", "--disassemble", str(elf)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    parts = re.split(r"^[0-9a-f]+ <(\w+)>:$", text, flags=re.MULTILINE)
    return {name: INSTRUCTION.findall(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def over_spi(name: str) -> dict[str, list[str]]:
    return disassembled(build(load_board(name), link="spi").elf)


def check_sleeps(functions: dict[str, list[str]]) -> None:
    sleeps = [(code, at) for code in functions.values() for at, each in enumerate(code) if each == "wfi"]
    assert sleeps
    assert all(code[at - 1] == "dsb" for code, at in sleeps)


@pytest.mark.parametrize("name", [board.name for board in chips()])
def test_stores_have_arrived_before_the_core_sleeps(name: str) -> None:
    check_sleeps(disassembled(firmwares()[name].elf))


@pytest.mark.parametrize("name", OVER_SPI)
def test_stores_have_arrived_before_the_core_sleeps_over_spi(name: str) -> None:
    check_sleeps(over_spi(name))


@pytest.mark.parametrize("name", OVER_SPI)
def test_the_blocks_are_written_before_a_transfer_and_read_behind_it(name: str) -> None:
    functions = over_spi(name)
    assert functions["spi_port_arm"].count("dmb") == 1
    ended = functions["spi_link_ended"]
    assert not [each for each in ended[: ended.index("dmb")] if each.startswith(("ldrb", "str", "bl"))]


@pytest.mark.parametrize("name", OVER_SPI)
def test_the_barrier_comes_before_what_hands_the_blocks_over(name: str) -> None:
    """By the source, as code that has been optimised does not tell what a store is for."""
    port = load_board(name).port
    source = (firmware_dir() / "port" / port / "spi.c").read_text(encoding="utf-8")
    arm = source[source.index("void spi_port_arm(") :]
    arm = arm[: arm.index("\n}\n")]
    enabled = re.search(ENABLES[port], arm)
    assert enabled is not None
    assert 0 < arm.find("barrier_order();") < enabled.start()
