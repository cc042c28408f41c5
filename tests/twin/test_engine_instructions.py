"""Every form of ARMv6-M's instructions with random operands and flags: the twin and QEMU come to the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from hil.emulator.twin.core import Stop
from tests.cycles.programs import build_program, run_qemu
from tests.twin.bare import Bare
from tests.twin.rig import LONG

if TYPE_CHECKING:
    from pathlib import Path

INSTRUCTIONS = 6000
BETWEEN_VALUES = 4
MAIN = '#include "microbit.h"\nuint32_t trial(void);\nuint32_t test_main(void) {\n    return trial();\n}\n'
# r0 to r7, r8, r9, r12, the flags and PSP go into the hash in r10; nothing of it changes. r11 is the scratch memory.
FRAME = """
.syntax unified
.cpu cortex-m0plus
.thumb
.section .text.fold
.thumb_func
fold: push {r0-r7, lr}
    mrs r1, apsr
    mov r2, r8; mov r3, r9; mov r4, r12; mrs r5, psp
    sub sp, #20
    mov r0, sp
    stm r0!, {r1-r5}
    mov r0, sp; movs r6, #13; mov r7, r10
    1: ldm r0!, {r2}
    eors r7, r2; ldr r3, =0x01000193; muls r7, r3, r7; movs r3, #13; rors r7, r3
    subs r6, #1; bne 1b
    mov r10, r7
    ldr r1, [sp]; msr apsr_nzcvq, r1
    add sp, #20
    pop {r0-r7, pc}
    .ltorg
.thumb_func
other: adds r0, #3; bx lr
.section .text.trial
.global trial
.thumb_func
trial: push {r4-r7, lr}
    mov r4, r8; mov r5, r9; mov r6, r10; mov r7, r11; push {r4-r7}
    ldr r0, =scratch; mov r11, r0; movs r0, #1; mov r10, r0; mov r8, r0; mov r9, r0; mov r12, r0; msr psp, r0
"""
END = """
    mov r0, r10
    pop {r4-r7}; mov r8, r4; mov r9, r5; mov r10, r6; mov r11, r7
    pop {r4-r7, pc}
    .ltorg
