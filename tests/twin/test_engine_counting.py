"""Functions are counted to the cycle across cuts, accesses to registers and interrupts; nothing is counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from tests.cycles.programs import build_program
from tests.twin.bare import Bare
from tests.twin.rig import LONG

if TYPE_CHECKING:
    from pathlib import Path

    from hil.cycles.counts import CycleCounts

PROGRAM = r"""
#include "microbit.h"

void accesses(void);
void straight(void);

volatile uint32_t ticks;

void timer0_handler(void) {
    ticks++;
}

uint32_t test_main(void) {
    NVIC_ISER = 1u << TIMER0_IRQ;
    for (uint32_t i = 0; i < 20; i++) {
        accesses();
        straight();
    }
    return ticks;
}
"""
ASSEMBLY = """
.syntax unified
.cpu cortex-m0plus
.thumb
.macro function name
.section .text.\\name
.balign 4
.global \\name
.type \\name, %function
\\name:
.endm
function accesses
    ldr r1, =0x40002000; movs r0, #3
    1: ldr r2, [r1]; nop; ldr r2, [r1]; subs r0, #1; bne 1b
    bx lr
    .ltorg
.size accesses, . - accesses
function straight
    movs r0, #50; nop; muls r0, r0, r0; uxtb r0, r0; movs r0, #0; nop; nop
    bx lr
.size straight, . - straight
"""
ACCESSES = 2 + 1 + 3 * (2 + 1 + 2 + 1 + 2) - 1 + 2
STRAIGHT = 7 + 2


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("counted")
    (folder / "program.c").write_text(PROGRAM)
    (folder / "functions.S").write_text(ASSEMBLY)
    return build_program(folder / "program.elf", folder / "program.c", folder / "functions.S")


def counted(elf: Path, cuts: list[int], interrupts: list[int]) -> tuple[CycleCounts, int, int]:
    """Counts, instructions that the engine has executed, and the program's result."""
    model = TimingModel("cortex-m0plus")
    with CycleCounter(elf, model, measure=["accesses", "straight"]) as counter:
        chip = Bare(model.core)
        chip.load(elf)

        def pulse(_cycle: int) -> None:
            chip.set_line(8, level=True)
            chip.set_line(8, level=False)

        with chip.counted(counter):
            chip.reset()
            for cycle in cuts:
                chip.events.at(cycle, lambda _: None)
            for cycle in interrupts:
                chip.events.at(cycle, pulse)
            chip.run(LONG)
            instructions = chip.core.shared.instructions
        return counter.counts(), instructions, int.from_bytes(chip.sink.sent, "little")


@pytest.mark.parametrize("cuts", [[], list(range(1, 1500)), list(range(1, 1500, 7))], ids=["none", "each", "some"])
@pytest.mark.parametrize("interrupts", [[], list(range(150, 1400, 53))], ids=["alone", "interrupted"])
def test_calls_take_what_was_counted_by_hand(elf: Path, cuts: list[int], interrupts: list[int]) -> None:
    counts, instructions, ticks = counted(elf, cuts, interrupts)
    assert ticks == len(interrupts)
    assert [call.cycles for call in counts.of("accesses")] == [ACCESSES] * 20
    assert [call.cycles for call in counts.of("straight")] == [STRAIGHT] * 20
    assert counts.totals.instructions == instructions
    assert counts.functions == counted(elf, [], interrupts)[0].functions
    assert (counts.totals.unknown, counts.totals.faults, counts.totals.lost) == (0, 0, 0)
    assert counts.totals.entries == counts.totals.leaves == len(interrupts)
