"""NVMC of the twin's nRF51822: by code on its core, by stock pyOCD, and by our session."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from pyocd.core.session import Session
from pyocd.flash.file_programmer import FileProgrammer
from pyocd.target import TARGET

from hil.emulator.power import PoweredBoard, power
from hil.emulator.twin.core import Stop
from hil.emulator.twin.nrf51 import nvmc
from hil.emulator.twin.nrf51.part import RAM_BYTES, RAM_ORIGIN
from hil.flash import FlashSession
from hil.probe.emulated import EmulatedProbe
from tests.twin.nrf51.bench import BOARD, Bench51

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = 0x3FC00
ENABLE = "put 0x4001E504, 1\n"
END = "1: wfi\nb 1b\n"


def run(code: str) -> Bench51:
    chip = Bench51(f"main: {code}{END}")
    chip.run(chip.now() + 10_000_000)
    return chip


def flash_word(chip: Bench51, at: int = AT) -> int:
    return int.from_bytes(bytes(chip.flash_content[at : at + 4]), "little")


def test_a_write_clears_bits_and_the_core_waits_for_it() -> None:
    with run(f"{ENABLE}put {AT:#x}, 0x12FF34FF\n") as chip, run(f"{ENABLE}put 0x20000000, 0x12FF34FF\n") as other:
        assert flash_word(chip) == 0x12FF34FF
        assert chip.now() - other.now() == chip.cycles(nvmc.WRITE)
        assert not chip.notes


def test_what_is_not_erased_keeps_its_zeros() -> None:
    with run(f"{ENABLE}put {AT:#x}, 0x0F0F0F0F\nput {AT:#x}, 0xFF00FF00\n") as chip:
        assert flash_word(chip) == 0x0F000F00
        assert "not erased" in chip.notes["NVMC"]


def test_a_store_that_is_not_enabled_is_lost_and_noted() -> None:
    with run(f"put {AT:#x}, 0\n") as chip:
        assert flash_word(chip) == 0xFFFFFFFF
        assert "does not enable writing" in chip.notes["NVMC CONFIG"]


def test_a_store_of_a_byte_faults() -> None:
    with run(f"{ENABLE}ldr r0, ={AT:#x}\nstrb r0, [r0]\n") as chip:
        assert "takes words alone" in chip.fault_words()
        assert flash_word(chip) == 0xFFFFFFFF


def test_a_page_is_erased_alone() -> None:
    with Bench51(f"main: put 0x4001E504, 2\nput 0x4001E508, {AT:#x}\n{END}") as chip:
        chip.flash_content[AT - 4 :] = [0] * 0x404
        chip.run(chip.now() + 10_000_000)
        assert flash_word(chip, AT - 4) == 0
        assert bytes(chip.flash_content[AT : AT + 0x400]) == b"\xff" * 0x400
        assert chip.now() > chip.cycles(nvmc.ERASE_PAGE)


@pytest.mark.parametrize("register", ["0x4001E508", "0x4001E50C", "0x4001E514"])
def test_nothing_is_erased_that_is_not_enabled(register: str) -> None:
    with Bench51(f"main: put {register}, 1\n{END}") as chip:
        before = bytes(chip.flash_content)
        chip.run(chip.now() + 10_000_000)
        assert bytes(chip.flash_content) == before
        assert "NVMC erase" in chip.notes


def test_uicr_is_written_through_the_nvmc_and_erased_with_all() -> None:
    with Bench51() as chip:
        chip.write("NVMC_CONFIG", 1)
        chip.by_name["UICR"].write(0x80, 4, 0x1234)
        assert chip.by_name["UICR"].read(0x80, 4) == 0x1234
        chip.reset()
        assert chip.by_name["UICR"].read(0x80, 4) == 0x1234
        chip.write("NVMC_CONFIG", 2)
        chip.write("NVMC_ERASEALL", 1)
        assert chip.by_name["UICR"].read(0x80, 4) == 0xFFFFFFFF
        assert bytes(chip.flash_content) == b"\xff" * nvmc.FLASH_BYTES


def test_erased_code_is_not_executed_from_a_cache() -> None:
    """The core has run the routine before it is replaced."""
    code = f"""
    main: bl two
    put 0x4001E504, 2
    put 0x4001E508, 0x400
    put 0x4001E504, 1
    put 0x400, 0x47702003             @ movs r0, #3; bx lr
    bl two
    ldr r1, =RESULT
    str r0, [r1]
    {END}
    .ltorg
    .org 0x400
    two: movs r0, #2; bx lr
    """
    with Bench51(code) as chip:
        assert chip.run(chip.now() + 10_000_000) in {Stop.DUE, Stop.ASLEEP}
        assert chip.word() == 3, chip.fault_words()


def test_what_the_twin_has_is_what_pyocd_says_of_the_part() -> None:
    regions = [(each.start, each.length) for each in TARGET["nrf51"].MEMORY_MAP]
    assert regions == [(0, nvmc.FLASH_BYTES), (nvmc.UICR_BASE, nvmc.UICR_BYTES), (RAM_ORIGIN, RAM_BYTES)]
    assert BOARD.memory.flash.page_bytes == nvmc.PAGE_BYTES


@pytest.fixture
def powered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PoweredBoard]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with power(BOARD, "twin") as board:
        yield board


def stock(board: PoweredBoard) -> Any:
    """The session that ``pyocd flash -t nrf51`` opens."""
    return Session(EmulatedProbe.of(board), options={"target_override": "nrf51", "chip_erase": "sector"})


def test_stock_pyocd_programs_it_with_its_own_algorithm(powered: PoweredBoard, tmp_path: Path) -> None:
    file = tmp_path / "image.bin"
    file.write_bytes(random.Random(1).randbytes(20_000))
    with stock(powered) as session:
        FileProgrammer(session).program(str(file), base_address=0x2000)
        assert session.target.read_memory_block8(0x2000, 20_000) == list(file.read_bytes())
        session.target.mass_erase()
        assert set(session.target.read_memory_block8(0, nvmc.FLASH_BYTES)) == {0xFF}


def test_our_session_programs_it_and_another_emulator_finds_it(powered: PoweredBoard) -> None:
    image = random.Random(2).randbytes(3000)
    with FlashSession(BOARD, powered.probe_uid) as session:
        session.program_blob(image, BOARD.image_slot.origin)
    at = BOARD.image_slot.origin
    assert powered.machine.flash_image()[at : at + 3000] == image
    assert not powered.machine.status().noticed
    powered.close()
    with power(BOARD, "qemu") as other:
        assert other.machine.flash_image()[at : at + 3000] == image
