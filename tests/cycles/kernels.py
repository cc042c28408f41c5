"""Hand-counted assembly: what each kernel takes on a Cortex-M0 and on a Cortex-M0+, its return included.

A kernel is called with r0 = a word-aligned place of 64 words in RAM and r1 = 3; it may change r0 to r7, r8 and r12.
The numbers were written by hand from Arm's tables, never taken from a run. Where only the return differs between the
cores, that is BX LR: 3 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Kernel:
    """Code, and its cycles by hand on both cores. `exceptions` are raised within it."""

    name: str
    code: str
    m0: int
    m0plus: int
    exceptions: int = 0
    before: str = ".balign 4"


RETURN = "bx lr"
# Asks for an interrupt, 2 + 2 + 2 cycles. QEMU takes it at the block's end: between the branch that follows and its
# destination. The handler must not show in the count.
PEND = "ldr r1, =0xE000E200; ldr r2, =0x100; str r2, [r1]"

KERNELS = (
    Kernel("nothing", RETURN, m0=3, m0plus=2),
    # One cycle each.
    Kernel("move_immediate", f"movs r1, #1; movs r2, #255; {RETURN}", m0=2 + 3, m0plus=2 + 2),
    Kernel("move_register", f"movs r1, r2; mov r1, r2; mov r8, r1; mov r1, r8; {RETURN}", m0=4 + 3, m0plus=4 + 2),
    Kernel(
        "add_low", f"adds r1, r2, #7; adds r1, r2, r3; adds r1, #200; adcs r1, r2; {RETURN}", m0=4 + 3, m0plus=4 + 2
    ),
    Kernel("add_high", f"add r1, r8; add r8, r1; add r8, r8; {RETURN}", m0=3 + 3, m0plus=3 + 2),
    Kernel("add_sp", f"sub sp, #8; add r1, sp, #4; add sp, #8; {RETURN}", m0=3 + 3, m0plus=3 + 2),
    Kernel("address", f"adr r1, 1f; nop; {RETURN}; .balign 4; 1: .word 0", m0=2 + 3, m0plus=2 + 2),
    Kernel(
        "subtract",
        f"subs r1, r2, r3; subs r1, r2, #1; subs r1, #9; sbcs r1, r2; rsbs r1, r1, #0; {RETURN}",
        m0=5 + 3,
        m0plus=5 + 2,
    ),
    Kernel("compare", f"cmp r1, r2; cmp r1, #3; cmn r1, r2; cmp r8, r1; tst r1, r2; {RETURN}", m0=5 + 3, m0plus=5 + 2),
    Kernel(
        "logic", f"ands r1, r2; eors r1, r2; orrs r1, r2; bics r1, r2; mvns r1, r2; {RETURN}", m0=5 + 3, m0plus=5 + 2
    ),
    Kernel("shift_immediate", f"lsls r1, r2, #4; lsrs r1, r2, #4; asrs r1, r2, #4; {RETURN}", m0=3 + 3, m0plus=3 + 2),
    Kernel("shift_register", f"lsls r1, r2; lsrs r1, r2; asrs r1, r2; rors r1, r2; {RETURN}", m0=4 + 3, m0plus=4 + 2),
    Kernel("extend", f"sxth r1, r2; sxtb r1, r2; uxth r1, r2; uxtb r1, r2; {RETURN}", m0=4 + 3, m0plus=4 + 2),
    Kernel("reverse", f"rev r1, r2; rev16 r1, r2; revsh r1, r2; {RETURN}", m0=3 + 3, m0plus=3 + 2),
    Kernel("change_state", f"cpsid i; cpsie i; {RETURN}", m0=2 + 3, m0plus=2 + 2),
    Kernel("hints", f"nop; yield; sev; {RETURN}", m0=3 + 3, m0plus=3 + 2),
    # The multiplier of most parts takes one cycle; the other one is tested with SLOW_MULTIPLY.
    Kernel("multiply", f"muls r1, r2, r1; muls r2, r3, r2; {RETURN}", m0=2 * 1 + 3, m0plus=2 * 1 + 2),
    # Two cycles each.
    Kernel("load_immediate", f"ldr r1, [r0]; ldrh r1, [r0, #2]; ldrb r1, [r0, #1]; {RETURN}", m0=6 + 3, m0plus=6 + 2),
    Kernel(
        "load_register",
        "movs r2, #4; ldr r1, [r0, r2]; ldrh r1, [r0, r2]; ldrsh r1, [r0, r2]; ldrb r1, [r0, r2]; ldrsb r1, [r0, r2];"
        + RETURN,
        m0=1 + 10 + 3,
        m0plus=1 + 10 + 2,
    ),
    Kernel("load_literal", f"ldr r1, =0x12345678; {RETURN}", m0=2 + 3, m0plus=2 + 2),
    Kernel("load_sp", f"sub sp, #8; ldr r1, [sp, #4]; add sp, #8; {RETURN}", m0=1 + 2 + 1 + 3, m0plus=1 + 2 + 1 + 2),
    Kernel("store_immediate", f"str r1, [r0]; strh r1, [r0, #2]; strb r1, [r0, #1]; {RETURN}", m0=6 + 3, m0plus=6 + 2),
    Kernel(
        "store_register",
        f"movs r2, #4; str r1, [r0, r2]; strh r1, [r0, r2]; strb r1, [r0, r2]; {RETURN}",
        m0=1 + 6 + 3,
        m0plus=1 + 6 + 2,
    ),
    Kernel("store_sp", f"sub sp, #8; str r1, [sp, #4]; add sp, #8; {RETURN}", m0=1 + 2 + 1 + 3, m0plus=1 + 2 + 1 + 2),
    # One and one more for each register.
    Kernel("load_one", f"ldm r0!, {{r1}}; {RETURN}", m0=2 + 3, m0plus=2 + 2),
    Kernel("load_seven", f"ldm r0!, {{r1-r7}}; {RETURN}", m0=8 + 3, m0plus=8 + 2),
    Kernel("load_with_base", f"ldm r0, {{r0-r3}}; {RETURN}", m0=5 + 3, m0plus=5 + 2),
    Kernel("load_eight", f"ldm r0, {{r0-r7}}; {RETURN}", m0=9 + 3, m0plus=9 + 2),
    Kernel("store_multiple", f"stm r0!, {{r1}}; stm r0!, {{r1-r4}}; {RETURN}", m0=2 + 5 + 3, m0plus=2 + 5 + 2),
    Kernel("push_pop_one", f"push {{r1}}; pop {{r1}}; {RETURN}", m0=2 + 2 + 3, m0plus=2 + 2 + 2),
    Kernel("push_pop_eight", f"push {{r0-r7}}; pop {{r0-r7}}; {RETURN}", m0=9 + 9 + 3, m0plus=9 + 9 + 2),
    Kernel("return_by_pop", "push {lr}; pop {pc}", m0=2 + (4 + 1), m0plus=2 + (3 + 1)),
    Kernel("return_by_pop_four", "push {r4-r6, lr}; pop {r4-r6, pc}", m0=5 + (4 + 4), m0plus=5 + (3 + 4)),
    Kernel("return_by_pop_nine", "push {r0-r7, lr}; pop {r0-r7, pc}", m0=10 + (4 + 9), m0plus=10 + (3 + 9)),
    Kernel("return_by_move", "mov pc, lr", m0=3, m0plus=2),
    # Branches.
    Kernel("branch_not_taken", f"cmp r1, r1; bne 1f; nop; 1: {RETURN}", m0=1 + 1 + 1 + 3, m0plus=1 + 1 + 1 + 2),
    Kernel("branch_taken", f"cmp r1, r1; beq 1f; nop; 1: {RETURN}", m0=1 + 3 + 3, m0plus=1 + 2 + 2),
    Kernel("branch_back", f"b 2f; 1: {RETURN}; 2: cmp r1, r1; beq 1b", m0=3 + 1 + 3 + 3, m0plus=2 + 1 + 2 + 2),
    Kernel(
        "loop",
        f"movs r1, #10; 1: subs r1, #1; bne 1b; {RETURN}",
        m0=1 + 10 * 1 + 9 * 3 + 1 + 3,
        m0plus=1 + 10 * 1 + 9 * 2 + 1 + 2,
    ),
    Kernel(
        "loop_in_loop",
        f"movs r0, #2; 1: movs r1, #10; 2: subs r1, #1; bne 2b; nop; nop; nop; subs r0, #1; bne 1b; {RETURN}",
        m0=1 + 2 * (1 + 10 + 9 * 3 + 1 + 3 + 1) + 3 + 1 + 3,
        m0plus=1 + 2 * (1 + 10 + 9 * 2 + 1 + 3 + 1) + 2 + 1 + 2,
    ),
    Kernel(
        "loop_to_entry", f"subs r1, #1; bne loop_to_entry; {RETURN}", m0=3 + 2 * 3 + 1 + 3, m0plus=3 + 2 * 2 + 1 + 2
    ),
    Kernel("jump", f"b 1f; nop; 1: {RETURN}", m0=3 + 3, m0plus=2 + 2),
    Kernel("jump_to_next", f"b 1f; 1: {RETURN}", m0=3 + 3, m0plus=2 + 2),
    Kernel("jump_by_register", f"ldr r1, =1f + 1; bx r1; nop; 1: {RETURN}", m0=2 + 3 + 3, m0plus=2 + 2 + 2),
    Kernel("jump_by_move", f"ldr r1, =1f; mov pc, r1; nop; 1: {RETURN}", m0=2 + 3 + 3, m0plus=2 + 2 + 2),
    Kernel("jump_by_add", f"movs r1, #0; add pc, r1; nop; {RETURN}", m0=1 + 3 + 3, m0plus=1 + 2 + 2),
    # Calls: the leaf is a BX LR.
    Kernel(
        "call",
        "push {lr}; bl leaf; pop {pc}",
        m0=2 + 4 + 3 + 5,
        m0plus=2 + 3 + 2 + 4,
        before=".type leaf, %function; .thumb_func; leaf: bx lr; .balign 4",
    ),
    Kernel("call_twice", "push {lr}; bl leaf; bl leaf; pop {pc}", m0=2 + 2 * (4 + 3) + 5, m0plus=2 + 2 * (3 + 2) + 4),
    Kernel(
        "call_by_register",
        "push {lr}; ldr r1, =leaf + 1; blx r1; pop {pc}",
        m0=2 + 2 + 3 + 3 + 5,
        m0plus=2 + 2 + 2 + 2 + 4,
    ),
    Kernel("call_local", f"push {{lr}}; bl 1f; pop {{pc}}; 1: {RETURN}", m0=2 + 4 + 3 + 5, m0plus=2 + 3 + 2 + 4),
    Kernel("tail_call", "b leaf", m0=3 + 3, m0plus=2 + 2),
    Kernel("tail_call_if", "cmp r1, r1; beq 1f; nop; 1: b leaf", m0=1 + 3 + 3 + 3, m0plus=1 + 2 + 2 + 2),
    Kernel("tail_call_by_register", "ldr r1, =leaf + 1; bx r1", m0=2 + 3 + 3, m0plus=2 + 2 + 2),
    Kernel("fall_through", "nop; .global fallen; .type fallen, %function; fallen: nop; bx lr", m0=2 + 3, m0plus=2 + 2),
    Kernel(
        "recursion",
        # Three deep: twice PUSH SUBS BNE(not taken) BL, once PUSH SUBS BEQ(taken); three times POP.
        "movs r1, #3; push {lr}; bl 2f; pop {pc};"
        "2: .type deeper, %function; deeper: push {lr}; subs r1, #1; beq 1f; bl deeper; 1: pop {pc}",
        m0=1 + 2 + 4 + 2 * (2 + 1 + 1 + 4) + (2 + 1 + 3) + 3 * 5 + 5,
        m0plus=1 + 2 + 3 + 2 * (2 + 1 + 1 + 3) + (2 + 1 + 2) + 3 * 4 + 4,
    ),
    Kernel(
        "recursion_with_tail_call",
        # SUBS BEQ(not taken) PUSH BL, then SUBS BEQ(taken) B and the leaf, then POP.
        "movs r1, #2; push {lr}; bl twist; pop {pc};"
        ".type twist, %function; twist: subs r1, #1; beq 1f; push {lr}; bl twist; pop {pc}; 1: b leaf",
        m0=1 + 2 + 4 + (1 + 1 + 2 + 4) + (1 + 3 + 3 + 3) + 5 + 5,
        m0plus=1 + 2 + 3 + (1 + 1 + 2 + 3) + (1 + 2 + 2 + 2) + 4 + 4,
    ),
    Kernel(
        "switch_table",
        # As GCC's: the helper finds a table after the call and returns behind it. 14 and 13 cycles, return included.
        "push {r4, lr}; movs r0, #1; bl choose; .byte 1, 2; nop; nop; pop {r4, pc}",
        m0=3 + 1 + 4 + 14 + 1 + 6,
        m0plus=3 + 1 + 3 + 13 + 1 + 5,
    ),
    # Special registers, barriers, sleep.
    Kernel("read_special", f"mrs r1, primask; mrs r2, apsr; {RETURN}", m0=4 + 4 + 3, m0plus=3 + 3 + 2),
    Kernel(
        "write_special", f"movs r1, #0; msr primask, r1; msr apsr_nzcvq, r1; {RETURN}", m0=1 + 8 + 3, m0plus=1 + 6 + 2
    ),
    Kernel("barriers", f"dmb; dsb; isb; {RETURN}", m0=12 + 3, m0plus=9 + 2),
    Kernel("wait_for_event", f"sev; wfe; {RETURN}", m0=1 + 2 + 3, m0plus=1 + 2 + 2),
    Kernel(
        "wait_for_interrupt",
        # PendSV is pending but masked, so the core does not sleep; then it is withdrawn.
        "cpsid i; ldr r1, =0xE000ED04; ldr r2, =0x10000000; str r2, [r1]; wfi; lsrs r2, #1; str r2, [r1]; cpsie i;"
        + RETURN,
        m0=1 + 2 + 2 + 2 + 2 + 1 + 2 + 1 + 3,
        m0plus=1 + 2 + 2 + 2 + 2 + 1 + 2 + 1 + 2,
    ),
    Kernel("supervisor_call", f"nop; svc #0; nop; {RETURN}", m0=1 + 0 + 1 + 3, m0plus=1 + 0 + 1 + 2, exceptions=1),
    # An interrupt between each kind of branch and where it leads.
    Kernel("interrupted_run", f"{PEND}; cpsie i; {RETURN}", m0=6 + 1 + 3, m0plus=6 + 1 + 2, exceptions=1),
    Kernel("interrupted_jump", f"{PEND}; b 1f; nop; 1: {RETURN}", m0=6 + 3 + 3, m0plus=6 + 2 + 2, exceptions=1),
    Kernel(
        "interrupted_branch_taken",
        f"cmp r1, r1; {PEND}; beq 1f; nop; 1: {RETURN}",
        m0=1 + 6 + 3 + 3,
        m0plus=1 + 6 + 2 + 2,
        exceptions=1,
    ),
    Kernel(
        "interrupted_branch_not_taken",
        f"cmp r1, r1; {PEND}; bne 1f; nop; 1: {RETURN}",
        m0=1 + 6 + 1 + 1 + 3,
        m0plus=1 + 6 + 1 + 1 + 2,
        exceptions=1,
    ),
    Kernel(
        "interrupted_call",
        f"push {{lr}}; {PEND}; bl leaf; pop {{pc}}",
        m0=2 + 6 + 4 + 3 + 5,
        m0plus=2 + 6 + 3 + 2 + 4,
        exceptions=1,
    ),
    Kernel(
        "interrupted_call_by_register",
        f"push {{lr}}; ldr r3, =leaf + 1; {PEND}; blx r3; pop {{pc}}",
        m0=2 + 2 + 6 + 3 + 3 + 5,
        m0plus=2 + 2 + 6 + 2 + 2 + 4,
        exceptions=1,
    ),
    Kernel(
        "interrupted_return",
        "push {lr}; bl asking; pop {pc}; .type asking, %function; asking: " + PEND + "; bx lr",
        m0=2 + 4 + 6 + 3 + 5,
        m0plus=2 + 3 + 6 + 2 + 4,
        exceptions=1,
    ),
    Kernel("interrupted_last_return", f"{PEND}; {RETURN}", m0=6 + 3, m0plus=6 + 2, exceptions=1),
    Kernel("interrupted_pop", f"push {{lr}}; {PEND}; pop {{pc}}", m0=2 + 6 + 5, m0plus=2 + 6 + 4, exceptions=1),
    Kernel("interrupted_tail_call", f"{PEND}; b leaf", m0=6 + 3 + 3, m0plus=6 + 2 + 2, exceptions=1),
    Kernel(
        "interrupted_tail_call_by_register",
        f"ldr r3, =leaf + 1; {PEND}; bx r3",
        m0=2 + 6 + 3 + 3,
        m0plus=2 + 6 + 2 + 2,
        exceptions=1,
    ),
    Kernel(
        "interrupted_jump_by_move",
        f"ldr r3, =1f; {PEND}; mov pc, r3; nop; 1: {RETURN}",
        m0=2 + 6 + 3 + 3,
        m0plus=2 + 6 + 2 + 2,
        exceptions=1,
    ),
    Kernel(
        "interrupted_loop",
        f"movs r3, #5; 1: {PEND}; subs r3, #1; bne 1b; {RETURN}",
        m0=1 + 5 * (6 + 1) + 4 * 3 + 1 + 3,
        m0plus=1 + 5 * (6 + 1) + 4 * 2 + 1 + 2,
        exceptions=5,
    ),
    # PendSV with TIMER0, which comes first: its handler's end leads to PendSV's.
    Kernel(
        "interrupted_twice",
        f"ldr r3, =0xE000ED04; ldr r4, =0x10000000; cpsid i; str r4, [r3]; {PEND}; cpsie i; {RETURN}",
        m0=2 + 2 + 1 + 2 + 6 + 1 + 3,
        m0plus=2 + 2 + 1 + 2 + 6 + 1 + 2,
        exceptions=2,
    ),
    # TIMER0's handler asks for TIMER1, which preempts it.
    Kernel(
        "interrupted_in_the_handler",
        f"ldr r3, =nest; ldr r4, =0x200; str r4, [r3]; {PEND}; b 1f; 1: {RETURN}",
        m0=2 + 2 + 2 + 6 + 3 + 3,
        m0plus=2 + 2 + 2 + 6 + 2 + 2,
        exceptions=2,
    ),
    # Where QEMU ends its translation blocks.
    Kernel("six_hundred", f".rept 600; nop; .endr; {RETURN}", m0=600 + 3, m0plus=600 + 2),
    Kernel(
        "over_the_page",
        # The NOP before the BL is the page's last word but one; the BL lies across the end.
        "push {lr}; nop; nop; bl leaf; pop {pc}",
        m0=2 + 2 + 4 + 3 + 5,
        m0plus=2 + 2 + 3 + 2 + 4,
        before=".balign 1024; .space 1024 - 8",
    ),
)

SLOW_MULTIPLY = 31
"""What the 32-cycle multiplier adds to each MULS; the kernel "multiply" has two."""


def assembly(kernels: Iterable[Kernel]) -> str:
    """One source file with all kernels, and a table of them."""
    chosen = list(kernels)
    return (
        "\n".join(
            [
                ".syntax unified; .cpu cortex-m0; .thumb; .text",
                *(
                    f"{kernel.before}\n.global {kernel.name}; .type {kernel.name}, %function; .thumb_func\n"
                    f"{kernel.name}: {kernel.code}\n.ltorg\n"
                    for kernel in chosen
                ),
                ".type choose, %function; .thumb_func",
                "choose: push {r1}; mov r1, lr; lsrs r1, #1; lsls r1, #1; ldrb r1, [r1, r0]; lsls r1, #1; add lr, r1",
                "pop {r1}; bx lr",
                # Calls the function in r0 as the kernels want it.
                ".global run_kernel; .type run_kernel, %function; .thumb_func",
                "run_kernel: push {r4-r7, lr}; mov r4, r8; push {r4}; mov r2, r0; ldr r0, =scratch; movs r1, #3",
                "blx r2; pop {r4}; mov r8, r4; pop {r4-r7, pc}",
                ".balign 4; .global kernels; kernels:",
                *(f".word {kernel.name}" for kernel in chosen),
                ".word 0",
                ".bss; .balign 4; scratch: .space 256",
            ]
        )
        + "\n"
    )
