"""An independent count of a run: instruction by instruction, on Unicorn, with Capstone's decoding and costs of its own.

Written from Arm's tables without a look at `hil.cycles`, and slow on purpose: nothing is settled ahead of time. Calls
are told from their stack pointer and return address, not from the flow of blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import capstone
import unicorn
from capstone import arm as cs_arm
from elftools.elf.elffile import ELFFile
from unicorn import arm_const as uc_arm

if TYPE_CHECKING:
    from pathlib import Path

M0, M0PLUS = 0, 1
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
PACK = 40  # both cores' cycles in one integer, so that one pass serves both


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


@dataclass
class Function:
    name: str
    start: int
    end: int
    exclusive: int = 0
    inclusive: int = 0
    active: int = 0


@dataclass
class Activation:
    function: Function
    returns_to: int
    stack: int
    began: int


@dataclass
class Seen:
    """What is known of an instruction: costs packed for both cores."""

    cost: int
    taken: int
    following: int
    links: bool
    function: Function


@dataclass
class SecondCount:
    """Runs a program until it sleeps.

    Attributes:
        functions: by name; cycles packed, see `cycles`.
        calls: of the measured function, packed.
        result: what the program sent.
    """

    elf: Path
    measured: str
    blob: tuple[int, bytes] | None = None
    functions: dict[str, Function] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)
    result: bytes = b""
    instructions: int = 0

    def run(self) -> SecondCount:
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(uc_arm.UC_CPU_ARM_CORTEX_M0)
        machine.mem_map(0, 0x40000)
        machine.mem_map(0x20000000, 0x4000)
        machine.mmio_map(0x40000000, 0x10000, self._read, None, self._write, None)
        with self.elf.open("rb") as stream:
            elf = ELFFile(stream)
            for segment in elf.iter_segments("PT_LOAD"):
                machine.mem_write(segment["p_paddr"], segment.data())
            for symbol in elf.get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["type"] == "STT_FUNC":
                    start = symbol["st_value"] & ~1
                    known = self.functions.get(symbol.name)
                    assert known is None or known.start == start, f"two functions {symbol.name}"
                    self.functions[symbol.name] = Function(symbol.name, start, start + symbol["st_size"])
        if self.blob is not None:
            machine.mem_write(*self.blob)
        stack, entry = (int.from_bytes(machine.mem_read(at, 4), "little") for at in (0, 4))
        machine.reg_write(uc_arm.UC_ARM_REG_SP, stack)
        self._at = {function.start: function for function in self.functions.values()}
        self._decoder = disassembler()
        self._seen: dict[int, Seen] = {}
        self._open: list[Activation] = []
        self._total = 0
        self._last: Seen | None = None
        machine.hook_add(unicorn.UC_HOOK_CODE, self._step)
        machine.emu_start(entry | 1, 0xFFFFFFFE)
        while self._open:
            self._close()
        return self

    def _step(self, machine: unicorn.Uc, address: int, size: int, _: object) -> None:
        seen = self._seen.get(address) or self._look(machine, address, size)
        last = self._last
        if last is None or address != last.following or last.function is not seen.function:
            self._arrive(machine, address, last, seen)
        self._last = seen
        self._total += seen.cost
        seen.function.exclusive += seen.cost
        self.instructions += 1

    def _arrive(self, machine: unicorn.Uc, address: int, last: Seen | None, seen: Seen) -> None:
        """Not by the instruction before, or from another function."""
        if last is not None and address != last.following:
            self._total += last.taken
            last.function.exclusive += last.taken
        while self._open and self._open[-1].returns_to == address:
            if machine.reg_read(uc_arm.UC_ARM_REG_SP) != self._open[-1].stack:
                break
            self._close()
        if address in self._at and (last is None or last.links or last.function is not seen.function):
            self._open.append(
                Activation(
                    seen.function,
                    machine.reg_read(uc_arm.UC_ARM_REG_LR) & ~1,
                    machine.reg_read(uc_arm.UC_ARM_REG_SP),
                    self._total,
                )
            )
            seen.function.active += 1

    def _close(self) -> None:
        activation = self._open.pop()
        function = activation.function
        function.active -= 1
        if function.active == 0:
            function.inclusive += self._total - activation.began
        if function.name == self.measured:
            self.calls.append(self._total - activation.began)

    def _look(self, machine: unicorn.Uc, address: int, size: int) -> Seen:
        insn = next(self._decoder.disasm(bytes(machine.mem_read(address, size)), address))
        costs = [instruction_cost(insn, core) for core in (M0, M0PLUS)]
        owners = [each for each in self.functions.values() if each.start <= address < each.end]
        self._seen[address] = Seen(
            costs[M0][0] | costs[M0PLUS][0] << PACK,
            costs[M0][1] | costs[M0PLUS][1] << PACK,
            address + size,
            insn.mnemonic in {"bl", "blx"},
            owners[0],
        )
        return self._seen[address]

    def _read(self, _machine: unicorn.Uc, _offset: int, _size: int, _: object) -> int:
        return 1  # the UART is always ready

    def _write(self, _machine: unicorn.Uc, offset: int, _size: int, value: int, _: object) -> None:
        if offset == 0x251C:
            self.result += bytes([value])


def cycles(packed: int, core: int) -> int:
    """The share of one core."""
    return packed >> PACK if core == M0PLUS else packed & ((1 << PACK) - 1)
