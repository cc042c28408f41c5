"""Code that changes, in RAM and under a debugger's hands; and nothing that stays of a core that was closed."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

import pytest

from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.part import Stm32l031
from tests.twin.bare import Bare
from tests.twin.rig import LONG, Rig
from tests.twin.snippets import BAUD, Bench

COPIES = """main: ldr r4, =0x20000801; ldr r7, =LOG
    movs r6, #20
again: ldr r0, =code; ldr r1, =0x20000800; movs r2, #5
    1: ldrh r3, [r0]; strh r3, [r1]; adds r0, #2; adds r1, #2; subs r2, #1; bne 1b
    movs r0, #0; blx r4
    str r0, [r7]
    ldr r1, =0x20000800; ldrh r3, [r1]; adds r3, #1; strh r3, [r1]     @ adds r0, #11
    movs r0, #0; blx r4
    str r0, [r7]
    ldr r3, =0x46c0; strh r3, [r1]                                     @ nop
    movs r0, #0; blx r4
    str r0, [r7]
    subs r6, #1; bne again
    wfi
.balign 4
code: adds r0, #10; nop; nop; adds r0, #1; bx lr
"""


def test_code_copied_to_ram_run_changed_and_run_again() -> None:
    rig = Rig(COPIES)
    rig.finish()
    assert rig.values == [11, 12, 1] * 20
    again = Rig(COPIES)
    while (stop := again.step()) is Stop.STEPPED and again.register("pc") < 0x20000000 + 0x4000:
        if again.core.shared.instructions == rig.core.shared.instructions:
            break
    assert stop is Stop.STEPPED
    assert again.values == rig.values
    assert again.cycles == rig.cycles


def test_changed_code_costs_what_it_is() -> None:
    rig = Rig(
        """main: ldr r4, =0x20000801; ldr r1, =0x20000800; ldr r7, =LOG; movs r6, #3
            ldr r5, =0xbf00; bl both
            ldr r5, =0xb407; bl both        @ push {r0-r2}
            ldr r5, =0x4770; bl both        @ bx lr
            wfi
        both: mov r8, lr; strh r5, [r1]; str r6, [r7]; blx r4
            str r6, [r7]; mov sp, r9; bx r8
        """
    )
    rig.core.write(0x20000800, bytes.fromhex("00bf 7047"))
    rig.core.write_register("r9", rig.register("sp"))
    rig.finish()
    took = [b - a for a, b in zip(rig.cycles[::2], rig.cycles[1::2], strict=True)]
    str_, blx, bx = 2, 2, 2
    assert took == [str_ + blx + 1 + bx, str_ + blx + 4 + bx, str_ + blx + bx]


def test_a_store_just_behind_itself_is_executed_as_it_was_or_will_be() -> None:
    """Arm leaves open which; a barrier decides it."""
    rig = Rig("main: ldr r0, =0x20000801; bx r0")
    code = "0380 bff34f8f bff36f8f 0131 30bf"  # strh r3, [r0]; dsb; isb; adds r1, #1; wfi
    rig.core.write(0x20000800, bytes.fromhex(code))
    for name, value in {"r0": 0x2000080A, "r3": 0x3105, "r1": 0, "pc": 0x20000800}.items():
        rig.core.write_register(name, value)
    rig.finish()
    assert rig.register("r1") == 5


@pytest.mark.parametrize("size", [1, 2, 4, 64])
def test_a_debugger_writes_over_code_that_has_run(size: int) -> None:
    rig = Rig("main: ldr r0, =0x20000801; bx r0")
    rig.core.write(0x20000800, bytes.fromhex("0131 0131 fce7") + bytes(64))
    rig.run(500)
    old = rig.core.read(0x20000800, 64)
    assert old is not None
    new = bytes.fromhex("0531")[:size] + old[min(size, 2) : size]
    rig.core.write_register("r1", 0)
    rig.core.write_register("pc", 0x20000800)
    rig.core.write(0x20000800, new)
    rig.step()
    assert rig.register("r1") == 5


def test_a_debugger_writes_over_flash_by_either_address() -> None:
    bench = Bench("main: nop\n adds r1, #1\n b main")
    bench.run(1000)
    entry = int.from_bytes(bytes(bench.flash_content[4:8]), "little") - 1
    for at, value in ((entry, 7), (entry - 0x08000000, 9)):
        assert bench.core.write(at + 2, bytes([value, 0x31]))
        for start in (entry, entry - 0x08000000):
            bench.core.write_register("pc", start)
            bench.core.write_register("r1", 0)
            bench.core.breakpoint(start + 4, on=True)
            assert bench.run(bench.now() + 1000) is Stop.BREAKPOINT
            bench.core.breakpoint(start + 4, on=False)
            assert bench.core.read_register("r1") == value


def test_the_whole_flash_is_replaced_under_the_core() -> None:
    rig = Rig("main: movs r0, #1; mark 1\n wfi")
    rig.finish()
    other = Rig("main: movs r0, #2; nop; mark 2\n wfi")
    rig.core.write(0, bytes(other.flash))
    rig.reset()
    rig.finish()
    assert rig.values == [1, 2]


def test_frames_over_code_in_ram() -> None:
    """A stack that runs into code that has been executed: what is executed next is what was stacked."""
    rig = Rig(
        """main: ldr r0, =0x20000821; blx r0
            ldr r0, =0x20000840; mov sp, r0; movs r1, #0
            ldr r0, =0x00003107                  @ adds r1, #7; movs r0, r0
            put ICSR, PENDSVSET
            ldr r2, =0x20000821; bx r2
        pendsv: bx lr
        """
    )
    rig.core.write(0x20000820, bytes.fromhex("c046 7047"))
    rig.core.breakpoint(0x20000824, on=True)
    assert rig.run(LONG) is Stop.BREAKPOINT
    assert rig.register("r1") == 7


def resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def test_a_thousand_cores_leave_nothing() -> None:
    def one() -> None:
        with Bare() as chip:
            chip.core.write(
                0, (0x20004000).to_bytes(4, "little") + (9).to_bytes(4, "little") + bytes.fromhex("0130fde7")
            )
            chip.reset()
            chip.core.breakpoint(10, on=True)
            chip.core.watch(0x20000000, 4, 3)
            chip.run(100)

    for _ in range(50):
        one()
    gc.collect()
    before = resident_kb()
    for _ in range(1000):
        one()
    gc.collect()
    assert resident_kb() - before < 20_000


def test_parts_leave_nothing_either() -> None:
    def one() -> None:
        with Stm32l031(BAUD) as chip:
            chip.reset()
            chip.run(100)

    for _ in range(20):
        one()
    gc.collect()
    before = resident_kb()
    for _ in range(200):
        one()
    gc.collect()
    assert resident_kb() - before < 20_000


def test_what_a_closed_core_did_can_still_be_read() -> None:
    rig = Rig("main: mark 1\n wfi")
    rig.finish()
    clock = rig.now()
    rig.close()
    rig.close()
    assert rig.now() == clock
    assert rig.values == [1]