.balign 4
"""
SPECIAL = (
    0,
    1,
    2,
    31,
    32,
    33,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0xFFFFFFFE,
)
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
TWO = ("ands", "eors", "adcs", "sbcs", "orrs", "bics", "mvns", "lsls", "lsrs", "asrs", "rors", "tst", "cmp", "cmn")
EXTEND = ("sxtb", "sxth", "uxtb", "uxth", "rev", "rev16", "revsh")
HIGH = ("r8", "r9", "r12")


class Forms:
    """Random instructions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("make_")]

    def low(self, *, besides: tuple[str, ...] = ()) -> str:
        return self._random.choice([f"r{n}" for n in range(8) if f"r{n}" not in besides])

    def number(self, top: int, step: int = 1) -> int:
        return step * self._random.randint(0, top)

    def one(self) -> str:
        return str(self._random.choice(self._kinds)())

    def value(self) -> int:
        return self._random.choice(SPECIAL) if self._random.random() < 0.5 else self._random.getrandbits(32)

    def listed(self, *, besides: tuple[str, ...] = ()) -> str:
        registers = [f"r{n}" for n in range(8) if f"r{n}" not in besides]
        chosen = set(self._random.sample(registers, self._random.randint(1, len(registers))))
        return "{" + ", ".join(each for each in registers if each in chosen) + "}"

    def make_two(self) -> str:
        return f"{self._random.choice(TWO)} {self.low()}, {self.low()}"

    def make_multiply(self) -> str:
        register = self.low()
        return f"muls {register}, {self.low()}, {register}"

    def make_three(self) -> str:
        return f"{self._random.choice(('adds', 'subs'))} {self.low()}, {self.low()}, {self.low()}"

    def make_small(self) -> str:
        return f"{self._random.choice(('adds', 'subs'))} {self.low()}, {self.low()}, #{self.number(7)}"

    def make_immediate(self) -> str:
        return f"{self._random.choice(('adds', 'subs', 'movs', 'cmp'))} {self.low()}, #{self.number(255)}"

    def make_negate(self) -> str:
        return f"rsbs {self.low()}, {self.low()}, #0"

    def make_shift(self) -> str:
        kind = self._random.choice(("lsls", "lsrs", "asrs"))
        return f"{kind} {self.low()}, {self.low()}, #{self.number(31) if kind == 'lsls' else 1 + self.number(31)}"

    def make_extend(self) -> str:
        return f"{self._random.choice(EXTEND)} {self.low()}, {self.low()}"

    def make_high(self) -> str:
        low, high = self.low(), self._random.choice(HIGH)
        pair = self._random.choice((f"{low}, {high}", f"{high}, {low}", f"{high}, {self._random.choice(HIGH)}"))
        return f"{self._random.choice(('add', 'mov', 'cmp'))} {pair}"

    def make_stack_address(self) -> str:
        """SP differs between the two: only differences of it are kept."""
        a = self.low()
        b = self.low(besides=(a,))
        offset, further = self.number(127, 4), self.number(255, 4)
        moved = f"sub sp, #{offset}; mov {a}, sp; add {b}, sp, #{further}; add sp, #{offset}"
        return f"{moved}; subs {a}, {b}, {a}; movs {b}, #1"

    def make_pc(self) -> str:
        register = self.low()
        return self._random.choice(
            (
                f"mov {register}, pc",
                f"add {register}, pc",
                f".balign 4; adr {register}, . + 8",
                f"movs {register}, #4; add pc, {register}; nop; movs {register}, #9; nop",
            )
        )

    def make_branch(self) -> str:
        return f"b{self._random.choice(CONDITIONS)} 7f; adds {self.low()}, #{1 + self.number(20)}\n 7:"

    def make_jump(self) -> str:
        register = self.low()
        return self._random.choice(
            (
                f"b 7f; movs {register}, #1\n 7:",
                "bl other",
                f"ldr {register}, =other + 1; blx {register}",
                f"ldr {register}, =7f + 1; bx {register}; udf #0\n .thumb_func\n 7:",
                f"ldr {register}, =7f; mov pc, {register}; udf #0\n 7:",
                f"ldr {register}, =7f + 1; push {{{register}}}; pop {{pc}}\n 7:",
            )
        )

    def make_special(self) -> str:
        register = self.low()
        return self._random.choice(
            (
                f"mrs {register}, apsr",
                f"msr apsr_nzcvq, {register}",
                f"msr psp, {register}",
                f"mrs {register}, psp",
                f"mrs {register}, primask",
                f"mrs {register}, ipsr",
                f"mrs {register}, control",
                f"cpsid i; mrs {register}, primask; cpsie i",
                f"msr primask, {register}; mrs {register}, primask; cpsie i",
                "dmb; dsb; isb",
                "nop; sev; yield",
            )
        )

    def make_load_store(self) -> str:
        kind = self._random.choice(("ldr", "str", "ldrb", "strb", "ldrh", "strh"))
        size = {"b": 1, "h": 2}.get(kind[-1], 4)
        base = self.low()
        other = self.low(besides=(base,)) if kind.startswith("str") else self.low()
        return f"mov {base}, r11; {kind} {other}, [{base}, #{self.number(31, size)}]"

    def make_load_store_by_register(self) -> str:
        kind = self._random.choice(("ldr", "str", "ldrb", "strb", "ldrh", "strh", "ldrsb", "ldrsh"))
        size = 1 if "b" in kind else 2 if "h" in kind else 4
        base = self.low()
        index = self.low(besides=(base,))
        other = self.low(besides=(base, index)) if kind.startswith("str") else self.low()
        access = f"{kind} {other}, [{base}, {index}]"
        return f"mov {base}, r11; movs {index}, #{self.number(255 // size, size)}; {access}; mov {base}, r9"

    def make_load_store_on_stack(self) -> str:
        a, b, offset = self.low(), self.low(), self.number(8, 4)
        return f"sub sp, #40; str {a}, [sp, #{offset}]; ldr {b}, [sp, #{offset}]; add sp, #40"

    def make_multiple(self) -> str:
        base = self.low()
        if self._random.random() < 0.5:
            return f"mov {base}, r11; stm {base}!, {self.listed(besides=(base,))}; mov {base}, r8"
        names = self.listed()
        mark = "" if f"{base}," in names or f"{base}}}" in names else "!"
        return f"mov {base}, r11; ldm {base}{mark}, {names}" + (f"; mov {base}, r8" if mark else "")

    def make_push_pop(self) -> str:
        names = self.listed()
        return f"push {names}; pop {names}"

    def make_literal(self) -> str:
        return f"ldr {self.low()}, ={self.value():#x}"


def program(seed: int) -> str:
    forms = Forms(seed)
    parts = [FRAME]
    for n in range(INSTRUCTIONS):
        if n % BETWEEN_VALUES == 0:
            parts += [f"    ldr r{register}, ={forms.value():#x}" for register in range(8)]
            parts.append(
                f"    mov r8, r{forms.number(7)}; mov r9, r{forms.number(7)}; msr apsr_nzcvq, r{forms.number(7)}"
            )
        parts.append(f"    {forms.one()}\n    bl fold")
        if n % 12 == 11:
            parts.append("    b 8f\n    .ltorg\n    8:")
    parts.append(END + ".section .bss\n.balign 4\nscratch: .space 512\n")
    return "\n".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_random_instructions_come_to_what_qemu_comes_to(seed: int, tmp_path: Path) -> None:
    main, trial = tmp_path / "main.c", tmp_path / "trial.S"
    main.write_text(MAIN)
    trial.write_text(program(seed))
    elf = build_program(tmp_path / "trial.elf", main, trial)
    expected = run_qemu(elf).result
    chip = Bare()
    chip.load(elf)
    chip.reset()
    assert chip.run(LONG) is Stop.ASLEEP, chip.fault_words()
    assert int.from_bytes(chip.sink.sent, "little") == expected
    chip.close()
