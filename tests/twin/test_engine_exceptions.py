"""Exceptions as Arm DDI 0419, B1.5, has them: frames, priorities, nesting, sleep; and what they cost."""

from __future__ import annotations

import pytest

from hil.cycles.timing import exceptions
from hil.emulator.twin.core import Stop
from tests.twin.bare import ENTER, LEAVE
from tests.twin.rig import LONG, STACK, Rig

N, Z, C, V, T, ALIGNED = 1 << 31, 1 << 30, 1 << 29, 1 << 28, 1 << 24, 1 << 9
STR, LDR, MOVS, BRANCH = 2, 2, 1, 2
WITH_REGISTERS = """
    ldr r0, =0x12; mov r12, r0
    ldr r0, =0x10101010; ldr r1, =0x11111111
    ldr r2, =ICSR; ldr r3, =PENDSVSET
    ldr r5, =0x0E0E0E0E; mov lr, r5
"""


@pytest.mark.parametrize("process", [False, True], ids=["main stack", "process stack"])
@pytest.mark.parametrize("odd_word", [False, True], ids=["aligned", "by a word"])
def test_a_frame_holds_what_was_interrupted(process: bool, odd_word: bool) -> None:
    stack = 0x20002000 - 4 * odd_word
    rig = Rig(
        f"""main:
            ldr r0, =0x20003000; msr psp, r0
            movs r0, #{2 * process}; msr control, r0; isb
            ldr r0, ={stack}; mov sp, r0
            {WITH_REGISTERS}
            movs r4, #0; cmp r4, r4      @ Z and C
            str r3, [r2]
        after: nop
            wfi
        pendsv: bx lr
        """
    )
    rig.run_to("pendsv")
    frame = stack - 32 - 4 * odd_word
    expected = [0x10101010, 0x11111111, 0xE000ED04, 1 << 28, 0x12, 0x0E0E0E0E, rig.symbols["after"]]
    assert rig.words(frame, 7) == expected
    assert rig.word(frame + 28) == Z | C | T | (ALIGNED if odd_word else 0)
    assert rig.register("psp" if process else "msp") == frame
    assert rig.register("sp") == (STACK if process else frame)  # the handler's is the main one
    assert rig.register("lr") == (0xFFFFFFFD if process else 0xFFFFFFF9)
    assert rig.register("xpsr") & 0x3F == 14
    assert rig.register("control") == 0
    rig.run_to("after")
    assert [rig.register(f"r{n}") for n in range(4)] == expected[:4]
    assert [rig.register("r12"), rig.register("lr")] == expected[4:6]
    assert rig.register("sp") == stack
    assert rig.register("xpsr") == Z | C | T
    assert rig.register("control") == 2 * process


def test_flags_of_the_handler_are_its_own() -> None:
    rig = Rig(
        """main:
            ldr r2, =ICSR; ldr r3, =PENDSVSET
            movs r0, #1; rsbs r0, r0, #0     @ N
            str r3, [r2]
        after: wfi
        pendsv: movs r0, #0; cmp r0, r0; bx lr
        """
    )
    rig.run_to("after")
    assert rig.register("xpsr") == N | T


def test_a_handler_may_be_left_to_either_stack() -> None:
    """Context switch: the handler changes LR, and the frame on the other stack is taken."""
    rig = Rig(
        """main:
            ldr r0, =0x20003000
            ldr r1, =thread + 1; str r1, [r0, #24]
            ldr r1, =0x21000000; str r1, [r0, #28]       @ C
            ldr r1, =0x77; str r1, [r0]
            msr psp, r0
            put ICSR, PENDSVSET
            wfi
        thread: nop
            wfi
        pendsv: ldr r0, =0xFFFFFFFD; bx r0
        """
    )
    rig.run_to("thread")
    assert rig.register("sp") == 0x20003020
    assert rig.register("control") == 2
    assert rig.register("r0") == 0x77
    assert rig.register("xpsr") == C | T


