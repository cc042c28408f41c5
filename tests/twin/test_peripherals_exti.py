"""EXTI, SYSCFG's choice of ports, and GPIO."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.twin.snippets import Bench

LATCH = "GPIOA_ODR"


def exti(line: int = 5, *, port: int = 0, rising: bool = True, falling: bool = False, imr: bool = True) -> Bench:
    chip = Bench()
    chip.set("RCC_IOPENR", 0x87)
    chip.set("RCC_APB2ENR", 1)
    chip.write(f"SYSCFG_EXTICR{line // 4 + 1}", port << 4 * (line % 4))
    chip.write("GPIOA_MODER", 0)
    chip.write("GPIOB_MODER", 0)
    chip.write("EXTI_RTSR", rising << line)
    chip.write("EXTI_FTSR", falling << line)
    chip.write("EXTI_IMR", imr << line)
    return chip


def lines(chip: Bench) -> int:
    return chip.core.shared.lines


@pytest.mark.parametrize(("line", "interrupt"), [(0, 5), (1, 5), (2, 6), (3, 6), (4, 7), (15, 7)])
def test_edges_raise_the_interrupt_of_their_line(line: int, interrupt: int) -> None:
    chip = exti(line, falling=False)
    chip.ports["A"].drive(line, level=False)
    assert chip.read("EXTI_PR") == 0
    chip.ports["A"].drive(line, level=True)
    assert chip.read("EXTI_PR") == 1 << line
    assert lines(chip) == 1 << interrupt
    chip.write("EXTI_PR", 1 << line)
    assert (chip.read("EXTI_PR"), lines(chip)) == (0, 0)


def test_only_the_chosen_port_and_edge_count() -> None:
    chip = exti(5, port=1, rising=False, falling=True)
    chip.ports["B"].drive(5, level=True)
    for level in (True, False):
        chip.ports["A"].drive(5, level=level)
    assert chip.read("EXTI_PR") == 0
    chip.ports["B"].drive(5, level=False)
    assert chip.read("EXTI_PR") == 1 << 5


def test_a_masked_line_is_not_pending() -> None:
    chip = exti(imr=False)
    chip.ports["A"].drive(5, level=True)
    assert chip.read("EXTI_PR") == 0


def test_software_request() -> None:
    chip = exti(rising=False)
    chip.write("EXTI_SWIER", 1 << 5)
    assert chip.read("EXTI_PR") == 1 << 5
    chip.write("EXTI_PR", 1 << 5)
    assert chip.read("EXTI_SWIER") == 0


def test_event_line_ends_wfe() -> None:
    chip = Bench("""
    main:
        put 0x4002102C, 1
        put 0x50000000, 0
        put 0x40010408, 0x20       // RTSR
        put 0x40010404, 0x20       // EMR
        put RESULT, 1
    1:  wfe
        ldr r0, =RESULT
        ldr r1, [r0]
        adds r1, #1
        str r1, [r0]
        b 1b
    """)
    chip.run(10_000)
    before = chip.word()
    chip.ports["A"].drive(5, level=True)
    chip.run(chip.now() + 10_000)
    assert chip.word() == before + 1


def test_handler_on_the_core_sees_its_pin() -> None:
    chip = Bench("""
    main:
        put 0x4002102C, 1
        put 0x50000000, 0xEBFFFCF3 // PA1 is an input
        put 0x40010408, 2
        put 0x4001040C, 2
        put 0x40010400, 2
        put RESULT, 0
        put NVIC_ISER, 0x20
    1:  wfi
        b 1b
    irq5:
        ldr r0, =0x40010414
        movs r1, #2
        str r1, [r0]
        ldr r0, =0x50000010
        ldr r2, [r0]
        ldr r0, =RESULT
        ldr r1, [r0]
        adds r1, #1
        str r1, [r0]
        str r2, [r0, #4]
        bx lr
    """)
    chip.run(10_000)
    for n, level in enumerate((True, False, True), 1):
        chip.ports["A"].drive(1, level=level)
        chip.run(chip.now() + 1000)
        assert chip.word() == n
        assert chip.word(4) & 2 == 2 * level


# GPIO


def test_inputs_outputs_and_pulls() -> None:
    chip = Bench()
    chip.set("RCC_IOPENR", 3)
    chip.write("GPIOB_MODER", 0b11_01_00_00)
    chip.write("GPIOB_PUPDR", 0b00_00_10_01)
    assert chip.read("GPIOB_IDR") == 0b0001
    chip.ports["B"].drive(0, level=False)
    chip.ports["B"].drive(1, level=True)
    chip.write("GPIOB_BSRR", 4)
    assert chip.read("GPIOB_IDR") == 0b0110
    chip.ports["B"].drive(3, level=True)
    assert chip.read("GPIOB_IDR") == 0b0110, "an analog pin reads 0"
    chip.ports["B"].drive(0, level=None)
    assert chip.read("GPIOB_IDR") == 0b0111


def test_open_drain_reads_what_is_outside() -> None:
    chip = Bench()
    chip.set("RCC_IOPENR", 2)
    chip.write("GPIOB_MODER", 1)
    chip.write("GPIOB_OTYPER", 1)
    chip.write("GPIOB_ODR", 1)
    chip.ports["B"].drive(0, level=False)
    assert chip.read("GPIOB_IDR") == 0
    chip.ports["B"].drive(0, level=True)
    assert chip.read("GPIOB_IDR") == 1
    chip.write("GPIOB_BRR", 1)
    assert chip.read("GPIOB_IDR") == 0


def test_set_wins_over_reset() -> None:
    chip = Bench()
    chip.set("RCC_IOPENR", 1)
    chip.write(LATCH, 0b0110)
    chip.write("GPIOA_BSRR", 0b0011 | 0b0111 << 16)
    assert chip.read(LATCH) == 0b0011


def test_outputs_are_told_with_their_cycle() -> None:
    """A loop of known length toggles a pin."""
    chip = Bench("""
    main:
        put 0x4002102C, 1
        put 0x50000000, 0xEBFFFCFD
        ldr r0, =0x50000018
        movs r1, #1
        lsls r2, r1, #16
    1:  str r1, [r0]
        nop
        nop
        str r2, [r0]
        nop
        b 1b
    """)
    seen: list[tuple[int, int]] = []
    chip.ports["A"].on_output.append(lambda cycle, old, new: seen.append((cycle, new - old)))
    chip.run(chip.now() + 500)
    gaps = {(second[0] - first[0], second[1]) for first, second in pairwise(seen[4:])}
    assert len(seen) > 40
    assert len(gaps) == 2
    fall = next(gap for gap, step in gaps if step == -1)
    rise = next(gap for gap, step in gaps if step == 1)
    assert rise - fall == 1, "the branch takes two cycles, a nop one: 1 + 2 against 2"


def test_a_port_without_its_clock_is_dead_and_told() -> None:
    chip = Bench("""
    main:
        put 0x50000014, 1
        wfi
    """)
    chip.run(1000)
    assert chip.ports["A"].value["ODR"] == 0
    assert "GPIOA is accessed while its bus clock is off" in chip.notes["clock of GPIOA"]
