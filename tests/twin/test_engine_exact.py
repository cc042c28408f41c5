"""An exception is taken after the very instruction in which it became due, wherever Unicorn's blocks lie.

Random programs with interrupts from SysTick, from the firmware itself and from outside run in one go, in slices, and
instruction by instruction: cycles, log, registers and memory are the same to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.board import load_board
from hil.emulator.machine import REGISTERS
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.part import PORTS_BYTES, PORTS_ORIGIN
from tests.twin.rig import LOG_BASE, LONG, Rig

RAM = 0x20000000
TICKS = 25  # of SysTick, then it is off: its handler must not leave nothing for the program

HANDLERS = f"""
systick: push {{r4, lr}}
    ldr r0, [r6, #60]; adds r0, #1; str r0, [r6, #60]
    cmp r0, #{TICKS}; bls 1f
    put SYST_CSR, 0
    1: str r0, [r7, #0]
    pop {{r4, pc}}
svc: ldr r0, [r6, #56]; adds r0, #3; str r0, [r6, #56]; bx lr
pendsv: str r7, [r7]
    bx lr
irq0: str r6, [r7]
    nop; nop
    bx lr
irq1: push {{lr}}; bl helper; pop {{pc}}
irq2: ldr r3, =ICSR; ldr r2, =PENDSVSET; str r2, [r3]; nop; bx lr
hard_fault: mov r0, sp; ldr r1, [r0, #24]; adds r1, #2; str r1, [r0, #24]   @ SVC where it cannot be taken
    str r1, [r7]
    bx lr
helper: muls r0, r0, r0; adds r0, #1; str r0, [r6, #52]; bx lr
"""
START = """main: ldr r6, =0x20000100; ldr r7, =LOG
    movs r0, #0; str r0, [r6, #60]; str r0, [r6, #56]; str r0, [r6, #52]
    put IPR0, 0x00408000
    put SHPR3, 0xC0C00000
    put ISER, 7
    movs r0, #1; movs r1, #2; movs r2, #3; movs r3, #4; movs r4, #5
"""
END = "\n    cpsie i\n    nop\n    end: b end\n"

LOW = st.integers(0, 4)
OPERATIONS = st.sampled_from(["adds", "subs", "ands", "eors", "orrs", "muls", "adcs", "lsls", "bics", "rors"])


@st.composite
def plain(draw: st.DrawFn) -> str:
    a, b, c = draw(LOW), draw(LOW), draw(LOW)
    operation = draw(OPERATIONS)
    three = f", r{c}" if operation in {"adds", "subs"} else f", r{a}" if operation == "muls" else ""
    return draw(
        st.sampled_from(
            [
                f"{operation} r{a}, r{b}{three}",
                f"movs r{a}, #{draw(st.integers(0, 255))}",
                f"ldr r{a}, [r6, #{4 * draw(st.integers(0, 10))}]",
                f"str r{a}, [r6, #{4 * draw(st.integers(0, 10))}]",
                f"ldrb r{a}, [r6, #{draw(st.integers(0, 31))}]",
                f"push {{r{a}, r5}}; pop {{r{b}, r5}}",
                f"uxtb r{a}, r{b}",
                "nop",
                "dsb",
                "bl helper",
                f"mrs r{a}, primask",
                f"cmp r{a}, r{b}; blt 7f; movs r{c}, #9; adds r{c}, #1\n 7:",
                f"b 7f; nop\n 7: movs r{a}, #1",
                "yield",
            ]
        )
    )


@st.composite
def active(draw: st.DrawFn) -> str:
    a = draw(LOW)
    reload = draw(st.integers(60, 255))
    return draw(
        st.sampled_from(
            [
                f"str r{a}, [r7]",
                f"ldr r{a}, [r7]",
                "svc 0",
                "cpsid i",
                "cpsie i",
                f"ldr r3, =ISPR; movs r2, #{draw(st.integers(1, 7))}; str r2, [r3]",
                "ldr r3, =ICSR; ldr r2, =PENDSVSET; str r2, [r3]",
                f"ldr r3, =SYST_CSR; movs r2, #{reload}; str r2, [r3, #4]; str r2, [r3, #8]; movs r2, #7; str r2, [r3]",
                f"ldr r3, =SYST_CVR; ldr r{a}, [r3]; str r{a}, [r7]",
                "movs r2, #0; msr primask, r2",
            ]
        )
    )


@st.composite
def programs(draw: st.DrawFn) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        body = "\n".join(draw(st.lists(st.one_of(plain(), plain(), active()), min_size=1, max_size=10)))
        if draw(st.booleans()):
            body = f"movs r5, #{draw(st.integers(1, 12))}\n 9:\n{body}\n subs r5, #1; beq 8f; b 9b\n 8:"
        parts.append(body + "\n b 6f\n .ltorg\n 6:")
    return START + "\n".join(parts) + END + HANDLERS


@dataclass
class Outcome:
    clock: int
    instructions: int
    log: list[tuple[int, int]]
    registers: dict[str, int]
    memory: bytes
    taken: list[int]


PULSES = st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 2)), max_size=12)


def prepared(code: str, pulses: list[tuple[int, int]], waits: int) -> Rig:
    rig = Rig(code)
    for memory in (0, RAM):
        rig.core.wait_states(memory, waits)

    def pulse(line: int) -> None:
        rig.set_line(line, level=True)
        rig.set_line(line, level=False)

    for cycle, line in pulses:
        rig.events.at(cycle, lambda _, line=line: pulse(line))
    rig.core.breakpoint(rig.symbols["end"], on=True)
    return rig


def outcome(rig: Rig) -> Outcome:
    shared = rig.core.shared
    result = Outcome(
        shared.clock,
        shared.instructions,
        rig.log.entries,
        {name: rig.register(name) for name in REGISTERS},
        bytes(rig.ram),
        list(shared.taken),
    )
    rig.close()
    return result


def at_once(code: str, pulses: list[tuple[int, int]], waits: int = 0) -> Outcome:
    rig = prepared(code, pulses, waits)
    assert rig.run(LONG) is Stop.BREAKPOINT, (rig.fault_words(), hex(rig.register("pc")))
    return outcome(rig)


def in_slices(code: str, pulses: list[tuple[int, int]], slices: list[int], waits: int) -> Outcome:
    rig = prepared(code, pulses, waits)
    stop, n = Stop.DUE, 0
    while stop is Stop.DUE:
        rig._run_events()
        until = rig.now() + slices[n % len(slices)]
        stop = rig.core.run(min(rig.events.next(), until))
        n += 1
        assert rig.now() < LONG
    assert stop is Stop.BREAKPOINT
    return outcome(rig)


def by_steps(code: str, pulses: list[tuple[int, int]], waits: int) -> Outcome:
    rig = prepared(code, pulses, waits)
    end = rig.symbols["end"]
    while True:
        rig._run_events()
        rig.core.arrive(mask_interrupts=False)
        rig._run_events()
        if rig.register("pc") == end and not rig.core.shared.system_pending | rig.core.shared.pending:
            return outcome(rig)
        assert rig.core.step(mask_interrupts=False) is Stop.STEPPED
        assert rig.now() < LONG


@settings(max_examples=60, deadline=None, report_multiple_bugs=False)
@given(
    code=programs(),
    pulses=PULSES,
    slices=st.lists(st.integers(1, 60), min_size=1, max_size=20),
    waits=st.integers(0, 2),
)
def test_any_program_is_the_same_however_it_is_cut(
    code: str, pulses: list[tuple[int, int]], slices: list[int], waits: int
) -> None:
    whole = at_once(code, pulses, waits)
    assert in_slices(code, pulses, slices, waits) == whole
    assert by_steps(code, pulses, waits) == whole


@pytest.mark.parametrize("due", range(1, 40))
def test_an_interrupt_is_taken_behind_the_instruction_that_runs_then(due: int) -> None:
    """Boundaries counted by hand: the cycle at which each instruction of a straight block ends."""
    costs = [1, 1, 2, 1, 3, 2, 1, 1, 5, 1, 3, 1, 2, 1]
    code = """main: cpsie i
        movs r0, #1; ldr r1, =0x20000000; nop; dsb; str r0, [r1]; adds r0, #1; muls r0, r0, r0
        push {r0, r1, r2, r3}; adds r0, #2; mrs r2, primask; uxtb r0, r0; ldr r3, [r1]; nop
        end: wfi
        irq0: bx lr
    """
    rig = Rig(code)
    rig.core.shared.enabled = 1
    rig.events.at(due, lambda _: rig.set_line(0, level=True))
    rig.run_to("irq0")
    boundary = 0
    addresses = iter(range(rig.symbols["main"], rig.symbols["end"] + 2, 2))
    at = next(addresses)
    for cost in costs:
        if boundary >= due:
            break
        boundary += cost
        at = next(addresses)
        if cost == 3:
            at = next(addresses)  # DSB and MRS have 32 bits
    asleep = boundary < due
    came_back = rig.word(rig.register("sp") + 24)
    if asleep:
        assert came_back == rig.symbols["end"] + 2
    else:
        assert came_back == at
        assert rig.now() == boundary + 15


def test_twenty_runs_are_one() -> None:
    code = (
        START
        + "movs r5, #200\n 9: ldr r3, =SYST_CSR; movs r2, #90; str r2, [r3, #4]; movs r2, #7; str r2, [r3]; bl helper\n"
    )
    code += "str r0, [r7]; subs r5, #1; beq 8f; b 9b\n 8:" + END + HANDLERS
    pulses = [(n * n * 7 + 3, n % 3) for n in range(1, 40)]
    runs = [at_once(code, pulses) for _ in range(20)]
    assert len(runs[0].log) > 200
    assert all(run == runs[0] for run in runs)


def test_what_a_store_sets_going_is_due_within_its_block() -> None:
    """A pending bit and a timer: taken behind the instruction that sets them, and to the cycle."""
    rig = Rig(
        """main: ldr r0, =ISPR; ldr r1, =ISER; movs r2, #1; str r2, [r1]
            str r2, [r0]
        pended: nop; nop; nop
            ldr r0, =SYST_CSR; movs r2, #9; str r2, [r0, #4]; str r2, [r0, #8]; movs r2, #7
            str r2, [r0]
            nop; nop; nop; nop; nop; nop; nop; nop
        ticked: nop; nop; nop; nop; nop; nop
            wfi
        irq0: bx lr
        systick: movs r0, #0; ldr r1, =SYST_CSR; str r0, [r1]; bx lr
        """
    )
    rig.run_to("irq0")
    assert rig.word(rig.register("sp") + 24) == rig.symbols["pended"]
    rig.run_to("systick")
    assert rig.word(rig.register("sp") + 24) == rig.symbols["ticked"]  # STR, 2, and 8 of 10 counts


@pytest.mark.parametrize(("port", "saved"), [((0, 0), 0), ((LOG_BASE, 0x400), 1), ((LOG_BASE + 0x400, 0x400), 0)])
def test_accesses_by_the_single_cycle_port(port: tuple[int, int], saved: int) -> None:
    """DDI 0484C, table 3-1: 2 or 1 for loads and stores of one register."""
    rig = Rig(
        "main: ldr r0, =LOG; str r0, [r0]; ldr r1, [r0]; strb r0, [r0]; stm r0!, {r1}; str r0, [r7]; wfi", port=port
    )
    rig.core.write_register("r7", LOG_BASE)
    rig.finish()
    first, *later = rig.cycles
    assert [cycle - first for cycle in later] == [4 - 2 * saved, 6 - 3 * saved, 8 - 3 * saved]


def test_the_part_and_its_board_agree_about_the_port() -> None:
    board = load_board("nucleo-l031")
    port = board.timing.single_cycle_port
    assert port is not None
    assert (port.origin, port.bytes) == (PORTS_ORIGIN, PORTS_BYTES)