@pytest.mark.parametrize("leave", ["bx lr", "push {r4, lr}; pop {r4, pc}", "mov r0, lr; bx r0", "push {lr}; pop {pc}"])
def test_every_return_that_arm_names(leave: str) -> None:
    rig = Rig(f"main: put ICSR, PENDSVSET\n mark 2\n wfi\n pendsv: mov r4, lr; mark 1\n mov lr, r4; {leave}")
    rig.finish()
    assert rig.values == [1, 2]


def test_entry_and_return_take_their_cycles() -> None:
    rig = Rig("main: mark 1\n put ICSR, PENDSVSET\n mark 2\n wfi\n pendsv: mark 3\n bx lr")
    rig.finish()
    one, three, two = rig.cycles
    assert rig.values == [1, 3, 2]
    assert three - one == STR + 2 * LDR + STR + ENTER + LDR + MOVS
    assert two - three == STR + BRANCH + LEAVE + LDR + MOVS
    timing = exceptions("cortex-m0plus")
    assert (timing.entry, timing.leave) == (ENTER, LEAVE + BRANCH)


@pytest.mark.parametrize(("chain", "between"), [(0, ENTER + LEAVE), (6, 6 + LEAVE)])
def test_one_handler_after_the_other(chain: int, between: int) -> None:
    """Where tail-chaining's cycles are not known, which is so, it takes what leaving and entering do.

    What was interrupted does not go on in between.
    """
    rig = Rig(
        """main: cpsid i
            put ISER, 3
            put ISPR, 3
            cpsie i
            mark 9
            wfi
        irq0: mark 1
            bx lr
        irq1: mark 2
            bx lr
        """,
        chain=chain,
    )
    rig.finish()
    assert rig.values == [1, 2, 9]
    assert rig.cycles[1] - rig.cycles[0] == STR + BRANCH + between + LDR + MOVS
    assert rig.words(rig.register("sp") - 32, 8)[6] == rig.symbols["main"] + 2 + 6 + 6 + 2


NESTED = """main: cpsid i
    put IPR0, 0x0080C040                 @ irq0 0x40, irq1 0xC0, irq2 0x80, irq3 0
    put SHPR3, 0x80C00000                @ pendsv 0xC0, systick 0x80
    put ISER, 15
    cpsie i
    put ISPR, 2
    mark 100
    wfi
irq1: mark 11
    put ISPR, 4
    mark 12
    put ISPR, 1 << 3
    mark 13
    bx lr
irq2: mark 21
    put ICSR, PENDSVSET                  @ too low to be taken now
    put ISPR, 1
    mark 22
    bx lr
irq0: mark 1
    put ISPR, 2                          @ active: again when it is over
    bx lr
irq3: mark 31
    bx lr
pendsv: mark 14
    bx lr
"""


def test_priorities_nest() -> None:
    rig = Rig(NESTED)
    rig.run(10_000)
    # irq0 pends irq1 within that, so it comes again, for ever; PendSV has its priority and the lower number.
    each = [11, 21, 1, 22, 12, 31, 13, 14]
    assert rig.values[: 3 * len(each)] == 3 * each


def test_depth_of_nesting_is_seen_in_return_values_and_icsr() -> None:
    rig = Rig(NESTED)
    rig.run_to("irq1")
    assert rig.register("lr") == 0xFFFFFFF9
    rig.run_to("irq2")
    assert rig.register("lr") == 0xFFFFFFF1
    rig.run_to("irq0")
    assert rig.register("lr") == 0xFFFFFFF1
    assert list(rig.core.shared.level[: rig.core.shared.active]) == [17, 18, 16]
    icsr = rig.peripheral_at(0xE000ED04)
    assert icsr is not None
    word = icsr.read(0xD04, 4)
    assert word & 0x3F == 16
    assert word >> 28 & 1  # PendSV
    assert word >> 12 & 0x3F == 14
    assert not word >> 22 & 1  # no interrupt is


def test_of_equal_priority_the_lower_number_comes_first() -> None:
    rig = Rig(
        """main: cpsid i
            put ISER, 0x80000003
            put ISPR, 0x80000003
            put ICSR, 1 << 26 | PENDSVSET
            cpsie i
            wfi
        """
        + "".join(
            f"{name}: mark {n}\n bx lr\n"
            for name, n in (("pendsv", 14), ("systick", 15), ("irq0", 16), ("irq1", 17), ("irq31", 47))
        )
    )
    rig.finish()
    assert rig.values == [14, 15, 16, 17, 47]


