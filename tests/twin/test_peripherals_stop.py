"""Sleep and Stop: what stands still, what wakes, which clock the chip has then; on the emulated core."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.core import Stop
from tests.twin.snippets import PIN, PIN_HANDLER, SLEEP, Bench

RTC = """
    set 0x40021038, 0x10000000     // PWREN
    set 0x40007000, 0x100          // DBP
    set 0x40021050, 1              // LSION
2:  ldr r1, [r0]
    lsrs r1, #2
    bcc 2b
    set 0x40021050, 0x60000        // RTC on LSI
    put 0x40002824, 0xCA
    put 0x40002824, 0x53
    put 0x40002814, 36             // WUTR
    put 0x40002808, 0x4400         // WUTE, WUTIE, RTCCLK / 16: every 16 ms
    put 0x40010408, 0x100000
    put 0x40010400, 0x100000
    put NVIC_ISER, 4
"""
RTC_HANDLER = """
irq2:
    put 0x4000280C, 0
    put 0x40010414, 0x100000
    bx lr
"""
PERIOD = Fraction(37 * 16, 37_000)


def test_a_pin_wakes_the_chip_on_msi_after_its_latency() -> None:
    chip = Bench("main:" + PIN + SLEEP + PIN_HANDLER)
    assert chip.run(10**6) is Stop.ASLEEP
    assert chip.standing_still
    cycles, second = chip.now(), chip.seconds()
    assert chip.run(10**7) is Stop.ASLEEP, "nothing ends it"
    assert chip.now() == cycles
    chip.ports["A"].drive(1, level=True)
    assert chip.run(10**7) is Stop.ASLEEP
    assert chip.word() == 1
    passed = chip.seconds() - second
    assert passed == Fraction(73, 10_000_000) + Fraction(chip.now() - cycles, 2_097_152)
    assert chip.now() - cycles < 200
    assert not chip.notes


@pytest.mark.parametrize(("stopwuck", "hz"), [(0, 2_097_152), (1 << 15, 16_000_000)])
def test_the_chip_wakes_on_the_clock_that_is_chosen(stopwuck: int, hz: int) -> None:
    clock = f"""
    main:
        set 0x40021038, 0x10000000
        put 0x40007000, 0x0800     // range 1
    3:  ldr r0, =0x40007004
        ldr r1, [r0]
        lsrs r1, #5
        bcs 3b
        set 0x40021000, 1
    4:  ldr r1, [r0]
        lsrs r1, #3
        bcc 4b
        put 0x4002100C, {stopwuck | 1}
    """
    handler = PIN_HANDLER.replace(
        "bx lr", "ldr r0, =0x40021000; ldr r1, [r0]; ldr r0, =RESULT; str r1, [r0, #4]; bx lr"
    )
    chip = Bench(clock + PIN + SLEEP + handler)
    chip.run(10**6)
    assert chip.clock_hz == 16_000_000
    chip.ports["A"].drive(1, level=True)
    chip.run(10**6)
    assert chip.word() == 1
    assert chip.clock_hz == hz
    assert chip.rcc.value["CFGR"] & 0xF == (5 if stopwuck else 0)
    assert chip.word(4) == (5 if stopwuck else 0x300)


def test_waking_on_hsi16_in_a_slow_voltage_range_is_refused() -> None:
    chip = Bench("main: put 0x4002100C, 0x8000\n set 0x40021038, 0x10000000\n put 0x40007000, 0x1800" + PIN + SLEEP)
    chip.run(10**6)
    chip.ports["A"].drive(1, level=True)
    chip.run(10**6)
    assert "16000000 Hz in voltage range 3" in chip.trouble


def test_rtc_wakes_periodically_and_no_cycle_passes_meanwhile() -> None:
    chip = Bench("main:" + RTC + SLEEP + RTC_HANDLER)
    while chip.word() < 1:
        chip.run(chip.now() + 500)
    start, cycles, woken = chip.seconds(), chip.now(), chip.word()
    while chip.word() < woken + 10:
        assert chip.run(chip.now() + 500) is Stop.DUE
    assert abs(chip.seconds() - start - 10 * PERIOD) < Fraction(1, 1000)
    assert chip.now() - cycles < 10 * 100
    assert chip.stood_still > 10 * PERIOD * Fraction(99, 100)


def wakeups(slices: list[int]) -> list[tuple[int, Fraction]]:
    """Cycle and second at which the handler toggled a pin, 20 times."""
    toggle = "ldr r0, =0x50000014; ldr r1, [r0]; movs r2, #1; eors r1, r2; str r1, [r0]; bx lr"
    chip = Bench("main: put 0x4002102C, 1\n" + RTC + SLEEP + RTC_HANDLER.replace("bx lr", toggle))
    seen: list[tuple[int, Fraction]] = []
    chip.ports["A"].on_output.append(lambda cycle, _old, _new: seen.append((cycle, chip.seconds())))
    for cycles in slices:
        chip.run(chip.now() + cycles)
    while len(seen) < 20:
        chip.run(chip.now() + 1_000_000)
    return seen[:20]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=12))
def test_slices_change_nothing(slices: list[int]) -> None:
    assert wakeups(slices) == wakeups([])


def test_without_its_line_unmasked_the_rtc_does_not_wake() -> None:
    chip = Bench("main:" + RTC + "put 0x40010400, 0\n" + SLEEP + RTC_HANDLER)
    chip.run(10**6)
    assert chip.standing_still
    assert chip.word() == 0


def test_lptim_on_lsi_wakes_on_the_bus_it_stands_still() -> None:
    code = """
    main:
        put 0x40021038, 0x80000000
        put 0x40021050, 1
    2:  ldr r1, [r0]
        lsrs r1, #2
        bcc 2b
        put 0x4002104C, {source}
        put 0x40007C08, 2          // ARRMIE
        put 0x40007C10, 1
        put 0x40007C18, 370
    3:  ldr r0, =0x40007C00
        ldr r1, [r0]
        lsrs r1, #5
        bcc 3b
        put 0x40007C10, 5
        put NVIC_ISER, 0x2000
    """
    handler = "irq13: put 0x40007C04, 2\n bx lr"
    chip = Bench(code.format(source=0x40000) + SLEEP + handler)
    while chip.word() < 5:
        chip.run(chip.now() + 1000)
    assert abs(chip.seconds() - 5 * Fraction(371, 37_000)) < Fraction(1, 1000)
    chip = Bench(code.format(source=0) + SLEEP + handler)
    chip.run(10**6)
    woken = chip.word()
    assert chip.standing_still
    assert chip.run(10**7) is Stop.ASLEEP
    assert chip.word() == woken


def test_a_masked_direct_line_does_not_wake() -> None:
    chip = Bench("main: put 0x40010400, 0\n" + SLEEP)
    chip.run(1000)
    chip.core.shared.enabled |= 1 << 13
    chip.set_line(13, level=True)
    chip.exti.direct(29)
    chip.run(10**6)
    assert chip.standing_still


def test_systick_and_timers_stand_still() -> None:
    chip = Bench(
        """
    main:
        put 0xE000E014, 0xFFFFFF
        put 0xE000E018, 0
        put 0xE000E010, 5
        put 0x40021038, 1
        put 0x40000000, 1          // TIM2
    """
        + RTC.replace("set 0x40021038", "set 0x40021038")
        + SLEEP
        + RTC_HANDLER
    )
    while chip.word() < 20:
        chip.run(chip.now() + 1000)
    system = next(each for each in chip.peripherals if each.base == 0xE000E000)
    assert 0xFFFFFF - system.read(0x18, 4) < chip.now() < 0.1 * chip.seconds() * 2_097_152
    assert chip.read("TIM2_CNT") < chip.now() % 65536


@pytest.mark.parametrize("pending", [True, False])
def test_a_pending_line_keeps_stop_from_being_entered(pending: bool) -> None:
    quiet = PIN.replace("put NVIC_ISER, 0x20", "")
    chip = Bench("main:" + quiet + f"put 0x40010410, {2 * pending}\n" + SLEEP)
    chip.run(10_000)
    assert chip.standing_still != pending
    assert ("Stop" in chip.notes) == pending
    assert (chip.word() > 100) == pending, "execution goes on"


def test_standby_is_refused_in_words() -> None:
    chip = Bench("main: set 0x40021038, 0x10000000\n put 0x40007000, 0x1002\n" + SLEEP)
    chip.run(10**5)
    assert "Standby" in chip.trouble


def test_sleep_keeps_the_clock_going() -> None:
    chip = Bench(
        "main: put 0x40021034, 4\n put 0x4001080C, 1\n put 0x4001082C, 999\n put 0x40010800, 1\n"
        "put NVIC_ISER, 0x100000\n" + SLEEP.replace("put SCR, 4", "") + "irq20: put 0x40010810, 0\n bx lr"
    )
    chip.run(100_000)
    assert not chip.standing_still
    assert chip.word() == pytest.approx(100, abs=1)


def test_dbg_stop_keeps_the_clock_going() -> None:
    chip = Bench(
        "main: set 0x40021034, 0x400000\n put 0x40015804, 2\n put 0x40021004, 0x8000\n" + PIN + SLEEP + PIN_HANDLER
    )
    chip.run(100_000)
    assert not chip.standing_still
    assert chip.clock_hz == 1_048_576
    chip.ports["A"].drive(1, level=True)
    chip.run(100_000)
    assert chip.word() == 1
    chip.reset()
    assert chip.dbgmcu.value["CR"] == 2, "only a power-up resets DBGMCU"


def test_a_debugger_ends_it() -> None:
    chip = Bench("main:" + SLEEP)
    chip.run(1000)
    assert chip.standing_still
    chip.step(mask_interrupts=True)
    assert not chip.standing_still


def test_the_watchdog_goes_on_and_resets() -> None:
    chip = Bench("main: put 0x40003000, 0xCCCC\n" + SLEEP)
    chip.run(1000)
    assert chip.standing_still
    chip.run(chip.now() + 2_097_152)
    assert chip.rcc.csr(1 << 29)
    assert chip.seconds() >= Fraction(4096 * 4, 37_000)
