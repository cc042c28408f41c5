"""HardFault: what raises it, the words for it, the stacked PC; and lockup, where it cannot be taken."""

from __future__ import annotations

import pytest

from hil.emulator.twin.core import FAULTS, Stop
from tests.twin.rig import LONG, STACK, Rig

UNDEFINED, UNALIGNED, NOWHERE, NO_CODE, NOT_THUMB, SVC, BKPT, STACKED, RETURN, VECTOR = FAULTS[1:]
HARD_FAULT = 3

UNDEFINED_CODE = {
    "movw": ".inst.w 0xf2410023",
    "movt": ".inst.w 0xf2c10023",
    "sdiv": ".inst.w 0xfb91f0f2",
    "udiv": ".inst.w 0xfbb1f0f2",
    "mul.w": ".inst.w 0xfb01f002",
    "ldr.w": ".inst.w 0xf8d10000",
    "strd": ".inst.w 0xe9c10200",
    "ldmia.w": ".inst.w 0xe891000c",
    "b.w": ".inst.w 0xf000b800",
    "beq.w": ".inst.w 0xf0008000",
    "tbb": ".inst.w 0xe8d0f001",
    "ldrex": ".inst.w 0xe8510f00",
    "clrex": ".inst.w 0xf3bf8f2f",
    "bfi": ".inst.w 0xf3610007",
    "mrs basepri": ".inst.w 0xf3ef8011",
    "msr faultmask": ".inst.w 0xf3808813",
    "fpu": ".inst.w 0xee300a00",
    "coprocessor": ".inst.w 0xee000e10",
    "it": ".inst.n 0xbf08",
    "cbz": ".inst.n 0xb100",
    "cbnz": ".inst.n 0xb908",
    "cpsid f": ".inst.n 0xb671",
    "cps if": ".inst.n 0xb673",
    "setend": ".inst.n 0xb650",
    "udf": ".inst.n 0xde00",
    "udf.w": ".inst.w 0xf7f0a000",
    "rev with op 2": ".inst.n 0xba80",
    "hint 5": ".inst.n 0xbf50",
    "push nothing": ".inst.n 0xb400",
    "ldm nothing": ".inst.n 0xc900",
}


def raised(rig: Rig) -> tuple[str, int, int]:
    """Words, address of the instruction, and of its data, after running into HardFault; the frame agrees."""
    rig.run_to("hard_fault")
    shared = rig.core.shared
    assert rig.register("xpsr") & 0x3F == HARD_FAULT
    assert rig.word(rig.register("msp") + 24) == shared.fault_pc & ~1
    assert FAULTS[shared.fault] in rig.fault_words()
    return FAULTS[shared.fault], shared.fault_pc, shared.fault_address


HANDLER = "\nhard_fault: mark 9\n here: b here\n"


@pytest.mark.parametrize("code", UNDEFINED_CODE.values(), ids=UNDEFINED_CODE)
@pytest.mark.parametrize("before", ["", "movs r0, #1; adds r0, #1;"], ids=["first", "in a block"])
def test_what_is_not_armv6m(code: str, before: str) -> None:
    rig = Rig(f"main: {before} nop\n wrong: {code}; movs r4, #77; wfi" + HANDLER)
    rig.core.write_register("r4", 0)
    assert raised(rig)[:2] == (UNDEFINED, rig.symbols["wrong"])
    assert rig.register("r4") == 0


ACCESSES = {
    "ldr": "ldr r4, [r0]",
    "ldr offset": "ldr r4, [r0, #4]",
    "ldr register": "ldr r4, [r0, r5]",
    "ldrh": "ldrh r4, [r0]",
    "ldrh register": "ldrh r4, [r0, r5]",
    "ldrsh": "ldrsh r4, [r0, r5]",
    "str": "str r4, [r0]",
    "str register": "str r4, [r0, r5]",
    "strh": "strh r4, [r0]",
    "strh register": "strh r4, [r0, r5]",
    "ldm": "ldm r0!, {r4, r6}",
    "stm": "stm r0!, {r4, r6}",
}
ANY_ADDRESS = {
    "ldrb": "ldrb r4, [r0]",
    "ldrsb": "ldrsb r4, [r0, r5]",
    "strb": "strb r4, [r0]",
    "strb register": "strb r4, [r0, r5]",
}