def test_primask_holds_interrupts_back_until_the_instruction_that_clears_it() -> None:
    rig = Rig(
        """main: cpsid i
            put ISER, 1
            put ISPR, 1
            mark 1
            mrs r0, primask
            cpsie i
        after: mark 2
            cpsid i
            put ISPR, 1
            mark 3
            movs r0, #0
            msr primask, r0
            mark 4
            wfi
        irq0: mark 9
            bx lr
        """
    )
    rig.run_to("irq0")
    assert rig.register("r0") == 1
    assert rig.word(rig.register("sp") + 24) == rig.symbols["after"]
    rig.finish()
    assert rig.values == [1, 9, 2, 3, 9, 4]


def test_nmi_passes_primask_and_everything_else() -> None:
    rig = Rig(
        """main: cpsid i
            put ISER, 1
            put ICSR, 1 << 31
            mark 1
            cpsie i
            put ISPR, 1
            wfi
        irq0: mark 2
            cpsid i
            put ICSR, 1 << 31
            mark 3
            bx lr
        nmi: mark 9
            bx lr
        """
    )
    rig.finish()
    assert rig.values == [9, 1, 2, 9, 3]


def test_pending_bits_set_and_cleared() -> None:
    rig = Rig(
        """main: cpsid i
            put ISER, 7
            put ISPR, 7
            put ICPR, 2
            put ICSR, PENDSVSET
            put ICSR, 1 << 27
            put ICSR, 1 << 26
            put ICSR, 1 << 25
            cpsie i
            wfi
        irq0: mark 1
            put ICPR, 4
            bx lr
        irq1: mark 2
            bx lr
        irq2: mark 3
            bx lr
        """
    )
    rig.finish()
    assert rig.values == [1]


class TestLines:
    """Interrupts whose line a peripheral holds."""

    def test_a_line_that_stays_high_asks_again_and_one_that_falls_does_not(self) -> None:
        rig = Rig("main: put ISER, 1\n 1: wfi; b 1b\n irq0: mark 1\n ldr r0, =LOG; ldr r0, [r0]; bx lr")
        rig.set_line(0, level=True)
        original = rig.log.load

        def load(offset: int, size: int) -> int:
            found = original(offset, size)
            if found == 3:
                rig.set_line(0, level=False)
            return found

        rig.log.load = load  # type: ignore[method-assign]
        rig.finish()
        assert rig.values == [1, 1, 1]

    def test_a_line_that_pulses_within_its_handler_asks_once_more(self) -> None:
        rig = Rig("main: put ISER, 1\n 1: wfi; b 1b\n irq0: mark 1\n ldr r0, =LOG; ldr r0, [r0]; bx lr")
        original = rig.log.load

        def load(offset: int, size: int) -> int:
            found = original(offset, size)
            if found == 1:
                for _ in range(2):
                    rig.set_line(0, level=False)
                    rig.set_line(0, level=True)
                rig.set_line(0, level=False)
            return found

        rig.log.load = load  # type: ignore[method-assign]
        rig.set_line(0, level=True)
        rig.set_line(0, level=False)  # pending stays
        rig.finish()
        assert rig.values == [1, 1]

    def test_pending_cannot_be_cleared_while_the_line_is_high(self) -> None:
        rig = Rig("main: put ICPR, 1\n put ISER, 1\n wfi\n irq0: mark 1\n put ICPR, 1\n here: b here")
        rig.set_line(0, level=True)
        rig.run_to("here")
        assert rig.values == [1]


