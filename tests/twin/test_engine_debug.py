"""Breakpoints, steps, watchpoints and vector catch on the twin's core."""

from __future__ import annotations

import pytest

from hil.emulator.twin.core import Stop
from tests.twin.rig import LOG_BASE, LONG, STACK, Rig
from tests.twin.snippets import Bench

DEBUGGER, CATCH = 1, 2
READ, WRITE, ANY = 1, 2, 3
LOOP = """main: movs r0, #0; ldr r1, =0x20000000
    loop: adds r0, #1; nop
    middle: nop; str r0, [r1]
    last: b loop
"""


class TestBreakpoints:
    @pytest.mark.parametrize("where", ["main", "loop", "middle", "last"])
    def test_before_the_instruction_wherever_it_stands_in_its_block(self, where: str) -> None:
        rig = Rig(LOOP)
        rig.run(500)  # all of it is translated
        if where == "main":
            rig.reset()
        before = rig.register("r0")
        rig.run_to(where)
        assert rig.register("r0") - before in {0, 1}
        assert rig.register("pc") == rig.symbols[where]

    def test_on_the_current_instruction_nothing_is_executed(self) -> None:
        rig = Rig(LOOP)
        rig.run_to("middle")
        rig.core.breakpoint(rig.symbols["middle"], on=True)
        before = rig.core.shared.instructions
        assert rig.run(LONG) is Stop.BREAKPOINT
        assert rig.core.shared.instructions == before
        assert rig.step() is Stop.STEPPED
        assert rig.run(LONG) is Stop.BREAKPOINT
        assert rig.core.shared.instructions == before + 5

    def test_every_time_until_it_is_removed(self) -> None:
        rig = Rig(LOOP)
        at = rig.symbols["middle"]
        rig.core.breakpoint(at, on=True)
        for n in range(1, 20):
            assert rig.run(rig.now() + 1000) is Stop.BREAKPOINT
            assert (rig.register("pc"), rig.register("r0")) == (at, n)
            rig.step()
        rig.core.breakpoint(at, on=False)
        assert rig.run(rig.now() + 1000) is Stop.DUE

    def test_several_in_a_block(self) -> None:
        rig = Rig(LOOP)
        for name in ("middle", "last", "loop"):
            rig.core.breakpoint(rig.symbols[name], on=True)
        for name in ("loop", "middle", "last") * 3:
            assert rig.run(LONG) is Stop.BREAKPOINT
            assert rig.register("pc") == rig.symbols[name]
            rig.step()

    def test_cycles_are_the_same_with_and_without(self) -> None:
        free, halted = Rig(LOOP), Rig(LOOP)
        for _ in range(10):
            halted.run_to("last")
        free.events.at(halted.now(), lambda _: None)
        assert free.run(halted.now()) is Stop.DUE
        assert free.now() == halted.now()
        assert free.core.shared.instructions == halted.core.shared.instructions

    def test_where_no_code_can_be(self) -> None:
        rig = Rig(LOOP)
        assert not rig.core.breakpoint(0x60000000, on=True)
        assert not rig.core.breakpoint(LOG_BASE, on=True)
        assert not rig.core.breakpoint(rig.symbols["loop"] + 1, on=True)

    def test_in_code_in_ram_and_after_it_has_changed(self) -> None:
        rig = Rig("main: ldr r0, =0x20000101; bx r0")
        rig.core.write(0x20000100, bytes.fromhex("0130 c046 c046 fbe7"))  # adds r0, #1; nop; nop; b .-6
        rig.run_to(0x20000104)
        rig.core.write(0x20000100, bytes.fromhex("0230 c046 c046 fbe7"))
        rig.step()
        rig.run_to(0x20000104)
        assert rig.register("r0") == 0x20000101 + 1 + 2

    def test_at_a_handler_that_is_entered_where_the_core_stands(self) -> None:
        rig = Rig("main: put ISER, 1\n here: nop; nop; wfi\n irq0: nop; bx lr")
        rig.run_to("here")
        rig.core.breakpoint(rig.symbols["irq0"], on=True)
        rig.set_line(0, level=True)
        assert rig.run(LONG) is Stop.BREAKPOINT
        assert rig.register("pc") == rig.symbols["irq0"]

    @pytest.mark.parametrize("set_at", [0x08000000, 0])
    @pytest.mark.parametrize("runs_at", [0x08000000, 0])
    def test_by_either_address_of_the_flash(self, set_at: int, runs_at: int) -> None:
        bench = Bench("main: nop\n b main")
        entry = int.from_bytes(bytes(bench.flash_content[4:8]), "little") - 1 - 0x08000000
        bench.core.write_register("pc", runs_at + entry)
        assert bench.core.breakpoint(set_at + entry + 2, on=True)
        assert bench.run(10_000) is Stop.BREAKPOINT
        assert bench.core.read_register("pc") == runs_at + entry + 2


