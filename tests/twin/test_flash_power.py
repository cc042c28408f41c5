"""Power cuts and resets within operations of the emulated STM32L031's flash and data EEPROM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.machine import CoreState, MemoryFault
from hil.emulator.power import power
from hil.emulator.twin.stm32l031.flash import EEPROM_ORIGIN, ENDHV, EOP, FLASH_ORIGIN, READY
from hil.emulator.twin.stm32l031.variant import STM32L031
from tests.twin.flash_lab import CODE, NAMES, Lab, assemble
from tests.twin.local_board import SPEC, LocalMachine
from tests.twin.test_flash import LOAD

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 0x1000
OLD = bytes(range(1, 129))
ERASE = "set PECR, 0x208\nwrite 0, PAGE\nwait"
HALF_PAGE = "set PECR, 0x408" + LOAD.format(first="PAGE", words=16, step=4) + "wait"
WORD = "write 0xa5a5a5a5, PAGE+8\nwait"
EEPROM = "ldr r0, =EEPROM+8\nmovs r1, #0x5a\nstrb r1, [r0]\nwait"
MOMENTS = 40


def content(lab: Lab) -> tuple[bytes, bytes]:
    return bytes(lab.chip.flash_content), bytes(lab.chip.eeprom_content)


def prepared(*, flash: bytes = b"", eeprom: bytes = b"") -> Lab:
    lab = Lab()
    lab.chip.flash_content[PAGE - 128 : PAGE] = OLD
    lab.chip.flash_content[PAGE : PAGE + len(flash)] = flash
    lab.chip.flash_content[PAGE + 128 : PAGE + 256] = OLD
    lab.chip.eeprom_content[: len(eeprom)] = eeprom
    return lab


def cut(lab: Lab, code: str, cycle: int, seed: int, at: int = CODE) -> tuple[bytes, bytes]:
    """What is left when the power goes at a cycle of a piece of code."""
    with lab:
        lab.load("unlock\n" + code, at)
        lab.chip.cut_power(cycle, seed)
        return content(lab)


@dataclass(frozen=True)
class Case:
    """An operation, what the memories hold before, and which words of which it concerns."""

    code: str
    first: int
    size: int
    flash: bytes = b""
    eeprom: bytes = b""
    memory: int = 0

    def outside(self, memories: tuple[bytes, bytes]) -> list[bytes]:
        return [
            each[: self.first] + each[self.first + self.size :] if number == self.memory else each
            for number, each in enumerate(memories)
        ]


CASES = {
    "erase": Case(ERASE, PAGE, 128, flash=OLD),
    "word": Case(WORD, PAGE + 8, 4),
    "half-page": Case(HALF_PAGE, PAGE, 64),
    "EEPROM byte over another": Case(EEPROM, 8, 4, eeprom=OLD[:16], memory=1),
    "EEPROM byte": Case(EEPROM, 8, 4, memory=1),
}
IN_FLASH = FLASH_ORIGIN + 0x400


@pytest.mark.parametrize(
    ("case", "at"),
    [
        *(pytest.param(case, CODE, id=f"{name}, by code in RAM") for name, case in CASES.items()),
        *(
            pytest.param(case, IN_FLASH, id=f"{name}, by code in flash")
            for name, case in CASES.items()
            if case.code is not HALF_PAGE  # which code in flash cannot program
        ),
    ],
)
def test_a_cut_leaves_undefined_bits_in_the_words_concerned_and_no_others(case: Case, at: int) -> None:
    with prepared(flash=case.flash, eeprom=case.eeprom) as lab:
        lab.load("unlock\n" + case.code, at)
        old = content(lab)
        lab.run("unlock\n" + case.code, at)
        new, end = content(lab), lab.chip.now()
    assert new != old
    words = set()
    states = []
    for n in range(MOMENTS):
        lab = prepared(flash=case.flash, eeprom=case.eeprom)
        left = cut(lab, case.code, end * n // (MOMENTS - 1), seed=n, at=at)
        assert case.outside(left) == case.outside(old)
        words.add(left[case.memory])
        states.append("old" if left == old else "new" if left == new else "torn")
    assert states[0] == "old"
    assert states[-1] == "new"
    assert states.count("torn") > MOMENTS / 2
    assert len(words) > MOMENTS / 3


@pytest.mark.parametrize("code", [ERASE, EEPROM])
def test_a_seed_decides(code: str) -> None:
    def left(seed: int) -> tuple[bytes, bytes]:
        return cut(prepared(flash=OLD, eeprom=OLD[:16]), code, 4000, seed)

    assert left(1) == left(1)
    assert len({left(seed) for seed in range(20)}) > 15


def test_a_torn_word_may_have_any_bits() -> None:
    """Of 0 programmed over 0 as well: the word's error correction may take it for another."""
    words = {cut(prepared(), "write 0, PAGE+8", 3000, seed)[0][PAGE + 8 : PAGE + 12] for seed in range(60)}
    assert bytes(4) in words
    assert len(words) > 5