class TestCalls:
    def test_svc_returns_behind_itself(self) -> None:
        rig = Rig("main: movs r0, #5; svc 7\n after: mark 2\n wfi\n svc: mark 1\n adds r0, #1; bx lr")
        rig.run_to("svc")
        assert rig.word(rig.register("sp") + 24) == rig.symbols["after"]
        assert rig.register("xpsr") & 0x3F == 11
        rig.finish()
        assert rig.values == [1, 2]

    def test_svc_takes_the_cycles_of_an_entry(self) -> None:
        rig = Rig("main: mark 1\n svc 0\n wfi\n svc: mark 2\n bx lr")
        rig.finish()
        assert rig.cycles[1] - rig.cycles[0] == STR + ENTER + LDR + MOVS

    def test_svc_from_a_handler_of_lower_priority(self) -> None:
        rig = Rig(
            """main: put SHPR3, 0x00C00000
                put ICSR, PENDSVSET
                wfi
            pendsv: push {lr}; svc 0; mark 2
                pop {pc}
            svc: mark 1
                bx lr
            """
        )
        rig.finish()
        assert rig.values == [1, 2]

    def test_pendsv_waits_for_the_handler_that_asks_for_it(self) -> None:
        rig = Rig("main: svc 0\n mark 3\n wfi\n svc: put ICSR, PENDSVSET\n mark 1\n bx lr\n pendsv: mark 2\n bx lr")
        rig.finish()
        assert rig.values == [1, 2, 3]


SYSTICK = """main: put SYST_RVR, {reload}
    put SYST_CVR, 0
    put SYST_CSR, {control}
    ldr r7, =0x20000000; movs r6, #0; str r6, [r7]
    1: ldr r6, [r7]; cmp r6, #{ticks}; bne 1b
    wfi
systick: mark 1
    ldr r0, =0x20000000; ldr r1, [r0]; adds r1, #1; str r1, [r0]; cmp r1, #{ticks}; bne 2f
    put SYST_CSR, 0
    2: bx lr
"""


class TestSysTick:
    @pytest.mark.parametrize(("control", "divider"), [(7, 1), (3, 8)], ids=["core clock", "external clock"])
    def test_ticks_come_at_the_reload_value(self, control: int, divider: int) -> None:
        rig = Rig(SYSTICK.format(reload=999, control=control, ticks=6))
        rig.finish()
        gaps = [later - sooner for sooner, later in zip(rig.cycles, rig.cycles[1:], strict=False)]
        assert len(gaps) == 5
        assert sum(gaps) == pytest.approx(5000 * divider, abs=6)  # it is taken between instructions of the loop
        assert all(abs(gap - 1000 * divider) <= 5 for gap in gaps)

    def test_the_counter_is_exact(self) -> None:
        rig = Rig(
            """main: ldr r0, =SYST_CSR; ldr r1, =99; str r1, [r0, #4]; str r1, [r0, #8]
                movs r1, #5; movs r2, #0; ldr r7, =LOG
                str r1, [r0]                     @ at t
                ldr r3, [r0, #8]; str r3, [r7]   @ t + 2: 0, 99, 98: reloaded with the first count
                nop; nop; nop
                ldr r3, [r0, #8]; str r3, [r7]
                wfi
            """
        )
        rig.finish()
        assert rig.values[0] - rig.values[1] == LDR + STR + 3
        assert rig.values[0] == 99 + 1 - STR

    def test_countflag_is_cleared_by_reading_and_by_clearing_the_counter(self) -> None:
        rig = Rig(
            """main: ldr r0, =SYST_CSR; movs r1, #20; str r1, [r0, #4]; str r1, [r0, #8]; movs r1, #5; str r1, [r0]
                ldr r7, =LOG; bl wait
                ldr r1, [r0]; str r1, [r7]
                ldr r1, [r0]; str r1, [r7]
                bl wait
                str r1, [r0, #8]
                ldr r1, [r0]; str r1, [r7]
                wfi
            wait: movs r2, #30
                1: subs r2, #1; bne 1b
                bx lr
            """
        )
        rig.finish()
        assert [value >> 16 & 1 for value in rig.values] == [1, 0, 0]

    @pytest.mark.parametrize("control", [5, 1], ids=["core clock", "external clock"])
    def test_polling_the_flag_does_not_slow_the_counter(self, control: int) -> None:
        rig = Rig(
            f"""main: ldr r0, =SYST_CSR; ldr r1, =99; str r1, [r0, #4]; str r1, [r0, #8]; movs r1, #{control}
                str r1, [r0]; movs r5, #5; ldr r7, =LOG
                1: ldr r1, [r0]; lsrs r1, r1, #17; bcc 1b
                str r5, [r7]; subs r5, #1; bne 1b
                wfi
            """
        )
        rig.finish()
        period = 100 if control == 5 else 800
        assert len(rig.cycles) == 5
        assert rig.cycles[-1] - rig.cycles[0] == pytest.approx(4 * period, abs=8)

    def test_a_new_reload_value_counts_from_the_next_reload_on(self) -> None:
        rig = Rig(
            """main: ldr r0, =SYST_CSR; ldr r1, =999; str r1, [r0, #4]; str r1, [r0, #8]; movs r1, #7; str r1, [r0]
                ldr r1, =499; str r1, [r0, #4]
                1: b 1b
            systick: mark 1
                bx lr
            """
        )
        rig.run(3000)
        assert [round((b - a) / 10) for a, b in zip(rig.cycles, rig.cycles[1:], strict=False)][:3] == [50, 50, 50]
        assert rig.cycles[0] > 1000

    def test_a_reload_value_of_zero_stops_it_at_the_next_zero(self) -> None:
        rig = Rig(
            """main: ldr r0, =SYST_CSR; ldr r1, =99; str r1, [r0, #4]; str r1, [r0, #8]; movs r1, #7; str r1, [r0]
                movs r1, #0; str r1, [r0, #4]
                wfi; wfi
            systick: mark 1
                bx lr
            """
        )
        rig.finish()
        assert rig.values == [1]

    def test_it_keeps_its_value_while_it_is_off(self) -> None:
        rig = Rig(
            """main: ldr r0, =SYST_CSR; ldr r1, =999; str r1, [r0, #4]; str r1, [r0, #8]; movs r1, #5; movs r2, #0
                ldr r7, =LOG; str r1, [r0]; nop; nop; str r2, [r0]
                ldr r3, [r0, #8]; str r3, [r7]; nop; nop; ldr r3, [r0, #8]; str r3, [r7]
                str r1, [r0]; ldr r3, [r0, #8]; str r3, [r7]
                wfi
            """
        )
        rig.finish()
        assert rig.values[0] == rig.values[1] == 999 + 1 - (STR + 2)
        assert rig.values[2] == rig.values[1] - STR


