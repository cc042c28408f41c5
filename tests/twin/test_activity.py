"""What the twin's STM32L031 says that it does: sleep, stop, clocks, peripherals, cycles from RAM, the marker."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.activity_record import ActivityRecord
from hil.emulator.machine import MachineError
from hil.emulator.twin.core import Stop
from hil.emulator.twin.recorder import Recorder
from hil.energy.activity import Activity, Span, State
from tests.twin.activity import recorded
from tests.twin.snippets import PIN, PIN_HANDLER, SLEEP, Bench

if TYPE_CHECKING:
    from hil.energy.spans import Spans

MSI_HZ = 2_097_152
AT_RESET = Activity(State.RUN, MSI_HZ, 2, frozenset(), frozenset({"MSI"}))
TICKS = """
main:
    put 0xE000E014, 999            // SysTick: every 1000 cycles
    put 0xE000E018, 0
    put 0xE000E010, 7
1:  wfi
    b 1b
"""
HSI16 = """
    put 0x40021000, 0x301          // HSION
2:  ldr r1, [r0]
    lsrs r1, #3
    bcc 2b
    put 0x4002100C, 0x81           // SW, and HPRE: half of it
"""
IN_RAM = """
main:
    ldr r0, =loop
    ldr r1, =0x20000100
    ldr r2, [r0]
    ldr r3, [r0, #4]
    str r2, [r1]
    str r3, [r1, #4]
    adds r1, #1
    ldr r4, =1000
    blx r1
    movs r4, #250
3:  subs r4, #1
    bne 3b
    wfi
.align 2
loop:
    subs r4, #1
    bne loop
    bx lr
"""
MARKER = """
main:
    put 0x4002102C, 1              // IOPENR: port A
    put 0x50000000, 0xEBFDFCFF     // PA8 is an output
    ldr r0, =0x50000018            // BSRR
    ldr r1, =0x100
    ldr r2, =0x1000000
    ldr r3, =5
4:  str r1, [r0]
    nop
    nop
    str r2, [r0]
    subs r3, #1
    bne 4b
    wfi
"""


def states(spans: Spans) -> list[str]:
    return [span.activity.state.value for span in spans]


def cycles(span: Span) -> float:
    return (span.end_s - span.begin_s) * span.activity.clock_hz


def test_a_busy_loop_is_one_span_of_running() -> None:
    chip = Bench("main: b main")
    log = recorded(chip)
    chip.wait(100_000)
    (span,) = log.end()
    assert span.activity == AT_RESET
    assert span.end_s == pytest.approx(float(chip.seconds()))
    assert (span.from_ram, span.marker) == (0.0, False)
    assert chip.recorder is None, "and after that nothing is recorded"


def test_sleep_and_running_take_turns() -> None:
    chip = Bench(TICKS.replace("wfi", "wfi; ldr r1, =0xE000E010; ldr r1, [r1]") + "\nfault: bx lr")
    log = recorded(chip)
    chip.wait(10_500)
    spans = log.end()
    assert states(spans) == ["run", "sleep"] * 10 + ["run", "sleep"]
    assert {span.activity.clock_hz for span in spans} == {MSI_HZ}
    woken = [cycles(span) for span in spans][2:-1]
    # Exception entry and return, BX, WFI, B and the two loads between.
    assert woken[::2] == pytest.approx([woken[0]] * 10)
    assert woken[1::2] == pytest.approx([1000 - woken[0]] * 9)
    assert 30 < woken[0] < 60


def test_a_look_that_does_not_wake_leaves_nothing() -> None:
    """TIM2's interrupt is not enabled in the NVIC: the core is looked at each time, and sleeps on."""
    chip = Bench("main: set 0x40021038, 1; put 0x4000002C, 99; put 0x4000000C, 1; put 0x40000000, 1; 1: wfi; b 1b")
    recorder = chip.record()
    chip.wait(10_000)
    record = recorder.take()
    assert [record.activities[code >> 1].state.value for code in np.frombuffer(record.codes, np.uint32)] == [
        *("run", "run", "sleep")
    ]
    assert record.activities[1].peripherals == {"TIM2"}


def test_a_step_of_a_debugger_wakes_the_core() -> None:
    chip = Bench("main: 1: wfi; b 1b")
    log = recorded(chip)
    chip.wait(100)
    for _ in range(4):
        chip.step(mask_interrupts=True)
    spans = log.end()
    assert states(spans) == ["run", "sleep", "run"]
    assert cycles(spans[2]) == pytest.approx(2 * (2 + 2))  # WFI and B, twice


def test_stop_and_waking_up() -> None:
    chip = Bench("main:" + PIN + SLEEP + PIN_HANDLER)
    log = recorded(chip)
    assert chip.run(10**6) is Stop.ASLEEP
    chip.after(Fraction(1000, MSI_HZ), lambda: chip.ports["A"].drive(1, level=True))
    assert chip.run(10**6) is Stop.ASLEEP
    spans = log.end()
    assert states(spans)[-4:] == ["run", "stop", "wake", "run"], "no time has gone by in the second stop"
    stop, wake, run = spans[len(spans) - 3], spans[len(spans) - 2], spans[len(spans) - 1]
    assert stop.activity == Activity(State.STOP, 0, 2, frozenset(), frozenset())
    assert stop.end_s - stop.begin_s == pytest.approx(1000 / MSI_HZ)
    assert wake.end_s - wake.begin_s == pytest.approx(7.3e-6)
    assert wake.activity == Activity(State.WAKE, MSI_HZ, 2, frozenset({"GPIOA"}), frozenset({"MSI"}))
    assert run.activity == Activity(State.RUN, MSI_HZ, 2, frozenset({"GPIOA"}), frozenset({"MSI"}))
    assert spans.from_ram.max() == 0


def test_what_goes_on_in_stop_is_told() -> None:
    chip = Bench("main:" + PIN + SLEEP + PIN_HANDLER)
    chip.set("RCC_CSR", 1)  # LSI
    chip.write("IWDG_KR", 0xCCCC)
    log = recorded(chip)
    chip.run(5000)
    assert chip.standing_still
    stops = {span.activity for span in log.end() if span.activity.state is State.STOP}
    assert stops == {Activity(State.STOP, 0, 2, frozenset({"IWDG"}), frozenset({"LSI"}))}


def test_a_change_of_clock_is_told_at_its_cycle() -> None:
    chip = Bench("main:" + HSI16 + "1: b 1b")
    log = recorded(chip)
    chip.wait(1000)
    spans = log.end()
    assert [(span.activity.clock_hz, sorted(span.activity.oscillators)) for span in spans] == [
        (MSI_HZ, ["MSI"]),
        (MSI_HZ, ["HSI16", "MSI"]),
        (8_000_000, ["HSI16", "MSI"]),
    ]
    assert sum(cycles(span) for span in spans) == pytest.approx(chip.now())
    assert cycles(spans[2]) == pytest.approx(round(cycles(spans[2])))


def test_the_voltage_range_is_told_when_it_holds() -> None:
    chip = Bench()
    log = recorded(chip)
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.wait(5)
    chip.write("PWR_CR", 0x1800)  # from range 2 to 3
    chip.wait(200)
    chip.write("PWR_CR", 0x0800)  # to 1, which takes the regulator some time
    chip.wait(200)
    spans = log.end()
    ranges = [span.activity.voltage_range for span in spans]
    assert ranges[0] == 2
    assert ranges[-1] == 1
    assert set(ranges) == {1, 2, 3}
    begin = next(span.begin_s for span in spans if span.activity.voltage_range == 1)
    assert begin == pytest.approx(spans.edges_s[0] + 205 / MSI_HZ + 1e-5, abs=2 / MSI_HZ)


@pytest.mark.parametrize(
    ("register", "bit", "name"),
    [
        ("IOPENR", 1, "GPIOB"),
        ("AHBENR", 0, "DMA1"),
        ("AHBENR", 12, "CRC"),
        ("APB2ENR", 5, "TIM22"),
        ("APB2ENR", 9, "ADC1"),
        ("APB1ENR", 11, "WWDG"),
        ("APB1ENR", 21, "I2C1"),
    ],
)
def test_a_peripheral_is_on_while_it_has_its_clock(register: str, bit: int, name: str) -> None:
    chip = Bench()
    log = recorded(chip)
    chip.wait(100)
    chip.set(f"RCC_{register}", 1 << bit)
    chip.wait(100)
    chip.clear(f"RCC_{register}", 1 << bit)
    chip.wait(100)
    on = [span for span in log.end() if span.activity.peripherals]
    assert [sorted(span.activity.peripherals) for span in on] == [[name]] * len(on)
    assert sum(cycles(span) for span in on) == pytest.approx(100, abs=1)


def test_the_debug_unit_and_what_the_core_cannot_do_without_are_no_peripherals() -> None:
    chip = Bench()
    chip.set("RCC_APB2ENR", 1 << 22)
    assert chip.read("RCC_AHBENR") == 1 << 8  # MIF
    assert not chip.activity(State.RUN).peripherals


def test_cycles_from_ram_are_a_share_of_those_executed() -> None:
    chip = Bench(IN_RAM)
    log = recorded(chip)
    chip.wait(10_000)
    spans = log.end()
    run = spans[0]
    assert states(spans) == ["run", "sleep"]
    # 1000 times SUBS and BNE, the last of it not taken, and BX: 999 x 3 + 2 + 2.
    assert run.from_ram * cycles(run) == pytest.approx(3001)
    assert cycles(run) > 3001 + 250 * 3
    assert spans[1].from_ram == 0


def test_sleep_from_ram_executes_nothing() -> None:
    chip = Bench(IN_RAM.replace("subs r4, #1\n    bne loop\n    bx lr", "wfi\n    nop\n    b loop"))
    log = recorded(chip)
    chip.wait(10_000)
    spans = log.end()
    assert states(spans) == ["run", "sleep"]
    assert spans[1].from_ram == 0
    assert chip.ram_cycles() == pytest.approx(2, abs=1)  # WFI alone


def test_the_marker_pin_is_the_marker() -> None:
    chip = Bench(MARKER)
    log = recorded(chip, "PA8")
    chip.wait(1000)
    spans = log.end()
    high = [span for span in spans if span.marker]
    assert len(high) == 5
    # Two NOPs, and a store in one cycle over the single-cycle port.
    assert [cycles(span) for span in high] == pytest.approx([3] * 5)
    assert not recorded_marker("PA7")


def recorded_marker(pin: str) -> bool:
    chip = Bench(MARKER)
    log = recorded(chip, pin)
    chip.wait(1000)
    return bool(log.end().marker.any())


def test_a_pin_that_is_none_is_no_marker() -> None:
    with pytest.raises(ValueError, match="no pin 'PZ9'"):
        Bench().record("PZ9")


def test_a_reset_ends_sleep_and_what_was_set_up() -> None:
    chip = Bench("main: set 0x4002102C, 1; 1: wfi; b 1b")
    log = recorded(chip)
    chip.wait(100)
    chip.reset()
    chip.wait(100)
    spans = log.end()
    assert states(spans) == ["run", "run", "sleep"] * 2
    assert [sorted(span.activity.peripherals) for span in spans] == [[], ["GPIOA"], ["GPIOA"]] * 2


def test_what_there_is_no_room_for_is_said() -> None:
    chip = Bench(TICKS + "\nfault: bx lr")
    log = recorded(chip)
    chip.recorder = Recorder(chip, State.RUN, limit=10)
    chip.wait(100_000)
    with pytest.raises(MachineError, match=r"\d+ changes of the board's activity were lost"):
        log.read_on()
    with pytest.raises(MachineError, match="were lost"):
        log.read_on()


def test_a_log_of_no_time_is_said() -> None:
    log = recorded(Bench())
    with pytest.raises(MachineError, match="no time has gone by"):
        log.end()


def test_a_record_is_the_same_behind_json() -> None:
    chip = Bench("main:" + HSI16 + "1: b 1b")
    recorder = chip.record()
    chip.wait(1000)
    record = recorder.take()
    assert len(record.times) == 8 * len(record.codes) // 4 == 24
    assert ActivityRecord.of(record.fields(), record.payload()) == record


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=12))
def test_a_run_cut_into_slices_is_recorded_the_same(cuts: list[int]) -> None:
    program = TICKS[: TICKS.index("1:")] + IN_RAM[IN_RAM.index("ldr r0, =loop") :].replace("b 3b", "b main")
    program = program.replace("loop:\n    subs r4, #1", "loop:\n    wfi") + "\nfault: bx lr"
    whole, sliced = Bench(program), Bench(program)
    end = sum(cuts) + 5000
    logs = [recorded(whole), recorded(sliced)]
    whole.wait(end)
    for cut in cuts:
        sliced.wait(cut)
        logs[1].read_on()
    sliced.wait(end - sliced.now())
    first, second = (log.end() for log in logs)
    assert first.activities == second.activities
    assert {"run", "sleep"} <= set(states(first))
    assert first.from_ram.max() > 0
    for name in ("edges_s", "activity", "from_ram", "marker"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)
