"""FLASH of the emulated STM32L031: each rule shown by code on its core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.flash import (
    BSY,
    EEPROM_ORIGIN,
    ENDHV,
    EOP,
    ERRORS,
    FLASH_ORIGIN,
    FWWERR,
    NOTZEROERR,
    PGAERR,
    READY,
    SIZERR,
    WRPERR,
)
from tests.twin.flash_lab import CODE, LONG, TPROG, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = FLASH_ORIGIN + 0x1000
ERASE = "set PECR, 0x208"
HALF_PAGE = "set PECR, 0x408"
LOAD = """
        ldr r0, ={first}
        movs r2, #{words}
1:      str r2, [r0]
        adds r0, #{step}
        subs r2, #1
        bne 1b
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


# Used as it should be


def test_a_word_is_programmed_in_the_time_it_takes(lab: Lab) -> None:
    lab.run("""
        unlock
        write 0x12345678, PAGE+4
        ldr r2, [r7, #SR]
        wait
        ldr r3, [r7, #SR]""")
    assert lab["r2"] == BSY | READY
    assert lab["r3"] == EOP | ENDHV | READY
    assert lab.word(PAGE + 4) == 0x12345678
    assert lab.word(PAGE) == lab.word(PAGE + 8) == 0
    assert float(lab.chip.seconds()) == pytest.approx(TPROG, rel=0.01)


def test_a_page_is_erased_and_no_more(lab: Lab) -> None:
    lab.chip.flash_content[0x1000 - 128 : 0x1000 + 256] = b"\xa5" * 384
    lab.run(f"unlock\n{ERASE}\nwrite 0xffffffff, PAGE+0x44\nwait")
    assert bytes(lab.chip.flash_content[0x1000 - 128 : 0x1000 + 256]) == b"\xa5" * 128 + bytes(128) + b"\xa5" * 128
    assert lab.sr & ERRORS == 0


@pytest.mark.parametrize("step", [0, 4], ids=["all words to the first address, as ST's HAL", "word by word"])
def test_a_half_page_is_programmed_in_one_operation(lab: Lab, step: int) -> None:
    lab.run(f"unlock\n{HALF_PAGE}" + LOAD.format(first="PAGE+64", words=16, step=step) + "wait")
    assert [lab.word(PAGE + 64 + 4 * n) for n in range(16)] == list(range(16, 0, -1))
    assert lab.word(PAGE + 60) == lab.word(PAGE + 128) == 0
    assert lab.sr & (ERRORS | EOP) == EOP
    assert float(lab.chip.seconds()) == pytest.approx(TPROG, rel=0.05)


@pytest.mark.parametrize("store", ["strb", "strh", "str"])
@pytest.mark.parametrize(
    ("old", "fix", "phases"), [(0, False, 1), (0, True, 2), (0x80000000, False, 2), (0xFFFFFFFF, True, 2)]
)
def test_the_eeprom_takes_bytes_halfwords_and_words(lab: Lab, store: str, old: int, fix: bool, phases: int) -> None:
    lab.chip.eeprom_content[0x20:0x24] = old.to_bytes(4, "little")
    lab.run(f"""
        set PEKEYR, 0x89abcdef
        set PEKEYR, 0x02030405
        set PECR, {0x100 if fix else 0}
        ldr r0, =EEPROM+0x20
        ldr r1, =0x76543210
        {store} r1, [r0]
        wait
        ldr r5, [r0]""")
    kept = {"strb": 0xFFFFFF00, "strh": 0xFFFF0000, "str": 0}[store]
    assert lab["r5"] == old & kept | 0x76543210 & ~kept
    assert lab.sr & (ERRORS | EOP) == EOP
    assert float(lab.chip.seconds()) == pytest.approx(phases * TPROG, rel=0.01)


def test_a_word_of_the_eeprom_is_erased(lab: Lab) -> None:
    lab.chip.eeprom_content[:12] = b"\xff" * 12
    lab.run("unlock\nset PECR, 0x210\nwrite 0x55, EEPROM+4\nwait")
    assert bytes(lab.chip.eeprom_content[:12]) == b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff"


