"""FLASH's registers are what ST's SVD file says, or differ for a reason, as `test_registers` has it for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pyocd.debug.svd.loader import SVDFile

from hil.emulator.twin.stm32l031.flash import BASE, Flash
from tests.twin.flash_lab import Lab
from tests.twin.test_registers import has, mask

if TYPE_CHECKING:
    from pyocd.debug.svd.model import SVDRegister

NAMES: Final = {"OBR": "OPTR", "WRPR": "WRPROT1"}
"""The SVD file has the names of an older manual; stm32l031xx.h and stm32-rs have these."""

WRITABLE: Final = {
    "ACR": (0x6B, "RUN_PD (4) is locked until PDKEYR has got its keys, and each is refused"),
    "PECR": (0x008F871F, "HALF_ARRAY (19) is in the header; NZDISABLE (23) in the manual (recalled)"),
    "SR": (0x00032F02, "RDERR is bit 13 in the header and in ST's HAL; EOP is cleared by writing 1 (HAL)"),
    "WRPROT1": (0, "loaded from the option bytes, read-only"),
}
RESET: Final = {
    "SR": (0xC, "READY is set when firmware starts (recalled)"),
    "OPTR": (0x807000AA, "loaded from the option bytes: those of a new chip (recalled)"),
}


@pytest.fixture(scope="module")
def svd() -> dict[str, SVDRegister]:
    file = SVDFile.from_builtin("STM32L0x1.svd")
    file.load()
    assert file.device is not None
    flash = next(each for each in file.device.peripherals if each.base_address == BASE)
    assert [each.value for each in flash.interrupts] == [3]
    return {NAMES.get(each.name, each.name): each for each in flash.registers}


def test_the_same_registers(svd: dict[str, SVDRegister]) -> None:
    assert {each.name: each.offset for each in Flash.REGISTERS} == {
        name: each.address_offset for name, each in svd.items()
    }


def test_reset_values(svd: dict[str, SVDRegister]) -> None:
    with Lab() as lab:
        for name, value in lab.chip.flash.value.items():
            assert value == RESET.get(name, (svd[name].reset_value, ""))[0], name


def test_each_bit_that_can_be_written(svd: dict[str, SVDRegister]) -> None:
    for register in Flash.REGISTERS:
        theirs = sum(mask(field) for field in svd[register.name].fields if has(field, svd[register.name]))
        ours = register.writable | register.unmodelled | register.acts
        assert ours == WRITABLE.get(register.name, (theirs, ""))[0], register.name
        assert register.name not in WRITABLE or ours != theirs, f"{register.name} needs no exception"


def test_run_pd_stays_locked() -> None:
    with Lab() as lab:
        lab.run("ldr r1, =0x7a\nstr r1, [r7]\nldr r2, [r7]")
        assert lab["r2"] == 0x6A


def test_option_bytes_and_the_size_of_flash_can_be_read() -> None:
    with Lab() as lab:
        lab.run("""
            ldr r0, =0x1ff80000
            ldr r2, [r0]
            ldr r3, [r0, #4]
            ldr r4, [r0, #0x7c]
            ldr r5, [r7, #0x1c]
            write 0, 0x1ff80000
            ldr r6, [r7, #SR]""")
        assert [lab["r2"] & 0xFFFF, lab["r3"] & 0xFFFF] == [lab["r5"] & 0xFFFF, lab["r5"] >> 16]
        assert all(word >> 16 == word & 0xFFFF ^ 0xFFFF for word in (lab["r2"], lab["r3"]))
        assert lab["r4"] & 0xFFFF == 32
        assert lab["r6"] == 0x10C  # WRPERR
