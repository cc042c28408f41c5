"""The firmware's store on the twin: the data EEPROM of the STM32L031, over resets and power cuts."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hil.build import build
from hil.frame import Status
from hil.link.refusal import Refusal
from hil.resources import firmware_dir
from tests.twin.virtual_host import BOARD, AgentChip, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hil.emulator.twin.core import Stop
    from hil.emulator.twin.stm32l031.nvm import Area
    from hil.link.agent import Agent

OLD = bytes(range(1, 17))
NEW = bytes(range(101, 117))
AT = 64


class CutError(Exception):
    """The power is gone."""


class Chip(AgentChip):
    """Remembers when operations of the memories begin, and may lose its power.

    Attributes:
        begun: when each began, and the offset of its words.
        cut: at which cycle the power goes.
    """

    def __init__(self, firmware: Path, eeprom: bytes = b"", cut: int | None = None) -> None:
        self.begun: list[tuple[int, int]] = []
        self.cut = cut
        super().__init__(firmware, eeprom)
        begin = self.flash.nvm.begin

        def noting(area: Area, at: int, contents: Sequence[bytes], end: Callable[[], None]) -> None:
            self.begun.append((self.now(), at))
            begin(area, at, contents, end)

        self.flash.nvm.begin = noting  # type: ignore[method-assign]

    def go(self, cycles: int) -> Stop:
        if self.cut is not None and self.now() + cycles >= self.cut:
            self.cut_power(self.cut, seed=self.cut)
            raise CutError
        return super().go(cycles)


def firmware() -> Path:
    artefact = build(BOARD)
    assert artefact.bin is not None
    return artefact.bin


def opened(eeprom: bytes = b"", cut: int | None = None) -> tuple[Agent, Chip]:
    chip = Chip(firmware(), eeprom, cut)
    return connect(chip)[0], chip


def filled() -> bytes:
    eeprom = bytearray(b"\xa5" * 1024)
    eeprom[AT : AT + len(OLD)] = OLD
    return bytes(eeprom)


def test_what_was_written_is_there_after_a_reset() -> None:
    agent, chip = opened()
    assert BOARD.memory.eeprom is not None
    assert agent.identify().store_bytes == BOARD.memory.eeprom.bytes == len(chip.eeprom_content)
    whole = bytes(n * 7 & 0xFF for n in range(len(chip.eeprom_content)))
    agent.write_store(0, whole)
    assert agent.read_store(0, len(whole)) == bytes(chip.eeprom_content) == whole
    assert agent.retries == 0
    assert chip.flash.value["PECR"] & 1, "locked again"
    chip.reset()
    again, _ = connect(chip)
    assert again.read_store(0, len(whole)) == whole
    again.write_store(4, b"once")
    assert again.read_store(0, 12) == whole[:4] + b"once" + whole[8:12]


def test_a_word_that_is_there_is_not_written_again() -> None:
    agent, chip = opened(filled())
    agent.write_store(AT, OLD[:4] + NEW[4:8] + OLD[8:])
    assert [at for _, at in chip.begun] == [AT + 4]


def test_what_does_not_fit_is_refused() -> None:
    agent, chip = opened(filled())
    for offset, data, status, detail in (
        (1020, bytes(8), Status.STORE_RANGE, 1024),
        (0xFFFFFFFC, bytes(4), Status.STORE_RANGE, 1024),
        (2, bytes(4), Status.BAD_ARGUMENT, 6),
        (0, bytes(3), Status.BAD_ARGUMENT, 3),
    ):
        for ask in (agent.write_store, lambda at, data: agent.read_store(at, len(data))):
            with pytest.raises(Refusal) as caught:
                ask(offset, data)
            assert (caught.value.status, caught.value.detail) == (status, detail)
    assert bytes(chip.eeprom_content) == filled()
    assert agent.read_store(1020, 4) == filled()[1020:]


def test_a_power_cut_in_a_write_concerns_the_word_at_work_alone() -> None:
    agent, chip = opened(filled())
    agent.write_store(AT, NEW)
    begun = [cycle for cycle, _ in chip.begun]
    assert len(begun) == len(NEW) // 4
    length = min(later - sooner for sooner, later in pairwise(begun))
    torn = set()
    for word, begin in enumerate(begun):
        for late in (-5, length // 10, length // 2, length * 2 // 3, length - length // 50):
            agent, chip = opened(filled(), cut=begin + late)
            with pytest.raises(CutError):
                agent.write_store(AT, NEW)
            left = bytes(chip.eeprom_content)
            after, _ = opened(left)
            assert after.read_store(0, len(left)) == left, "told as it is"
            before = NEW[: 4 * word] + OLD[4 * word :]
            done = left[AT : AT + len(NEW)]
            assert done[: 4 * word] == NEW[: 4 * word]
            assert done[4 * word + 4 :] == OLD[4 * word + 4 :]
            assert late > 0 or done == before
            torn.add(done[4 * word : 4 * word + 4] not in {OLD[4 * word : 4 * word + 4], NEW[4 * word : 4 * word + 4]})
            assert left[:AT] + left[AT + len(NEW) :] == filled()[:AT] + filled()[AT + len(NEW) :]
            after.write_store(AT, NEW)
            assert after.read_store(AT, len(NEW)) == NEW
    assert torn == {True, False}, "a word may be neither old nor new"


def test_a_store_that_stays_locked_is_told(tmp_path: Path) -> None:
    source = firmware_dir() / "port/stm32l0/store.c"
    text = source.read_text()
    line = "    FLASH_PEKEYR = FLASH_PEKEY2;\n"
    assert text.count(line) == 1
    root = tmp_path / "firmware"
    shutil.copytree(firmware_dir(), root)
    (root / "port/stm32l0/store.c").write_text(text.replace(line, ""))
    artefact = build(BOARD, firmware_root=root)
    assert artefact.bin is not None
    chip = Chip(artefact.bin, filled())
    agent, _ = connect(chip)
    with pytest.raises(Refusal, match=r"STORE_FAILED.* the word at 68 is not as it was written") as caught:
        agent.write_store(AT, OLD[:4] + NEW[4:])
    assert caught.value.detail == AT + 4