def test_flags_are_cleared_by_writing_ones(lab: Lab) -> None:
    lab.run("""
        write 1, PAGE
        unlock
        write 1, PAGE
        wait
        ldr r2, [r7, #SR]
        set SR, 2
        ldr r3, [r7, #SR]
        set SR, 0x100
        ldr r4, [r7, #SR]""")
    assert lab["r2"] == WRPERR | EOP | ENDHV | READY
    assert lab["r3"] == WRPERR | ENDHV | READY
    assert lab["r4"] == ENDHV | READY


INTERRUPT = """
        ldr r0, =0x20000000
        ldr r1, =0xe000ed08
        str r0, [r1]            @ VTOR: vectors in RAM
        ldr r1, =handler+1
        str r1, [r0, #19*4]     @ FLASH
        movs r1, #8
        ldr r0, =0xe000e100
        str r1, [r0]
        movs r5, #0
        unlock
        {setup}
        {act}
        ldr r0, =1000
1:      subs r0, #1
        bne 1b
        bkpt 0
        .ltorg
handler:
        adds r5, #1
        ldr r4, [r7, #SR]
        ldr r1, =0x37702
        str r1, [r7, #SR]
        bx lr
"""


@pytest.mark.parametrize(
    ("enable", "act", "flag"),
    [
        ("0x10000", "write 1, PAGE\nwait", EOP),
        ("0x20000", "write 1, PAGE\nwait", 0),
        ("0x20000", "ldr r0, =PAGE\nstrh r1, [r0]", SIZERR),
        ("0x10000", "ldr r0, =PAGE\nstrh r1, [r0]", 0),
    ],
)
def test_interrupts(lab: Lab, enable: str, act: str, flag: int) -> None:
    lab.run(INTERRUPT.format(setup=f"set PECR, {enable}", act=act))
    assert lab["r5"] == bool(flag)
    if flag:
        assert lab["r4"] & (ERRORS | EOP) == flag


# Used wrongly


def test_no_unlock_no_write(lab: Lab) -> None:
    lab.run("write 1, PAGE\nldr r2, [r7, #SR]\nwrite 1, EEPROM\nldr r3, [r7, #SR]")
    assert lab["r2"] == lab["r3"] == WRPERR | ENDHV | READY
    assert lab.word(PAGE) == lab.word(EEPROM_ORIGIN) == 0
    lab.run("set SR, 0x100\nset PEKEYR, 0x89abcdef\nset PEKEYR, 0x02030405\nwrite 1, PAGE")
    assert lab.sr & ERRORS == WRPERR  # PRGLOCK is still set
    lab.run("set SR, 0x100\nset PRGKEYR, 0x8c9daebf\nset PRGKEYR, 0x13141516\nset PECR, 2\nwrite 1, PAGE")
    assert lab.sr & ERRORS == WRPERR  # and set again


def test_pecr_takes_nothing_while_it_is_locked(lab: Lab) -> None:
    lab.run("set PECR, 0x208\nldr r2, [r7, #PECR]\nunlock\nset PECR, 0x208\nldr r3, [r7, #PECR]")
    assert (lab["r2"], lab["r3"]) == (7, 0x20C)
    lab.run("set PECR, 1\nldr r2, [r7, #PECR]")
    assert lab["r2"] == 7


def test_keys_of_the_memory_are_nothing_while_pecr_is_locked(lab: Lab) -> None:
    lab.run("set PRGKEYR, 0x8c9daebf\nset PRGKEYR, 0x13141516\nldr r2, [r7, #PECR]\nunlock\nldr r3, [r7, #PECR]")
    assert (lab["r2"], lab["r3"]) == (7, 4)