@pytest.mark.parametrize("code", ACCESSES.values(), ids=ACCESSES)
@pytest.mark.parametrize("base", [0x20000001, 0x40010001, 0x60000001], ids=["ram", "registers", "nothing"])
def test_unaligned_accesses(code: str, base: int) -> None:
    rig = Rig(f"main: ldr r0, ={base}; movs r5, #0; movs r4, #0x44; nop\n wrong: {code}; nop; wfi" + HANDLER)
    address = base + (4 if "#4" in code else 0)
    assert raised(rig) == (UNALIGNED, rig.symbols["wrong"], address)
    assert f"(to 0x{address:08x})" in rig.fault_words()
    assert (rig.register("r0"), rig.register("r4")) == (base, 0x44)
    assert rig.values == []


@pytest.mark.parametrize("code", {**ACCESSES, **ANY_ADDRESS}.values(), ids={**ACCESSES, **ANY_ADDRESS})
@pytest.mark.parametrize("base", [0x60000000, 0x40012000, 0xE000F000, 0x20004000, 0xFFFFF000, 0x1FFFF000])
def test_accesses_to_nothing(code: str, base: int) -> None:
    rig = Rig(f"main: ldr r0, ={base}; movs r5, #0; movs r4, #0x44; nop\n wrong: {code}; nop; wfi" + HANDLER)
    offset = 4 if "#4" in code else 0
    assert raised(rig) == (NOWHERE, rig.symbols["wrong"], base + offset)
    assert (rig.register("r0"), rig.register("r4")) == (base, 0x44)


def test_bytes_have_no_alignment() -> None:
    rig = Rig(
        "main: ldr r0, =0x20000101; movs r5, #2; movs r4, #0x85; strb r4, [r0]; strb r4, [r0, r5]; ldrb r1, [r0];"
        "ldrsb r2, [r0, r5]; wfi"
    )
    rig.finish()
    assert (rig.register("r1"), rig.register("r2")) == (0x85, 0xFFFFFF85)


def test_a_list_that_runs_out_of_memory_leaves_its_base() -> None:
    rig = Rig("main: ldr r0, =0x20003FFC; movs r1, #1; movs r2, #2\n wrong: stm r0!, {r1, r2}\n wfi" + HANDLER)
    rig.core.write_register("msp", 0x20001000)
    assert raised(rig) == (NOWHERE, rig.symbols["wrong"], 0x20004000)
    assert rig.register("r0") == 0x20003FFC
    assert rig.word(0x20003FFC) == 1  # made before the bus said no


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (0x40010000, NO_CODE),
        (0xE000E000, NO_CODE),
        (0x60000000, NO_CODE),
        (0x20004000, NO_CODE),
        (0xFFFFFFF8, NO_CODE),  # an EXC_RETURN means nothing in thread mode
    ],
)
@pytest.mark.parametrize("how", ["bx r0", "blx r0", "mov pc, r0", "push {r0}; pop {pc}"])
def test_execution_of_nothing(target: int, words: str, how: str) -> None:
    rig = Rig(f"main: ldr r0, ={target + 1}; nop; {how}; wfi" + HANDLER)
    assert raised(rig) == (words, target, target)


@pytest.mark.parametrize("how", ["bx r0", "blx r0", "push {r0}; pop {pc}"])
@pytest.mark.parametrize("there", ["nop; wfi", "udf #0", "wfe", "svc 0"])
@pytest.mark.parametrize("breakpoint_there", [False, True])
def test_a_jump_without_the_thumb_bit(how: str, there: str, breakpoint_there: bool) -> None:
    rig = Rig(f"main: ldr r0, =there; nop; {how}\n .balign 4\n there: {there}" + HANDLER)
    rig.core.breakpoint(rig.symbols["there"], on=breakpoint_there)
    assert raised(rig)[:2] == (NOT_THUMB, rig.symbols["there"])


@pytest.mark.parametrize("slice_cycles", range(1, 12))
def test_a_jump_without_the_thumb_bit_just_when_something_is_due(slice_cycles: int) -> None:
    rig = Rig("main: ldr r0, =there; nop; bx r0\n .balign 4\n there: nop; mark 1\n wfi\n hard_fault: mark 9\n wfi")
    rig.events.at(slice_cycles, lambda _: None)
    rig.finish()
    assert rig.values == [9]