def test_a_half_page_that_is_still_being_loaded_changes_nothing() -> None:
    with prepared() as lab:
        old = content(lab)
    code = "set PECR, 0x408" + LOAD.format(first="PAGE", words=15, step=4) + "b ."
    assert cut(prepared(), code, 5000, 1)[0][PAGE:] == old[0][PAGE:]


def test_a_cut_while_a_read_waits() -> None:
    code = "set PECR, 0x208\nwrite 0, PAGE\nldr r2, [r0]\nset PECR, 0\nwrite 5, PAGE\nwait"
    with prepared(flash=OLD) as lab:
        lab.run("unlock\n" + code)
        end = lab.chip.now()
    words = set()
    for n in range(1, 20):
        left = cut(prepared(flash=OLD), code, end * n // 20, seed=n)[0]
        torn = left[PAGE : PAGE + 128]
        if n < 10:
            assert torn not in (OLD, bytes(128), b"\x05" + bytes(127))
        elif n > 10:
            assert torn[4:] == bytes(124)
            words.add(torn[:4])
    assert len(words) > 2


# On the machine


def start(machine: LocalMachine, code: str) -> None:
    machine.halt()
    machine.write_memory(CODE, assemble(NAMES + "unlock\n" + code + "\nb .\n.ltorg", CODE))
    machine.write_register("xpsr", 1 << 24)  # Thumb: the vector table is empty
    machine.write_register("pc", CODE)
    machine.resume()


def run_to_busy(machine: LocalMachine) -> None:
    """Let the piece of code begin its operation."""
    machine.halt()
    for _ in range(100):
        machine.step()
        if machine._chip is not None and machine._chip.flash.nvm.busy:
            return
    pytest.fail("no operation began")


def test_power_off_within_an_operation_keeps_what_is_left_of_it() -> None:
    kept = []
    for _ in range(2):
        machine = LocalMachine()
        try:
            machine.set_flash_image(bytes(PAGE) + OLD + bytes(SPEC.flash_bytes - PAGE - 128))
            machine.power_on()
            start(machine, "set PECR, 0x208\nwrite 0, PAGE")
            run_to_busy(machine)
            machine.power_off()
            kept.append(machine.flash_image())
            assert machine.status().state is CoreState.OFF
            machine.power_on()
            assert machine.read_memory(FLASH_ORIGIN, SPEC.flash_bytes) == kept[-1]
        finally:
            machine.close()
    assert kept[0] == kept[1]
    assert kept[0][PAGE : PAGE + 128] not in (OLD, bytes(128))
    assert not any(kept[0][:PAGE])
    assert not any(kept[0][PAGE + 128 :])


def test_a_reset_tears_as_well_and_unlocks_nothing() -> None:
    machine = LocalMachine()
    try:
        machine.power_on()
        start(machine, "write 0xffffffff, EEPROM")
        run_to_busy(machine)
        machine.reset(halt=True)
        word = machine.read_memory(EEPROM_ORIGIN, 4)
        assert word not in (bytes(4), b"\xff" * 4)
        assert machine.read_memory(0x40022018, 4) == (ENDHV | READY).to_bytes(4, "little")
        assert machine.read_memory(0x40022004, 4)[0] == 7
    finally:
        machine.close()


def write_word(machine: object, address: int, value: int) -> None:
    machine.write_memory(address, value.to_bytes(4, "little"))  # type: ignore[attr-defined]


def test_the_eeprom_is_written_by_a_debugger_and_outlives_the_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    board = load_board("nucleo-l031")
    with power(board) as powered:
        machine = powered.machine
        machine.halt()
        assert machine.read_memory(EEPROM_ORIGIN, STM32L031.eeprom_bytes) == bytes(STM32L031.eeprom_bytes)
        for key in (0x89ABCDEF, 0x02030405):
            write_word(machine, 0x4002200C, key)
        write_word(machine, EEPROM_ORIGIN + 8, 0x12345678)
        write_word(machine, EEPROM_ORIGIN + 12, 0x9ABCDEF0)  # waits for the first
        machine.write_memory(EEPROM_ORIGIN + 3, b"\x77")
        assert machine.read_memory(0x40022018, 4) == (EOP | ENDHV | READY).to_bytes(4, "little")
        with pytest.raises(MemoryFault):
            write_word(machine, 0x40022010, 1)  # a wrong key
        with pytest.raises(MemoryFault):
            machine.read_memory(EEPROM_ORIGIN + STM32L031.eeprom_bytes, 4)
        flash = machine.flash_image()
    for _ in range(2):
        with power(board) as powered:
            machine = powered.machine
            assert machine.read_memory(EEPROM_ORIGIN, 16).hex() == "000000770000000078563412f0debc9a"
            assert machine.flash_image() == flash
            machine.set_flash_image(flash[::-1])
            flash = flash[::-1]