@pytest.mark.parametrize(
    "keys",
    [
        "set PEKEYR, 0x02030405",
        "set PEKEYR, 0x89abcdef\nset PEKEYR, 0x89abcdef",
        "set PEKEYR, 0x89abcdef\nset PEKEYR, 0x02030405\nset PRGKEYR, 1",
        "set PEKEYR, 0x89abcdef\nset PEKEYR, 0x02030405\nset OPTKEYR, 1",
    ],
)
def test_a_wrong_key_is_a_hard_fault_and_locks_until_reset(lab: Lab, keys: str) -> None:
    lab.run(f"movs r4, #0\n{keys}\nnop")
    assert lab["r4"] == 0xFA
    assert lab["pc"] == Lab.FAULT + 2
    register = "OPTKEYR" if "OPT" in keys else "PRGKEYR" if "PRG" in keys else "PEKEYR"
    address = {"PEKEYR": 0x4002200C, "PRGKEYR": 0x40022010, "OPTKEYR": 0x40022014}[register]
    assert f"HardFault by a wrong key to FLASH_{register}, or any after one (to 0x{address:08x})" in (
        lab.chip.fault_words()
    )
    stacked = lab["sp"] + 24
    assert lab.word(stacked) == lab.chip.core.shared.fault_pc > CODE
    before = lab.chip.flash.value["PECR"]
    lab.chip.core.reset()
    lab.run(f"movs r4, #0\n{'unlock' if before & 1 else 'set PRGKEYR, 0x8c9daebf' if 'PRG' in keys else keys}")
    assert lab.chip.flash.value["PECR"] == before
    lab.chip.reset()
    lab.run("unlock\nldr r2, [r7, #PECR]")
    assert lab["r2"] == 4


@pytest.mark.parametrize(
    ("first", "words", "step"),
    [
        ("PAGE+4", 1, 0),
        ("PAGE+68", 16, 4),
        ("PAGE", 17, 8),
    ],
    ids=["does not begin at a half-page", "crosses a page", "crosses into the other half"],
)
def test_a_half_page_across_a_boundary_is_not_programmed(lab: Lab, first: str, words: int, step: int) -> None:
    lab.run(f"unlock\n{HALF_PAGE}" + LOAD.format(first=first, words=words, step=step))
    assert lab.sr & PGAERR
    assert not lab.sr & BSY
    assert not any(lab.chip.flash_content[0x1000:0x1100])


def test_what_is_not_erased_is_not_programmed(lab: Lab) -> None:
    lab.chip.flash_content[0x1000:0x1040] = bytes(60) + b"\x01\0\0\0"
    lab.run("unlock\nwrite 3, PAGE+60\nldr r2, [r7, #SR]\nset SR, 0x30000")
    assert lab["r2"] == NOTZEROERR | ENDHV | READY
    lab.run(HALF_PAGE + LOAD.format(first="PAGE", words=16, step=4))
    assert lab.sr == NOTZEROERR | ENDHV | READY
    assert bytes(lab.chip.flash_content[0x1000:0x1040]) == bytes(60) + b"\x01\0\0\0"


@pytest.mark.parametrize("store", ["strb", "strh"])
def test_flash_takes_words_only(lab: Lab, store: str) -> None:
    lab.run(f"unlock\nldr r0, =PAGE\nmovs r1, #1\n{store} r1, [r0]")
    assert lab.sr == SIZERR | ENDHV | READY
    assert lab.word(PAGE) == 0


def test_an_erase_of_flash_pages_does_not_reach_the_eeprom(lab: Lab) -> None:
    lab.chip.eeprom_content[:4] = b"\x01" * 4
    lab.run(f"unlock\n{ERASE}\nwrite 0, EEPROM")
    assert lab.sr == WRPERR | ENDHV | READY
    assert lab.word(EEPROM_ORIGIN) == 0x01010101


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("set PECR, 0x200\nwrite 0, PAGE", "writes to a memory with FLASH_PECR 0x00000204"),
        ("set PECR, 0x210\nwrite 0, PAGE", "writes to a memory with FLASH_PECR 0x00000214"),
        ("set PECR, 0x608\nwrite 0, PAGE", "writes to a memory with FLASH_PECR 0x0000060c"),
        ("set PECR, 0x410\nwrite 0, EEPROM", "writes a half-page of the data EEPROM"),
        ("set PECR, 0x40000", "changes bit 18 of FLASH_PECR"),
        ("set 8, 0x04152637", "of FLASH_PDKEYR"),
        ("set OPTKEYR, 0xfbead9c8\nset OPTKEYR, 0x24252627\nwrite 0xff5500aa, 0x1ff80000", "option bytes"),
    ],
)
def test_what_is_not_modelled_is_said(lab: Lab, code: str, says: str) -> None:
    assert says in lab.trouble("unlock\n" + code)