def test_mov_to_pc_needs_no_thumb_bit() -> None:
    rig = Rig("main: ldr r0, =there; mov pc, r0\n .balign 4\n there: mark 1\n wfi" + HANDLER)
    rig.finish()
    assert rig.values == [1]


def test_a_block_that_runs_off_the_memory() -> None:
    rig = Rig("main: ldr r0, =0x20003FFB; bx r0" + HANDLER)
    rig.core.write(0x20003FFA, bytes.fromhex("c0460130c046"))  # nop; adds r0, #1; nop
    rig.core.write_register("msp", 0x20001000)
    rig.core.write_register("r0", 0)
    assert raised(rig)[:2] == (NO_CODE, 0x20004000)
    assert rig.register("r0") == 0x20003FFC


def test_half_an_instruction_at_the_end_of_memory() -> None:
    rig = Rig("main: ldr r0, =0x20003FFD; bx r0" + HANDLER)
    rig.core.write(0x20003FFC, bytes.fromhex("013000f0"))  # adds r0, #1; half of a BL
    rig.core.write_register("msp", 0x20001000)
    words, pc, _ = raised(rig)
    assert words in {NO_CODE, UNDEFINED}
    assert pc == 0x20003FFE
    assert rig.register("r0") == 0x20003FFE


def test_bkpt_without_a_debugger() -> None:
    rig = Rig("main: nop\n wrong: bkpt 5\n wfi" + HANDLER)
    assert raised(rig)[:2] == (BKPT, rig.symbols["wrong"])


@pytest.mark.parametrize("where", ["cpsid i", "put SHPR2, 0xC0000000\n put SHPR3, 0x00400000\n put ICSR, PENDSVSET"])
def test_svc_where_it_cannot_be_taken(where: str) -> None:
    rig = Rig(f"main: {where}\n wrong: svc 0\n wfi\n svc: bx lr\n pendsv: wrong2: svc 0" + HANDLER)
    words, pc, _ = raised(rig)
    assert words == SVC
    assert pc in {rig.symbols["wrong"], rig.symbols["wrong2"]}


def test_hard_fault_returns_and_goes_on() -> None:
    rig = Rig(
        """main: ldr r0, =0x60000000
            ldr r1, [r0]
            mark 2
            wfi
        hard_fault: mov r0, sp; ldr r1, [r0, #24]; adds r1, #2; str r1, [r0, #24]
            mark 1
            bx lr
        """
    )
    rig.finish()
    assert rig.values == [1, 2]


def test_hard_fault_is_above_every_interrupt_and_below_nmi() -> None:
    rig = Rig(
        """main: put ISER, 1
            udf #0
            wfi
        hard_fault: put ISPR, 1
            mark 1
            put ICSR, 1 << 31
            mark 3
            mov r0, sp; ldr r1, [r0, #24]; adds r1, #2; str r1, [r0, #24]
            bx lr
        nmi: mark 2
            bx lr
        irq0: mark 4
            bx lr
        """
    )
    rig.finish()
    assert rig.values == [1, 2, 3, 4]


@pytest.mark.parametrize("stack", [0x20000010, 0x20004008, 0x60000000, 0x40010020, 0x1000, 0], ids=hex)
class TestStackOutsideOfMemory:
    def test_of_an_interrupt_is_a_hard_fault_without_a_frame(self, stack: int) -> None:
        rig = Rig("main: ldr r0, =ICSR; ldr r1, =PENDSVSET; str r1, [r0]\n wrong: nop; wfi\n pendsv: bx lr" + HANDLER)
        before = bytes(rig.flash)
        rig.core.write_register("msp", stack)
        rig.run_to("here")
        assert rig.fault_words() == f"HardFault by {STACKED} at 0x{rig.symbols['wrong']:08x}"
        assert bytes(rig.flash) == before
        assert rig.values == [9]

    def test_of_hard_fault_itself_is_lockup(self, stack: int) -> None:
        rig = Rig("main: nop\n wrong: udf #0" + HANDLER)
        rig.core.write_register("msp", stack)
        assert rig.run(LONG) is Stop.LOCKUP
        at = f"0x{rig.symbols['wrong']:08x}"
        assert rig.fault_words() == f"HardFault by {UNDEFINED} at {at}, then lockup by {STACKED} at {at}"


