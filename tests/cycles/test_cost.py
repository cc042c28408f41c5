"""The C decoder on every halfword, and on all kinds of 32-bit instructions, against Capstone and costs of its own."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import pytest

from hil.cycles.library import tracker_path
from hil.cycles.timing import CORES, costs
from tests.cycles.capstone_costs import NotArmv6mError, disassembler, instruction_cost

if TYPE_CHECKING:
    import capstone

UNKNOWN, UNDECIDED, ACCESS = 1, 2, 4
NEXT, JUMP, CHOICE, CALL, CALL_REGISTER, JUMP_REGISTER, RETURN, TRAP = range(8)
PLACE = 0x8000
FIRST_32 = 0xE800
PC = 15
SPECIAL_REGISTERS = {0, 1, 2, 3, 5, 6, 7, 8, 9, 16, 20}
CLASSES = list(costs("cortex-m0"))


class Model(ctypes.Structure):
    _fields_ = (("core", ctypes.c_uint32), ("multiply", ctypes.c_uint32))


class Cost(ctypes.Structure):
    _fields_ = (
        ("target", ctypes.c_uint32),
        ("cycles", ctypes.c_uint16),
        ("taken", ctypes.c_uint16),
        ("bytes", ctypes.c_uint8),
        ("kind", ctypes.c_uint8),
        ("flow", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
    )


class Decoder:
    """`cost_of` in C."""

    def __init__(self, core: int, multiply: int = 1) -> None:
        self._function = ctypes.CDLL(str(tracker_path())).cost_of
        self._function.restype = Cost
        self._function.argtypes = [ctypes.POINTER(Model), ctypes.c_uint32, ctypes.c_uint16, ctypes.c_uint16]
        self._model = Model(core, multiply)

    def __call__(self, first: int, second: int = 0, address: int = PLACE) -> Cost:
        return self._function(ctypes.byref(self._model), address, first, second)


def unpredictable(code: int) -> bool:
    """Halfwords that Capstone decodes and DDI 0419 does not define, or calls UNPREDICTABLE."""
    low, high = code & 7 | code >> 4 & 8, code >> 3 & 15
    return (
        (code & 0xFF78 == 0x4478 and low == PC)  # ADD PC, PC
        or (code & 0xFF00 == 0x4500 and ((low < 8 and high < 8) or PC in (low, high)))  # CMP of low registers, or of PC
        or (code & 0xFF00 == 0x4700 and (code & 7 != 0 or high == PC))  # BX and BLX: low bits, PC
        or code & 0xF0FF == 0xC000  # LDM and STM of nothing
        or code in {0xB400, 0xBC00}  # PUSH and POP of nothing
        or (code & 0xFFE8 == 0xB660 and code not in {0xB662, 0xB672})  # CPS of other flags than PRIMASK
    )


def expected(insn: capstone.CsInsn | None, core: int) -> tuple[int, int] | None:
    if insn is None:
        return None
    try:
        return instruction_cost(insn, core)
    except NotArmv6mError:
        return None


def expected_flow(insn: capstone.CsInsn) -> tuple[int, int]:
    """How execution goes on, and the target of a direct branch."""
    name = insn.mnemonic.removesuffix(".w")
    text = insn.op_str
    if name.startswith("b") and text.startswith("#"):
        return {"b": JUMP, "bl": CALL}.get(name, CHOICE), int(text[1:], 16)
    if name == "blx":
        return CALL_REGISTER, 0
    if name == "bx" or (name in {"mov", "add"} and text.startswith("pc,")):
        return RETURN if text in {"lr", "pc, lr"} and name != "add" else JUMP_REGISTER, 0
    return RETURN if name == "pop" and "pc" in text else NEXT, 0


@pytest.mark.parametrize("core", range(len(CORES)), ids=CORES)
def test_every_halfword(core: int) -> None:
    decode, capstone_decoder = Decoder(core), disassembler()
    wrong = []
    known: set[str] = set()
    for code in range(FIRST_32):
        cost = decode(code)
        assert cost.bytes == 2
        if code >> 8 in {0xBE, 0xDE, 0xDF}:  # BKPT, UDF, SVC: Arm's tables give no number
            assert (cost.cycles, cost.flow) == (0, TRAP)
            assert bool(cost.flags & UNKNOWN) == (code >> 8 != 0xDF)
            continue
        insn = next(capstone_decoder.disasm(code.to_bytes(2, "little"), PLACE), None)
        wanted = None if unpredictable(code) else expected(insn, core)
        got = None if cost.flags & UNKNOWN else (cost.cycles, cost.taken)
        if wanted != got or (got and (cost.flow, cost.target) != expected_flow(insn)):
            wrong.append(f"{code:04x} {insn and insn.mnemonic} {insn and insn.op_str}: {got}, not {wanted}")
        if got:
            known.add(CLASSES[cost.kind])
            assert bool(cost.flags & ACCESS) == (insn.mnemonic[:3] in {"ldr", "str"})
            assert bool(cost.flags & UNDECIDED) == (cost.flow == CHOICE and cost.target == PLACE + 2)
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    longer = {"branch_link", "read_special", "write_special", "barrier"}
    assert known == set(CLASSES) - longer - {"call_supervisor", "breakpoint", "undefined"}


def defined_32(first: int, second: int) -> bool:
    """The six 32-bit instructions of ARMv6-M (DDI 0419, A5.3), without what it calls UNPREDICTABLE."""
    if first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000:
        return True
    if first & 0xFFF0 == 0xF380 and second & 0xFF00 == 0x8800:
        return first & 15 not in {13, PC} and second & 255 in SPECIAL_REGISTERS
    if first == 0xF3EF and second & 0xF000 == 0x8000:
        return second >> 8 & 15 not in {13, PC} and second & 255 in SPECIAL_REGISTERS
    return first == 0xF3BF and second in {0x8F4F, 0x8F5F, 0x8F6F}


@pytest.mark.parametrize("core", range(len(CORES)), ids=CORES)
def test_32_bits(core: int) -> None:
    decode, capstone_decoder = Decoder(core), disassembler()
    seconds = (0x0000, 0x1234, 0x8000, 0x8F4F, 0x8F5F, 0x8F6F, 0x8F40, 0x8800, 0x8810, 0x8814, 0x8804, 0xA000)
    seconds += (0xD000, 0xD7FF, 0xE800, 0xF800, 0xFFFF, 0xF000, 0x8309, 0x8D00, 0x8F00, 0x8911, 0x87FF)
    found = 0
    for first in (*range(FIRST_32, 0xF000, 7), *range(0xF000, 0x10000)):
        for second in seconds:
            cost = decode(first, second)
            assert cost.bytes == 4
            assert bool(cost.flags & UNKNOWN) == (not defined_32(first, second)), f"{first:04x} {second:04x}"
            if cost.flags & UNKNOWN:
                continue
            found += 1
            code = first.to_bytes(2, "little") + second.to_bytes(2, "little")
            insn = next(capstone_decoder.disasm(code, PLACE))
            assert (cost.cycles, cost.taken) == instruction_cost(insn, core)
            flow, target = expected_flow(insn)
            assert (cost.flow, cost.target) == (flow, target & 0xFFFFFFFF), f"{first:04x} {second:04x}"
    assert found > 0x800 * 5


def test_slow_multiplier_and_targets() -> None:
    assert Decoder(0, multiply=32)(0x4351).cycles == 32
    assert Decoder(0, multiply=1)(0x4351).cycles == 1
    # B and BL backwards and forwards, from DDI 0419's encodings: B .-2, B .+2048, BL .-4, BL .+16777214.
    decode = Decoder(1)
    assert decode(0xE7FD).target == PLACE - 2
    assert decode(0xE3FE, address=PLACE).target == PLACE + 2048
    assert decode(0xF7FF, 0xFFFC).target == PLACE - 4
    assert decode(0xF3FF, 0xD7FF, address=0x1000000).target == 0x1000000 + 4 + 0xFFFFFE