# Meanwhile


def test_code_in_flash_waits_while_it_is_busy(lab: Lab) -> None:
    lab.run("unlock\nwrite 7, PAGE\nldr r2, [r7, #SR]", FLASH_ORIGIN + 0x400)
    assert lab["r2"] == EOP | ENDHV | READY  # the load was fetched after the end
    assert float(lab.chip.seconds()) == pytest.approx(TPROG, rel=0.01)


def test_a_read_of_flash_waits_while_it_is_busy(lab: Lab) -> None:
    lab.run("""
        unlock
        write 7, PAGE
        ldr r6, =0xe000e010     @ SysTick
        ldr r5, =0xffffff
        str r5, [r6, #4]
        str r5, [r6, #8]
        movs r5, #5
        str r5, [r6]
        ldr r2, [r7, #SR]
        ldr r3, [r0]
        ldr r5, [r6, #8]
        ldr r4, [r7, #SR]
        ldr r6, [r0]""")
    assert lab["r2"] & BSY
    assert lab["r3"] == lab["r6"] == 7
    assert lab["r4"] == EOP | ENDHV | READY
    assert 0x1000000 - lab["r5"] == pytest.approx(TPROG * lab.chip.clock_hz, rel=0.02)


def test_a_read_of_the_other_memory_waits_as_well(lab: Lab) -> None:
    lab.run("unlock\nwrite 7, PAGE\nldr r0, =EEPROM\nldr r3, [r0]\nldr r2, [r7, #SR]")
    assert lab["r2"] == EOP | ENDHV | READY


def test_a_store_waits_for_the_operation_before(lab: Lab) -> None:
    lab.run("unlock\nwrite 7, PAGE\nwrite 8, PAGE+4\nldr r2, [r7, #SR]\nwait")
    assert (lab.word(PAGE), lab.word(PAGE + 4)) == (7, 8)
    assert lab["r2"] == BSY | EOP | READY
    assert float(lab.chip.seconds()) == pytest.approx(2 * TPROG, rel=0.01)


def test_a_call_into_flash_from_ram_waits(lab: Lab) -> None:
    for _ in range(3):  # also when the code there is known to the emulator
        lab.chip.flash_content[0x600:0x604] = bytes.fromhex("be697047")  # ldr r6, [r7, #SR]; bx lr
        start = lab.chip.seconds()
        lab.chip.flash_content[0x1000:0x1004] = bytes(4)
        lab.run(f"unlock\nwrite 7, PAGE\nldr r5, [r7, #SR]\nldr r3, ={FLASH_ORIGIN + 0x601}\nblx r3\nset SR, 2")
        assert lab["r5"] & BSY
        assert lab["r6"] == EOP | ENDHV | READY
        assert float(lab.chip.seconds() - start) == pytest.approx(TPROG, rel=0.01)


def test_an_interrupt_handler_in_flash_waits(lab: Lab) -> None:
    lab.chip.flash_content[0x3C:0x40] = (FLASH_ORIGIN + 0x601).to_bytes(4, "little")
    lab.chip.flash_content[0x600:0x604] = bytes.fromhex("be697047")
    lab.run("""
        movs r6, #0
        unlock
        write 7, PAGE
        ldr r2, =0xe000ed04
        ldr r1, =0x04000000
        str r1, [r2]            @ SysTick pends
        b 1f
1:      nop""")
    assert lab["r6"] == EOP | ENDHV | READY