class TestSleep:
    def test_wfi_ends_with_the_handler_and_goes_on_behind(self) -> None:
        rig = Rig("main: put ISER, 1\n mark 1\n wfi\n mark 3\n wfi\n irq0: mark 2\n bx lr")
        rig.events.at(1000, lambda _: (rig.set_line(0, level=True), rig.set_line(0, level=False))[0])
        rig.finish()
        assert rig.values == [1, 2, 3]
        assert rig.cycles[1] == 1000 + ENTER + LDR + MOVS

    def test_wfi_does_not_sleep_over_what_is_pending(self) -> None:
        rig = Rig("main: cpsid i\n put ISER, 1\n put ISPR, 1\n wfi\n mark 1\n cpsie i\n wfi\n irq0: mark 2\n bx lr")
        rig.finish()
        assert rig.values == [1, 2]

    def test_wfi_wakes_under_primask_without_the_handler(self) -> None:
        rig = Rig("main: cpsid i\n put ISER, 1\n wfi\n mark 1\n cpsie i\n mark 3\n wfi\n irq0: mark 2\n bx lr")
        rig.events.at(500, lambda _: (rig.set_line(0, level=True), rig.set_line(0, level=False))[0])
        rig.finish()
        assert rig.values == [1, 2, 3]
        assert rig.cycles[0] == 500 + LDR + MOVS

    def test_wfi_does_not_wake_for_what_cannot_preempt(self) -> None:
        rig = Rig(
            """main: put IPR0, 0x00004080
                put ISER, 7
                put ISPR, 2
                mark 9
                wfi
            irq1: mark 1
                wfi
                mark 3
                bx lr
            irq0: mark 4
                bx lr
            irq2: mark 2
                bx lr
            """
        )
        rig.events.at(500, lambda _: (rig.set_line(0, level=True), rig.set_line(0, level=False))[0])
        rig.events.at(900, lambda _: (rig.set_line(2, level=True), rig.set_line(2, level=False))[0])
        rig.finish()
        assert rig.values == [1, 2, 3, 4, 9]

    def test_a_disabled_interrupt_wakes_nobody(self) -> None:
        rig = Rig("main: wfi\n mark 1\n wfi")
        rig.events.at(500, lambda _: rig.set_line(0, level=True))
        rig.finish()
        assert rig.values == []

    def test_wfe_takes_an_event_that_was(self) -> None:
        rig = Rig("main: sev; wfe\n mark 1\n wfe\n mark 2\n wfi")
        assert rig.run(LONG) is Stop.ASLEEP
        assert rig.values == [1]
        assert rig.core.shared.asleep == 2

    def test_exceptions_are_events(self) -> None:
        rig = Rig("main: svc 0; wfe\n mark 1\n wfe\n mark 2\n wfi\n svc: bx lr")
        rig.finish()
        assert rig.values == [1]

    def test_wfe_sleeps_on_under_primask(self) -> None:
        rig = Rig("main: cpsid i\n put ISER, 1\n wfe\n mark 1\n wfi\n irq0: mark 2\n bx lr")
        rig.events.at(500, lambda _: rig.set_line(0, level=True))
        rig.finish()
        assert rig.values == []

    @pytest.mark.parametrize("enabled", [0, 1])
    def test_sevonpend_makes_what_becomes_pending_an_event(self, enabled: int) -> None:
        rig = Rig(f"main: cpsid i\n put SCR, 0x10\n put ISER, {enabled}\n wfe\n mark 1\n wfe\n mark 2\n wfi")
        rig.events.at(500, lambda _: rig.set_line(0, level=True))
        assert rig.run(LONG) is Stop.ASLEEP
        assert rig.values == [1]

    def test_sleep_on_exit(self) -> None:
        rig = Rig(
            """main: put SCR, 2
                put ISER, 1
                put ISPR, 1
                mark 9
                wfi
            irq0: mark 1
                ldr r0, =LOG; ldr r0, [r0]; cmp r0, #3; bne 1f
                put SCR, 0
                1: bx lr
            """
        )
        for cycle in (1000, 2000):
            rig.events.at(cycle, lambda _: (rig.set_line(0, level=True), rig.set_line(0, level=False))[0])
        rig.finish()
        assert rig.values == [1, 1, 1, 9]
        assert rig.cycles[1] == 1000 + ENTER + LDR + MOVS

    def test_the_clock_runs_on_in_sleep_and_counts_no_instructions(self) -> None:
        rig = Rig("main: wfi\n wfi")
        rig.events.at(12345, lambda _: rig.set_line(0, level=True))
        rig.finish()
        assert rig.core.shared.clock == 12345
        assert rig.core.shared.instructions == 1