class TestSteps:
    def steps(self, rig: Rig, *labels: str, mask: bool = True) -> None:
        for label in labels:
            assert rig.step(mask_interrupts=mask) is Stop.STEPPED, label
            assert rig.register("pc") == rig.symbols[label], (label, hex(rig.register("pc")))

    def test_over_branches_calls_and_returns(self) -> None:
        rig = Rig(
            """main: b a
                nop
            a:  bl f
            b_: ldr r0, =c + 1
            b2: bx r0
                nop
            c:  cmp r0, r0
            c2: bne main
            c3: beq d
                nop
            d:  b d
            f:  push {r4, lr}
            f2: mov r8, r8
            f3: pop {r4, pc}
            """
        )
        self.steps(rig, "a", "f", "f2", "f3", "b_", "b2", "c", "c2", "c3", "d", "d", "d")
        assert rig.now() == 2 + 3 + 3 + 1 + 5 + 2 + 2 + 1 + 1 + 2 + 2 + 2

    def test_over_calls_and_returns_from_exceptions(self) -> None:
        rig = Rig("main: nop\n one: svc 0\n two: nop\n three: b three\n svc: nop\n out: bx lr")
        self.steps(rig, "one", "svc", "out", "two", "three")

    @pytest.mark.parametrize("wait", ["wfi", "wfe"])
    def test_a_wait_does_not_put_it_to_sleep(self, wait: str) -> None:
        rig = Rig(f"main: {wait}\n after: nop\n end: b end")
        self.steps(rig, "after", "end")
        assert rig.core.shared.asleep == 0

    def test_with_interrupts_masked_and_not(self) -> None:
        rig = Rig("main: nop; nop\n there: nop; nop\n irq0: nop\n out: bx lr")
        rig.step()
        rig.core.shared.enabled = 1
        rig.set_line(0, level=True)
        self.steps(rig, "there")
        # Without the mask a step enters the handler, and stands in front of its first instruction (as QEMU does).
        self.steps(rig, "irq0", mask=False)
        rig.set_line(0, level=False)
        self.steps(rig, "out", "there", mask=False)

    def test_primask_holds_back_what_a_step_would_enter(self) -> None:
        rig = Rig("main: cpsid i\n a: nop\n b_: cpsie i\n c: nop\n irq0: bx lr")
        rig.core.shared.enabled = 1
        rig.step()
        rig.set_line(0, level=True)
        self.steps(rig, "b_", "c", "irq0", mask=False)

    def test_over_an_access_to_a_register(self) -> None:
        rig = Rig("main: ldr r0, =LOG; movs r1, #7\n a: str r1, [r0]\n b_: ldr r2, [r0]\n c: b c")
        rig.run_to("a")
        self.steps(rig, "b_", "c")
        assert rig.values == [7]
        assert rig.register("r2") == 1

    def test_over_an_instruction_with_a_breakpoint(self) -> None:
        rig = Rig("main: nop\n a: nop\n b_: b b_")
        for name in ("main", "a", "b_"):
            rig.core.breakpoint(rig.symbols[name], on=True)
        self.steps(rig, "a", "b_", "b_")

    def test_into_a_fault(self) -> None:
        rig = Rig("main: udf #0\n hard_fault: nop\n b hard_fault")
        self.steps(rig, "hard_fault")
        assert rig.register("xpsr") & 0x3F == 3

    def test_into_lockup(self) -> None:
        rig = Rig("main: udf #0\n hard_fault: udf #1")
        rig.step()
        assert rig.step() is Stop.LOCKUP

    def test_a_reset_that_the_firmware_asks_for(self) -> None:
        rig = Rig("main: ldr r2, =0xE000ED0C; ldr r3, =0x05FA0004\n a: str r3, [r2]\n b_: b b_")
        rig.run_to("a")
        rig.step()
        assert rig.register("pc") == rig.symbols["main"]

    def test_memory_and_cycles_as_in_a_run(self) -> None:
        code = "main: movs r0, #9; ldr r1, =0x20000000\n 1: str r0, [r1]; adds r1, #4; subs r0, #1; bne 1b\n end: b end"
        run, stepped = Rig(code), Rig(code)
        run.run_to("end")
        while stepped.register("pc") != stepped.symbols["end"]:
            assert stepped.step() is Stop.STEPPED
        assert bytes(run.ram) == bytes(stepped.ram)
        assert (run.now(), run.core.shared.instructions) == (stepped.now(), stepped.core.shared.instructions)


