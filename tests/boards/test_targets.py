"""pyOCD targets: a sister's memories are those of ST's headers, and it is programmed as the one that is built in."""

from __future__ import annotations

from typing import Any

import pytest
from pyocd.target import TARGET

from hil.board import board_names, load_board
from hil.probe.flash_region import _OWN
from hil.probe.targets import find_target, known_targets, relative

SISTERS = {
    "stm32l053r8tx": "stm32l031x6",
    "stm32l073rztx": "stm32l031x6",
    "stm32f072rbtx": "stm32f051",
    "stm32f091rctx": "stm32f051",
}


def regions(target: Any) -> dict[str, tuple[int, int]]:
    return {region.name: (region.start, region.length) for region in target.MEMORY_MAP}


@pytest.mark.parametrize(("name", "of"), SISTERS.items())
def test_a_sister_has_her_own_memories_and_the_flash_algorithm_of_the_other(name: str, of: str) -> None:
    sister, other = find_target(name), find_target(of)
    assert sister is not None
    assert other is not None
    assert issubclass(sister, other)
    assert TARGET[name] is sister  # for pyOCD's own sessions
    assert relative(name.upper()) == relative(of) == of
    boot = {target: next(each for each in target.MEMORY_MAP if each.is_boot_memory) for target in (sister, other)}
    assert boot[sister].algo == boot[other].algo
    assert regions(sister) != regions(other)


def test_the_memories_of_sisters() -> None:
    """As stm32l053xx.h, stm32l073xx.h, stm32f072xb.h and stm32f091xc.h have them."""
    assert regions(find_target("stm32l053r8tx")) == {
        "Flash": (0x08000000, 64 << 10),
        "RAM": (0x20000000, 8 << 10),
        "EEPROM": (0x08080000, 2 << 10),
    }
    assert regions(find_target("stm32l073rztx")) == {
        "Flash": (0x08000000, 192 << 10),
        "RAM": (0x20000000, 20 << 10),
        "EEPROM": (0x08080000, 6 << 10),
    }
    assert regions(find_target("stm32f091rctx")) == {"Flash": (0x08000000, 256 << 10), "RAM": (0x20000000, 32 << 10)}
    assert regions(find_target("stm32f072rbtx")) == {"Flash": (0x08000000, 128 << 10), "RAM": (0x20000000, 16 << 10)}


def test_a_sister_of_the_l031_is_programmed_by_our_algorithm() -> None:
    assert {relative(name) for name in SISTERS if "l0" in name} <= set(_OWN)


def test_what_nobody_has_is_none() -> None:
    assert find_target("stm32l0999") is None
    assert {*SISTERS, "kl25z"} <= set(known_targets())


@pytest.mark.parametrize("name", board_names())
def test_every_board_can_be_flashed_without_installing_a_pack(name: str) -> None:
    board = load_board(name)
    assert (board.pyocd_target is None) == (board.core == "host")
    assert board.pyocd_target is None or find_target(board.pyocd_target) is not None
