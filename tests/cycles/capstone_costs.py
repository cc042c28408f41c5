"""Cycles of an instruction as Capstone decodes it, written from Arm's tables without a look at `hil.cycles`."""

from __future__ import annotations

import capstone
from capstone import arm as cs_arm

BRANCHES = ({"b": 3, "bl": 4, "bx": 3, "blx": 3}, {"b": 2, "bl": 3, "bx": 2, "blx": 2})
SYSTEM = {"mrs", "msr", "dmb", "dsb", "isb"}
ONE_CYCLE = {
    *("mov", "movs", "mvn", "mvns"),
    *("add", "adds", "adc", "adcs", "adr", "sub", "subs", "sbc", "sbcs", "rsb", "rsbs", "neg", "negs", "mul", "muls"),
    *("cmp", "cmn", "tst", "and", "ands", "eor", "eors", "orr", "orrs", "bic", "bics"),
    *("lsl", "lsls", "lsr", "lsrs", "asr", "asrs", "ror", "rors"),
    *("sxth", "sxtb", "uxth", "uxtb", "rev", "rev16", "revsh"),
    *("nop", "sev", "yield", "cpsid", "cpsie"),
}
TWO_CYCLES = {"ldr", "ldrh", "ldrb", "ldrsh", "ldrsb", "str", "strh", "strb", "wfe", "wfi"}
LISTS = {"ldm", "stm", "push", "pop"}
CONDITIONS = {"beq", "bne", "bhs", "blo", "bmi", "bpl", "bvs", "bvc", "bhi", "bls", "bge", "blt", "bgt", "ble"}


class NotArmv6mError(Exception):
    """An instruction whose cost Arm's tables for the two cores do not have."""


def instruction_cost(insn: capstone.CsInsn, core: int) -> tuple[int, int]:
    """Cycles of an instruction, and what it takes more when it is a conditional branch that is taken."""
    name = insn.mnemonic.removesuffix(".w")
    taken = BRANCHES[core]["b"] - 1 if name in CONDITIONS else 0
    first = insn.operands[0] if insn.operands else None
    to_pc = first is not None and first.type == cs_arm.ARM_OP_REG and first.reg == cs_arm.ARM_REG_PC
    if name in BRANCHES[core]:
        cycles = BRANCHES[core][name]
    elif name in {"mov", "add"} and to_pc:
        cycles = (3, 2)[core]
    elif name in SYSTEM:
        cycles = (4, 3)[core]
    elif name in LISTS:
        registers = [each.reg for each in insn.operands if each.type == cs_arm.ARM_OP_REG]
        returns = name == "pop" and cs_arm.ARM_REG_PC in registers
        cycles = len(registers) - (name in {"ldm", "stm"}) + ((4, 3)[core] if returns else 1)
    elif name in ONE_CYCLE | CONDITIONS:
        cycles = 1
    elif name in TWO_CYCLES:
        cycles = 2
    else:
        raise NotArmv6mError(f"{insn.mnemonic} {insn.op_str}")
    return cycles, taken


def disassembler() -> capstone.Cs:
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    decoder.detail = True
    return decoder