WATCHED = 0x20000200
TOUCHES = {
    "word": ("str r1, [r0]", WRITE),
    "halfword": ("strh r1, [r0]", WRITE),
    "byte": ("strb r1, [r0]", WRITE),
    "stm": ("stm r0!, {r1, r2}", WRITE),
    "load": ("ldr r3, [r0]", READ),
    "ldrsb": ("movs r4, #0; ldrsb r3, [r0, r4]", READ),
    "ldm": ("ldm r0!, {r3, r4}", READ),
}


class TestWatchpoints:
    @pytest.mark.parametrize(("code", "kind"), TOUCHES.values(), ids=TOUCHES)
    @pytest.mark.parametrize("kinds", [READ, WRITE, ANY])
    def test_the_core_stops_behind_the_instruction_that_touches(self, code: str, kind: int, kinds: int) -> None:
        rig = Rig(f"main: ldr r0, ={WATCHED}; movs r1, #1; movs r2, #2; nop; {code}\n behind: adds r5, #1; nop; wfi")
        rig.core.write_register("r5", 0)
        assert rig.core.watch(WATCHED, 4, kinds)
        stop = rig.run(LONG)
        if not kind & kinds:
            assert stop is Stop.ASLEEP
            return
        assert stop is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]
        assert rig.core.shared.watch_address == WATCHED
        assert rig.register("r5") == 0
        if kind == WRITE:
            assert rig.word(WATCHED) & 0xFF == 1  # it was made
        rig.finish()

    def test_neighbours_do_not_stop_it(self) -> None:
        rig = Rig(
            f"""main: ldr r0, ={WATCHED - 8}; movs r1, #1
                str r1, [r0]; str r1, [r0, #4]; str r1, [r0, #12]; strb r1, [r0, #7]; ldr r2, [r0, #12]
                ldr r3, [r0, #8]
            behind: wfi
            """
        )
        rig.core.watch(WATCHED, 4, ANY)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]

    def test_a_byte_of_a_word(self) -> None:
        rig = Rig(f"main: ldr r0, ={WATCHED}; strb r1, [r0]; strb r1, [r0, #1]\n behind: wfi")
        rig.core.watch(WATCHED + 1, 1, WRITE)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]

    def test_a_value_on_the_stack_in_a_page_of_pushes_and_returns(self) -> None:
        """The page is closed to Unicorn: everything in it goes through the engine, and comes to the same."""
        code = """main: movs r7, #5
            1: bl f; subs r7, #1; bne 1b
            svc 0
            end: wfi
            f: push {r4, r5, lr}; bl g; pop {r4, r5, pc}
            g: push {r0-r7, lr}; movs r0, #3; pop {r0-r7, pc}
            svc: push {r4, lr}; movs r4, #1; pop {r4, pc}
        """
        free, watched = Rig(code), Rig(code)
        watched.core.watch(STACK - 0x300, 4, ANY)  # never touched, in the same page
        free.finish()
        watched.finish()
        assert watched.now() == free.now()
        assert watched.core.shared.instructions == free.core.shared.instructions
        assert bytes(watched.ram) == bytes(free.ram)
        # And the return address of f is read five times.
        again = Rig(code)
        again.core.watch(STACK - 4, 4, READ)
        reads = 0
        while again.run(LONG) is Stop.WATCHPOINT:
            assert again.register("pc") != again.symbols["f"]
            reads += 1
        assert reads == 5

    def test_a_literal_in_flash(self) -> None:
        rig = Rig("main: nop; ldr r0, value\n behind: wfi\n .balign 4\n value: .word 5")
        rig.core.watch(rig.symbols["value"], 4, READ)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]

    def test_a_register_of_a_peripheral(self) -> None:
        rig = Rig("main: ldr r0, =LOG; ldr r1, [r0]; nop; str r1, [r0]\n behind: nop; wfi")
        rig.core.watch(LOG_BASE, 4, WRITE)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]
        assert rig.values == [1]

    def test_in_code_that_was_running_for_long(self) -> None:
        rig = Rig(LOOP)
        rig.run(5000)
        rig.core.watch(0x20000000, 4, WRITE)
        before = rig.register("r0")
        for n in range(1, 4):
            assert rig.run(LONG) is Stop.WATCHPOINT
            assert rig.register("pc") == rig.symbols["last"]
            assert rig.word(0x20000000) in {before + n - 1, before + n}
        rig.core.unwatch(0x20000000, 4, WRITE)
        assert rig.run(rig.now() + 1000) is Stop.DUE

    def test_code_in_the_page_of_watched_data(self) -> None:
        rig = Rig("main: ldr r0, =0x20000101; ldr r1, =0x20000200; bx r0")
        rig.core.write(0x20000100, bytes.fromhex("c046 0a68 0130 0860 fce7"))  # nop; ldr r2,[r1]; adds; str; b .-4
        rig.core.watch(0x20000200, 4, READ)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == 0x20000104
        rig.core.unwatch(0x20000200, 4, READ)
        rig.core.watch(0x20000200, 4, WRITE)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.register("pc") == 0x20000108
        assert rig.word(0x20000200) == rig.register("r0")

    def test_several_and_not_too_many(self) -> None:
        rig = Rig("main: ldr r0, =0x20000000; str r0, [r0, #4]; str r0, [r0, #16]; wfi")
        assert all(rig.core.watch(0x20000000 + 4 * n, 4, WRITE) for n in range(4))
        assert not rig.core.watch(0x20000010, 4, WRITE)
        assert rig.core.unwatch(0x20000004, 4, WRITE)
        assert not rig.core.unwatch(0x20000004, 4, WRITE)
        assert rig.core.watch(0x20000010, 4, WRITE)
        assert rig.run(LONG) is Stop.WATCHPOINT
        assert rig.core.shared.watch_address == 0x20000010

    def test_a_step_over_the_access_makes_it_and_says_so(self) -> None:
        rig = Rig(f"main: ldr r0, ={WATCHED}\n a: str r0, [r0]\n behind: wfi")
        rig.core.watch(WATCHED, 4, WRITE)
        rig.run_to("a")
        assert rig.step() is Stop.WATCHPOINT
        assert rig.register("pc") == rig.symbols["behind"]
        assert rig.word(WATCHED) == WATCHED

    def test_the_debuggers_own_accesses_are_none(self) -> None:
        rig = Rig("main: nop; nop; wfi")
        rig.core.watch(WATCHED, 4, ANY)
        assert rig.core.write(WATCHED, b"abcd")
        assert rig.core.read(WATCHED, 4) == b"abcd"
        rig.finish()