def test_code_in_ram_goes_on_to_the_cycle(lab: Lab) -> None:
    cycles = {}
    lab.run("unlock")
    for address in (0x20000000, PAGE):
        start = lab.chip.now()
        lab.run(f"write 7, {address}\nmovs r2, #200\n1: subs r2, #1\nbne 1b")
        cycles[address] = lab.chip.now() - start
    assert cycles[PAGE] == cycles[0x20000000] > 600
    assert lab.sr & BSY


@pytest.mark.parametrize("access", ["ldr r3, [r0]", f"ldr r3, ={FLASH_ORIGIN + 0x601}\nblx r3"], ids=["read", "fetch"])
def test_a_half_page_is_given_up_for_a_fetch_or_read(lab: Lab, access: str) -> None:
    lab.chip.flash_content[0x600:0x604] = bytes.fromhex("c0467047")
    lab.run(f"unlock\n{HALF_PAGE}" + LOAD.format(first="PAGE", words=15, step=4) + "ldr r0, =PAGE\n" + access)
    assert lab.sr == FWWERR | ENDHV | READY
    lab.run("write 1, PAGE\n")  # the first of another half-page: the 15 are forgotten
    assert not lab.sr & BSY
    assert lab.word(PAGE) == 0


def test_code_in_flash_cannot_program_half_pages(lab: Lab) -> None:
    lab.run(f"unlock\n{HALF_PAGE}" + LOAD.format(first="PAGE", words=16, step=0), FLASH_ORIGIN + 0x400)
    assert lab.sr & ERRORS == FWWERR
    assert not any(lab.chip.flash_content[0x1000:0x1080])


def test_erased_code_is_not_executed_from_memory_of_it(lab: Lab) -> None:
    lab.chip.flash_content[0x1000:0x1004] = bytes.fromhex("01247047")  # movs r4, #1; bx lr
    call = "ldr r3, =PAGE+1\nblx r3\n"
    lab.run(call)
    lab.run(f"unlock\n{ERASE}\nwrite 0, PAGE\nwait\nset PECR, 0\nwrite 0x47702402, PAGE\nwait\n{call}")
    assert lab["r4"] == 2


def test_breakpoints_in_flash_hold_while_it_is_busy(lab: Lab) -> None:
    lab.chip.flash_content[0x600:0x604] = bytes.fromhex("c0467047")
    assert lab.chip.core.breakpoint(FLASH_ORIGIN + 0x602, on=True)
    lab.load(f"unlock\nwrite 7, PAGE\nldr r3, ={FLASH_ORIGIN + 0x601}\nblx r3")
    assert lab.chip.run(LONG) is Stop.BREAKPOINT
    assert lab["pc"] == FLASH_ORIGIN + 0x602
    assert not lab.sr & BSY


def test_a_step_waits_too(lab: Lab) -> None:
    lab.load("write 7, PAGE\nnop", FLASH_ORIGIN + 0x400)
    lab.run("unlock")
    lab.load("write 7, PAGE\nnop", FLASH_ORIGIN + 0x400)
    start = lab.chip.seconds()
    for _ in range(5):  # ldr r7, ldr r0, ldr r1, str, nop
        assert lab.chip.step(mask_interrupts=True) is Stop.STEPPED
    assert float(lab.chip.seconds() - start) == pytest.approx(TPROG, rel=0.01)
    assert lab["pc"] == FLASH_ORIGIN + 0x40A


def test_runs_cut_into_slices_are_the_same() -> None:
    code = (
        f"unlock\nwrite 7, PAGE\nwrite 8, PAGE+4\n{HALF_PAGE}" + LOAD.format(first="PAGE+64", words=16, step=4) + "wait"
    )
    for at in (CODE, FLASH_ORIGIN + 0x400):
        with Lab() as whole, Lab() as sliced:
            whole.run(code, at)
            sliced.load(code, at)
            while (stop := sliced.chip.run(sliced.chip.now() + 777)) is Stop.DUE:
                assert not sliced.chip.trouble
            assert stop is Stop.BKPT
            assert sliced.chip.now() == whole.chip.now()
            assert sliced.sr == whole.sr
            assert bytes(sliced.chip.flash_content) == bytes(whole.chip.flash_content)
