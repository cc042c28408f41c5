"""The deepest stack of small programs: whose frames count, and what has no bound."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from hil.build_stack import EXCEPTION_BYTES, Stack, deepest_stack
from hil.errors import BuildError
from hil.resources import firmware_dir

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
#include <stdint.h>
__attribute__((noipa)) void reset(void), other(int), step(int);
volatile int sink;
#define KEEP(bytes) volatile uint8_t here[bytes]; here[0] = (uint8_t)sink; sink = here[0]
__attribute__((noinline)) static void small(void) { KEEP(40); }
__attribute__((noinline)) static void large(void) { KEEP(400); }
"""
SCRIPT = "SECTIONS { .text 0 : { *(.vectors) *(.text*) *(.rodata*) } .data 0x20000000 : { *(.data*) *(.bss*) } }"
VECTORS = """
__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {0, HANDLERS};
"""
SLACK = 40  # saved registers and alignment beside the arrays


def stack_of(folder: Path, body: str, *more: Path, handlers: str = "reset") -> Stack:
    source = folder / "main.c"
    source.write_text(HEAD + body + VECTORS.replace("HANDLERS", handlers))
    elf = folder / "main.elf"
    (folder / "main.ld").write_text(SCRIPT)
    options = ("-std=c11", "-O2", "-mcpu=cortex-m0", "-mthumb", "-ffreestanding", "-fcallgraph-info=su")
    linking = ("-nostdlib", "-Tmain.ld", "-Wl,-e,reset", "-o", str(elf), str(source), *map(str, more), "-lgcc")
    command = ["arm-none-eabi-gcc", *options, *linking]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return deepest_stack(folder, elf, "arm-none-eabi-objdump", "binutils-arm-none-eabi")


def within(stack: Stack, least: int) -> bool:
    return least <= stack.bytes <= least + SLACK


def test_the_deepest_path_counts_alone(tmp_path: Path) -> None:
    stack = stack_of(tmp_path, "void reset(void) { KEEP(100); small(); large(); small(); }")
    assert stack.calls == ("reset", "large")
    assert within(stack, 500)


def test_every_handler_counts_with_what_the_core_pushes(tmp_path: Path) -> None:
    body = (
        "void reset(void) { KEEP(100); }\nvoid one(void); void one(void) { small(); }\n"
        "void two(void); void two(void) { KEEP(20); }\nvoid none(void); void none(void) {}"
    )
    stack = stack_of(tmp_path, body, handlers="reset, one, two, one, none")
    assert stack.calls == ("reset",)
    assert within(stack, 100 + 40 + 20 + 3 * EXCEPTION_BYTES)


def test_a_pointer_goes_where_the_comment_behind_it_says(tmp_path: Path) -> None:
    body = "static void (*volatile which)(void) = large;\nvoid reset(void) { which = small; which(); }"
    with pytest.raises(BuildError, match=r"main\.c:8: the stack of the firmware has no bound: this call through") as it:
        stack_of(tmp_path, body)
    assert it.value.hint == "write /* calls: NAME, NAME */ behind it, on the same line"
    stack = stack_of(tmp_path, body + " /* calls: small, large */")
    assert stack.calls == ("reset", "large")
    with pytest.raises(BuildError, match=r"cannot be told: reset calls huge, which is not linked"):
        stack_of(tmp_path, body + " /* calls: small, huge */")


RECURSION = """
void step(int n) { KEEP(8); if (n) { other(n); } sink++; }
void other(int n) { KEEP(8); step(n - 1); sink++; }
void reset(void) { step(sink); }
"""
COMPUTED = """
void step(int n) { volatile char all[n]; all[0] = 1; sink = all[0]; }
void reset(void) { step(sink); }
"""
IN_ASSEMBLY = r"""
__asm(".thumb_func\n.global step\n.type step, %function\nstep: push {r4, lr}\n blx r0\n pop {r4, pc}");
void reset(void) { step(sink); }
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (RECURSION, "no bound: step calls other calls step"),
        (COMPUTED, "no bound: the frame of step has a size that is computed"),
        (IN_ASSEMBLY, "no bound: step, which was not compiled with it, has 'blx r0'"),
    ],
    ids=["recursion", "computed frame", "pointer in assembly"],
)
def test_what_has_no_bound_is_named(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(BuildError) as caught:
        stack_of(tmp_path, body)
    assert words in caught.value.message


def test_a_function_without_c_is_read_from_its_instructions(tmp_path: Path) -> None:
    assembly = (
        '__asm(".thumb_func\\n.global step\\n.type step, %function\\n'
        'step: push {r4, r5, r6, lr}\\n sub sp, #64\\n bl other\\n add sp, #64\\n pop {r4, r5, r6, pc}");\n'
    )
    body = "void other(int n) { (void)n; KEEP(100); }\nvoid reset(void) { step(sink); }"
    stack = stack_of(tmp_path, assembly + body)
    assert stack.calls == ("reset", "step", "other")
    assert within(stack, 16 + 64 + 100)


@pytest.mark.parametrize(("name", "words"), [("ltc_gather", 6 + 3), ("ltc_advance", 6 + 4)])
def test_the_kernel_counts_with_both_its_pushes(tmp_path: Path, name: str, words: int) -> None:
    declared = "__attribute__((noipa)) void ltc_gather(void), ltc_advance(void);\n"
    calling = f"void reset(void) {{ KEEP(40); {name}(); sink++; }}\n"
    ltc = firmware_dir() / "ltc"
    stack = stack_of(tmp_path, declared + calling, ltc / "ltc_kernel_v6m.S", ltc / "ltc_tables.c")
    assert stack.calls == ("reset", name)
    (tmp_path / "empty").mkdir()
    empty = declared + "void ltc_gather(void) {}\nvoid ltc_advance(void) {}\n" + calling
    assert stack.bytes == stack_of(tmp_path / "empty", empty).bytes + 4 * words


def test_the_compiler_s_library_counts(tmp_path: Path) -> None:
    divide = "volatile uint64_t a, b;\nvoid reset(void) { KEEP(8); a = a / b; }"
    stack = stack_of(tmp_path, divide)
    assert stack.calls[:2] == ("reset", "__aeabi_uldivmod")
    assert 40 <= stack.bytes <= 120


def test_a_jump_by_a_table_counts_although_nobody_calls_its_helper(tmp_path: Path) -> None:
    cases = "".join(f"case {n}: other({n * n}); break;" for n in range(9))
    body = f"void other(int n) {{ sink = n; }}\nvoid reset(void) {{ switch (sink) {{ {cases} }} small(); }}"
    helper = '__asm(".thumb_func\\n.global __gnu_thumb1_case_uqi\\n.type __gnu_thumb1_case_uqi, %function\\n'
    with_helper = helper + '__gnu_thumb1_case_uqi: push {r1}\\n sub sp, #200\\n bx lr");\n'
    assert stack_of(tmp_path, with_helper + body).bytes == stack_of(tmp_path, body).bytes + 204


def test_a_program_without_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not begin with a vector table"):
        stack_of(tmp_path, "void reset(void) { small(); }", handlers="0")