def test_a_reset_asked_for_by_the_firmware() -> None:
    rig = Rig(
        """main: ldr r0, =0x20000000; ldr r1, [r0]; adds r1, #1; str r1, [r0]; cmp r1, #3; beq 1f
            put ISER, 1
            cpsid i
            put 0xE000ED0C, 0x05FA0004
            b .
        1: mrs r5, primask; ldr r6, =ISER; ldr r6, [r6]
            wfi
        """
    )
    rig.core.write(0x20000000, bytes(4))
    rig.finish()
    assert rig.word(0x20000000) == 3
    assert [rig.register(name) for name in ("r5", "r6", "sp", "control")] == [0, 0, STACK, 0]


def test_a_wrong_key_asks_for_nothing() -> None:
    rig = Rig("main: put 0xE000ED0C, 0x05FB0004\n mark 1\n wfi")
    rig.finish()
    assert rig.values == [1]


def test_a_vector_table_elsewhere() -> None:
    rig = Rig("main: put 0xE000ED08, 0x20000100\n svc 0; mark 2\n wfi\n other: mark 1\n bx lr\n svc: mark 9\n bx lr")
    rig.core.write(0x20000100 + 4 * 11, (rig.symbols["other"] + 1).to_bytes(4, "little"))
    rig.finish()
    assert rig.values == [1, 2]
