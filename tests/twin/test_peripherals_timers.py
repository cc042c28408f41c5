"""TIM2, TIM21 and TIM22: counts are arithmetic, whoever looks when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.registers import NotModelledError
from tests.twin.snippets import Bench

CEN, UDIS, URS, OPM, ARPE = 1, 2, 4, 8, 0x80
UG = UIF = 1


def timer(name: str = "TIM2") -> Bench:
    chip = Bench()
    chip.set(*{"TIM2": ("RCC_APB1ENR", 1), "TIM21": ("RCC_APB2ENR", 4), "TIM22": ("RCC_APB2ENR", 32)}[name])
    return chip


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["TIM2", "TIM21", "TIM22"]),
    st.integers(0, 300),
    st.integers(1, 400),
    st.lists(st.integers(1, 60_000), min_size=1, max_size=6),
    st.booleans(),
)
def test_count_is_arithmetic(name: str, psc: int, arr: int, waits: list[int], interrupt: bool) -> None:
    with timer(name) as chip:
        chip.write(f"{name}_PSC", psc)
        chip.write(f"{name}_ARR", arr)
        chip.write(f"{name}_EGR", UG)
        chip.write(f"{name}_SR", 0)
        chip.write(f"{name}_DIER", int(interrupt))
        start = chip.now() + 1
        chip.write(f"{name}_CR1", CEN)
        for wait in waits:
            chip.wait(wait)
            passed = (chip.now() - start) // (psc + 1)
            assert chip.read(f"{name}_CNT") == passed % (arr + 1)
            assert chip.read(f"{name}_SR") & UIF == (passed > arr)


def test_prescaler_takes_effect_with_the_next_update() -> None:
    chip = timer()
    chip.write("TIM2_ARR", 99)
    chip.write("TIM2_PSC", 9)
    chip.write("TIM2_CR1", CEN)
    chip.wait(1 + 100 + 50)
    assert chip.read("TIM2_CNT") == 5


def test_auto_reload_is_preloaded_with_arpe() -> None:
    chip = timer()
    chip.write("TIM2_ARR", 99)
    start = chip.now() + 1
    chip.write("TIM2_CR1", CEN | ARPE)
    chip.write("TIM2_ARR", 9)
    chip.wait(90)
    assert chip.read("TIM2_CNT") == chip.now() - start
    chip.wait(40)
    assert chip.read("TIM2_CNT") == (chip.now() - start - 100) % 10


def test_counting_beyond_a_lowered_arr_is_refused() -> None:
    chip = timer()
    chip.write("TIM2_CR1", CEN)
    chip.wait(50)
    with pytest.raises(NotModelledError, match="count beyond its ARR"):
        chip.write("TIM2_ARR", 9)


def test_one_pulse_stops_at_the_update() -> None:
    chip = timer()
    chip.write("TIM2_ARR", 99)
    chip.write("TIM2_CR1", CEN | OPM)
    chip.wait(100)
    assert chip.read("TIM2_CR1") & CEN
    chip.wait(1)
    assert not chip.read("TIM2_CR1") & CEN
    chip.wait(1000)
    assert chip.read("TIM2_CNT") == 0
    assert chip.read("TIM2_SR") & UIF


def test_update_flag_by_software_unless_urs_or_udis() -> None:
    for cr1, expected in ((0, UIF), (URS, 0), (UDIS, 0)):
        chip = timer()
        chip.write("TIM2_CR1", cr1)
        chip.write("TIM2_EGR", UG)
        assert chip.read("TIM2_SR") & UIF == expected


def test_compare_flags() -> None:
    chip = timer()
    chip.write("TIM2_ARR", 99)
    for n, value in enumerate((10, 50, 99, 200)):
        chip.write(f"TIM2_CCR{n + 1}", value)
    chip.write("TIM2_CR1", CEN)
    for wait, flags in ((10, 0), (1, 2), (39, 2), (1, 6), (49, 0xE), (1, 0x1F)):
        chip.wait(wait)
        assert chip.read("TIM2_SR") == flags, chip.now()
    chip.write("TIM2_SR", ~4)
    assert chip.read("TIM2_SR") == 0x1B


def test_timers_of_a_divided_bus_run_at_twice_its_clock() -> None:
    chip = timer()
    chip.write("TIM2_CR1", CEN)
    chip.wait(101)
    chip.write("RCC_CFGR", 6 << 8)  # HCLK / 8
    chip.wait(400)
    assert chip.read("TIM2_CNT") == 100 + 100


def test_a_timer_stands_still_without_its_clock() -> None:
    chip = timer()
    chip.write("TIM2_CR1", CEN)
    chip.wait(101)
    chip.clear("RCC_APB1ENR", 1)
    chip.wait(1000)
    chip.set("RCC_APB1ENR", 1)
    assert chip.read("TIM2_CNT") == 100


@pytest.mark.parametrize(
    ("register", "bits"),
    [("TIM2_CR1", 0x10), ("TIM2_SMCR", 7), ("TIM2_DIER", 0x100), ("TIM2_CCMR1", 0x68), ("TIM2_CCER", 1)],
)
def test_other_modes_are_refused(register: str, bits: int) -> None:
    with pytest.raises(NotModelledError, match=register):
        timer().write(register, bits)


def program(slices: list[int]) -> tuple[int, int, int]:
    """Interrupts that a program on the core has counted, the latest CNT it saw, and when it was done."""
    chip = Bench("""
    main:
        put 0x40021034, 4          // APB2ENR: TIM21
        put 0x40010828, 3          // PSC
        put 0x4001082C, 249        // ARR
        put 0x40010814, 1          // UG
        put 0x40010810, 0
        put 0x4001080C, 1          // UIE
        put RESULT, 0
        put NVIC_ISER, 0x100000
        put 0x40010800, 1          // CEN
    1:  wfi
        ldr r0, =RESULT
        ldr r1, [r0]
        cmp r1, #20
        bne 1b
        cpsid i
        wfi
        b .
    irq20:
        ldr r0, =0x40010800
        movs r1, #0
        str r1, [r0, #0x10]
        ldr r2, [r0, #0x24]
        ldr r0, =RESULT
        str r2, [r0, #4]
        ldr r1, [r0]
        adds r1, #1
        str r1, [r0]
        bx lr
    """)
    for cycles in slices:
        chip.run(chip.now() + cycles)
    chip.run(1_000_000)
    assert not chip.trouble
    return chip.word(), chip.word(4), chip.core.shared.taken[36]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4000), max_size=30))
def test_slices_change_nothing(slices: list[int]) -> None:
    assert program(slices) == program([])
