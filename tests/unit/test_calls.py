"""Return addresses on a stack, and the functions that they lead into."""

from __future__ import annotations

import pytest

from hil.cycles.symbols import NOWHERE, CodeMap, CodeRange
from hil.probe.calls import Names, StackWord, return_addresses

FLASH = range(0x08000000, 0x08000100)
BL = bytes.fromhex("fff7feff")
BL_FORWARD = bytes.fromhex("00f001f8")
BLX = bytes.fromhex("c0469847")  # nop; blx r3
CODE = CodeMap(
    (NOWHERE, "main", "step"),
    (0, 0x08000010, 0x08000040),
    (CodeRange(0x08000010, 0x08000020, 1), CodeRange(0x08000030, 0x08000034, 0), CodeRange(0x08000040, 0x08000080, 2)),
    (),
    {},
)


def found(value: int, before: bytes) -> tuple[StackWord, ...]:
    def read(address: int, size: int) -> bytes:
        assert (address, size) == ((value & ~1) - 4, 4)
        return before

    return return_addresses([(0x20000010, value)], FLASH, read)


@pytest.mark.parametrize("call", [BL, BL_FORWARD, BLX])
def test_an_odd_address_behind_a_call_is_one(call: bytes) -> None:
    assert found(0x08000015, call) == (StackWord(0x20000010, 0x08000015),)


@pytest.mark.parametrize(
    ("value", "before"),
    [
        (0x08000014, BL),  # even: no address that BL leaves
        (0x08000015, bytes.fromhex("c046c046")),  # nop; nop
        (0x08000015, bytes.fromhex("00f0c046")),  # half a BL
        (0x08000015, bytes.fromhex("c0461847")),  # bx r3
        (0x20000015, BL),
        (0x08000101, BL),
        (0x08000001, BL),  # what would be before it is not in flash
        (0xFFFFFFF9, BL),  # EXC_RETURN
    ],
)
def test_what_is_none(value: int, before: bytes) -> None:
    assert found(value, before) == ()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (0x08000010, "main+0x0"),
        (0x0800001F, "main+0xe"),
        (0x08000020, ""),
        (0x08000032, ""),
        (0x08000045, "step+0x4"),
        (0x08000080, ""),
        (0x00000000, ""),
    ],
)
def test_names(address: int, name: str) -> None:
    assert Names(CODE).at(address) == name
    assert Names().at(address) == ""