CAUSES = {
    "undefined": "udf #0",
    "access": "ldr r0, =0x60000000; ldr r0, [r0]",
    "jump": "ldr r0, =0x60000001; bx r0",
    "svc": "cpsid i; svc 0",
    "stack": "ldr r0, =0x20000010; mov sp, r0; put ICSR, PENDSVSET\n nop",
}


class TestCatch:
    @pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
    def test_each_way_into_hard_fault_is_caught(self, cause: str) -> None:
        rig = Rig(f"main: {cause}\n wfi\n pendsv: bx lr\n svc: bx lr\n hard_fault: mark 1\n wfi")
        rig.core.shared.debug = DEBUGGER | CATCH
        assert rig.run(LONG) is Stop.VECTOR_CATCH
        assert rig.register("pc") == rig.symbols["hard_fault"]
        assert rig.register("xpsr") & 0x3F == 3
        rig.core.shared.debug = DEBUGGER
        rig.finish()
        assert rig.values == [1]

    def test_a_bad_return_is_caught(self) -> None:
        rig = Rig("main: put ICSR, PENDSVSET\n wfi\n pendsv: ldr r0, =0xFFFFFFF1; bx r0\n hard_fault: b hard_fault")
        rig.core.shared.debug = DEBUGGER | CATCH
        assert rig.run(LONG) is Stop.VECTOR_CATCH

    def test_a_step_into_it_is_caught(self) -> None:
        rig = Rig("main: udf #0\n hard_fault: b hard_fault")
        rig.core.shared.debug = DEBUGGER | CATCH
        assert rig.step() is Stop.VECTOR_CATCH

    def test_a_bkpt_halts_where_a_debugger_is(self) -> None:
        rig = Rig("main: nop\n at: bkpt 1\n behind: wfi\n hard_fault: b hard_fault")
        rig.core.shared.debug = DEBUGGER | CATCH
        for _ in range(3):  # until the debugger moves PC
            assert rig.run(LONG) is Stop.BKPT
            assert rig.register("pc") == rig.symbols["at"]
        assert rig.step() is Stop.BKPT
        assert rig.core.shared.instructions == 1
        rig.core.write_register("pc", rig.symbols["behind"])
        rig.finish()