def test_a_process_stack_outside_of_memory_is_a_hard_fault() -> None:
    rig = Rig(
        """main: ldr r0, =0x20004040; msr psp, r0; movs r0, #2; msr control, r0; isb
            ldr r0, =ICSR; ldr r1, =PENDSVSET
            str r1, [r0]
        wrong: nop; wfi
        pendsv: mark 1
            bx lr
        hard_fault: mark 9
            here: b here
        """
    )
    rig.run_to("hard_fault")
    assert FAULTS[rig.core.shared.fault] == STACKED
    assert rig.core.shared.fault_pc == rig.symbols["wrong"]
    assert rig.register("xpsr") & 0x3F == HARD_FAULT
    rig.run_to("here")
    assert rig.values == [9]


@pytest.mark.parametrize("value", ["0xFFFFFFF5", "0xFFFFFFF1", "0xFFFFFFE9", "0xFFFFFFFF", "0xF0000001"])
def test_an_exc_return_that_does_not_fit(value: str) -> None:
    rig = Rig(f"main: put ICSR, PENDSVSET\n wfi\n pendsv: ldr r0, ={value}; bx r0" + HANDLER)
    rig.run_to("hard_fault")
    assert FAULTS[rig.core.shared.fault] in {RETURN, NO_CODE}
    assert rig.register("lr") == 0xFFFFFFF1


def test_a_return_to_thread_from_a_nested_handler() -> None:
    rig = Rig(
        """main: put SHPR3, 0x00C00000
            put ICSR, PENDSVSET
            wfi
        pendsv: svc 0
            bx lr
        svc: ldr r0, =0xFFFFFFF9; bx r0
        """
        + HANDLER
    )
    rig.run_to("hard_fault")
    assert FAULTS[rig.core.shared.fault] == RETURN


def test_a_return_through_a_stack_outside_of_memory() -> None:
    rig = Rig("main: put ICSR, PENDSVSET\n wfi\n pendsv: ldr r0, =0x20003FF8; mov sp, r0; bx lr" + HANDLER)
    assert rig.run(LONG) in {Stop.LOCKUP, Stop.DUE}
    assert FAULTS[rig.core.shared.fault] == STACKED


def test_a_frame_without_the_thumb_bit() -> None:
    rig = Rig(
        """main: put ICSR, PENDSVSET
        back: wfi
        pendsv: mov r0, sp; movs r1, #0; str r1, [r0, #28]; bx lr
        """
        + HANDLER
    )
    rig.run_to("hard_fault")
    assert FAULTS[rig.core.shared.fault] == NOT_THUMB
    assert rig.core.shared.fault_pc == rig.symbols["back"]


class TestVectors:
    def test_a_handler_without_the_thumb_bit(self) -> None:
        rig = Rig("main: put ICSR, PENDSVSET\n wfi\n pendsv: bx lr" + HANDLER)
        rig.core.write(4 * 14, rig.symbols["pendsv"].to_bytes(4, "little"))
        rig.run_to("hard_fault")
        assert FAULTS[rig.core.shared.fault] == VECTOR

    def test_a_handler_where_nothing_is(self) -> None:
        rig = Rig("main: put ICSR, PENDSVSET\n wfi\n pendsv: bx lr" + HANDLER)
        rig.core.write(4 * 14, (0x60000001).to_bytes(4, "little"))
        rig.run_to("hard_fault")
        assert FAULTS[rig.core.shared.fault] == NO_CODE
        assert rig.core.shared.fault_pc == 0x60000000

    def test_a_hard_fault_vector_of_zero_is_lockup(self) -> None:
        rig = Rig("main: nop\n wrong: udf #0")
        rig.core.write(4 * 3, bytes(4))
        assert rig.run(LONG) is Stop.LOCKUP
        wrong = rig.symbols["wrong"]
        assert rig.fault_words() == f"HardFault by {UNDEFINED} at 0x{wrong:08x}, then lockup by {VECTOR} at 0x00000000"

    @pytest.mark.parametrize("erased", [b"\0", b"\xff"])
    def test_erased_flash_locks_up_at_once(self, erased: bytes) -> None:
        rig = Rig("main: nop")
        rig.core.write(0, erased * 0x40000)
        rig.reset()
        assert rig.run(LONG) is Stop.LOCKUP
        assert rig.core.shared.instructions == 0

    def test_a_reset_vector_without_the_thumb_bit(self) -> None:
        rig = Rig("main: nop; wfi" + HANDLER)
        rig.core.write(4, rig.symbols["main"].to_bytes(4, "little"))
        rig.reset()
        assert not rig.register("xpsr") & 1 << 24
        rig.run_to("hard_fault")
        assert FAULTS[rig.core.shared.fault] == NOT_THUMB
        assert rig.core.shared.fault_pc == rig.symbols["main"]

    def test_a_debugger_gives_the_thumb_bit(self) -> None:
        """As pyOCD does, to run its flash algorithm on an erased part."""
        rig = Rig("main: nop; wfi")
        rig.core.write(0, bytes(8))
        rig.reset()
        rig.core.write_register("xpsr", 1 << 24)
        rig.core.write_register("pc", rig.symbols["main"])
        rig.core.write_register("sp", STACK)
        assert rig.register("xpsr") & 1 << 24
        rig.finish()