class TestRegisters:
    def test_a_debugger_changes_what_runs(self) -> None:
        rig = Rig(
            "main: nop\n a: nop\n b_: mrs r0, primask; mrs r1, control; mrs r2, psp; mov r3, sp; mrs r4, apsr; wfi"
        )
        rig.run_to("a")
        for name, value in {"psp": 0x20001000, "control": 2, "primask": 1, "xpsr": 0xA1000000}.items():
            rig.core.write_register(name, value)
        assert rig.register("sp") == 0x20001000
        rig.finish()
        assert [rig.register(f"r{n}") for n in range(5)] == [1, 2, 0x20001000, 0x20001000, 0xA0000000]

    def test_primask_cleared_by_a_debugger_lets_interrupts_in(self) -> None:
        rig = Rig("main: cpsid i\n put ISER, 1\n a: nop; nop; wfi\n irq0: mark 1\n here: b here")
        rig.run_to("a")
        rig.set_line(0, level=True)
        rig.step(mask_interrupts=False)
        assert rig.values == []
        rig.core.write_register("primask", 0)
        rig.run_to("here")
        assert rig.values == [1]

    def test_stack_pointers_have_no_lowest_bits(self) -> None:
        rig = Rig("main: nop; wfi")
        for name in ("sp", "msp", "psp"):
            rig.core.write_register(name, 0x20001003)
            assert rig.register(name) == 0x20001000

    def test_a_halt_in_sleep_goes_on_behind_it(self) -> None:
        rig = Rig("main: wfi\n after: mark 1\n wfi")
        assert rig.run(LONG) is Stop.ASLEEP
        rig.core.shared.asleep = 0
        rig.finish()
        assert rig.values == [1]