@pytest.mark.parametrize("value", [1, 3])
@pytest.mark.parametrize("register", ["r3", "lr"])
@pytest.mark.parametrize("steps", [False, True], ids=["run", "step"])
def test_giving_up_privilege_ends_the_run_in_words(value: int, register: str, *, steps: bool) -> None:
    code = f"movs r0, #{value}; mov {register}, r0; movs r1, #0\n wrong: msr control, {register}; movs r1, #1; wfi"
    rig = Rig(f"main: {code}")
    if steps:
        while rig.register("pc") <= rig.symbols["wrong"]:
            rig.step()
    else:
        rig.run(LONG)
    words = "sets nPRIV of CONTROL: the twin does not model unprivileged execution"
    assert rig.trouble == f"the firmware at 0x{rig.symbols['wrong']:08x} {words}"
    assert rig.register("r1") == 0
    rig.reset()
    assert rig.trouble == ""
    assert rig.step() is Stop.STEPPED


LOCKUPS = {
    "undefined": ("udf #0", UNDEFINED),
    "svc": ("svc 0", SVC),
    "bkpt": ("bkpt 0", BKPT),
    "nothing": ("ldr r0, =0x60000000; ldr r0, [r0]", NOWHERE),
    "unaligned": ("ldr r0, =0x20000001; ldr r0, [r0]", UNALIGNED),
    "jump": ("ldr r0, =0x60000001; bx r0", NO_CODE),
}


@pytest.mark.parametrize(("code", "words"), LOCKUPS.values(), ids=LOCKUPS)
@pytest.mark.parametrize("handler", ["hard_fault", "nmi"])
def test_a_fault_in_the_highest_handlers_is_lockup(code: str, words: str, handler: str) -> None:
    cause = "first: udf #1" if handler == "hard_fault" else "put ICSR, 1 << 31\n nop; wfi\n first: nop"
    rig = Rig(f"main: {cause}\n svc: nop\n {handler}: mark 1\n {code}\n mark 2\n here: b here")
    assert rig.run(LONG) is Stop.LOCKUP
    assert rig.values == [1]
    assert FAULTS[rig.core.shared.lockup] == words
    said = rig.fault_words()
    assert f"lockup by {words}" in said
    if handler == "hard_fault":
        assert said.startswith(f"HardFault by {UNDEFINED} at 0x{rig.symbols['first']:08x}")
    assert rig.register("xpsr") & 0x3F == (HARD_FAULT if handler == "hard_fault" else 2)
    before = rig.core.shared.clock
    assert rig.run(before + 1000) is Stop.LOCKUP  # for ever


def test_reset_ends_a_lockup_and_its_words() -> None:
    rig = Rig("main: udf #0\n hard_fault: udf #1")
    assert rig.run(LONG) is Stop.LOCKUP
    rig.reset()
    assert rig.fault_words() == ""
    assert rig.register("pc") == rig.symbols["main"]


def test_what_a_device_raises_comes_out_of_the_run() -> None:
    rig = Rig("main: put LOG, 1\n wfi")

    def take(offset: int, size: int, value: int) -> None:
        raise ZeroDivisionError(offset + size + value)

    rig.log.take = take  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError, match="5"):
        rig.run(LONG)
    with pytest.raises(ZeroDivisionError):
        rig.step()
