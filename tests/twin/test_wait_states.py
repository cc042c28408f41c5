"""32 MHz from the PLL, with the wait state that it needs: each word of code costs one, as docs/cycles.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import empty_call, timing_model
from hil.dut.opening import open_dut
from hil.emulator.twin.core import Stop
from hil.errors import BuildError
from hil.resources import boards_dir, examples_dir
from tests.twin.snippets import Bench
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, FAST, AgentChip, connect

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board

TURNS = 1000
STEPS = 10
# From the first load of SYST_CVR to the second: 2 cycles, what stands before the loop, and the loop.
LOOP = """
main:
    ldr r4, =0xE000E010
    ldr r0, =0xFFFFFF
    str r0, [r4, #4]
    str r0, [r4, #8]
    movs r0, #5
    str r0, [r4]
    ldr r0, =TURNS
    .balign 4
    ldr r5, [r4, #8]
    BEFORE
1:  subs r0, #1
    bne 1b
    ldr r6, [r4, #8]
    subs r5, r6
    ldr r0, =RESULT
    str r5, [r0]
    wfi
"""


def cycles(*, before: str, waits: bool) -> int:
    chip = Bench(LOOP.replace("TURNS", str(TURNS)).replace("BEFORE", before))
    if waits:
        chip.set("FLASH_ACR", 1)
    assert chip.run(100_000) is Stop.ASLEEP
    return chip.word()


@pytest.mark.parametrize(
    ("before", "cost", "words"),
    [
        # Words: LDR NOP | SUBS BNE | LDR. The loop is one word.
        ("nop", 1, TURNS + 1),
        # LDR SUBS | BNE LDR: two in each turn, but the first is there already when the loop begins.
        ("", 0, 2 * TURNS - 1),
        # LDR NOP | NOP SUBS | BNE LDR
        ("nop; nop", 2, 2 * TURNS),
    ],
)
def test_a_loop_pays_for_each_word_that_it_fetches(before: str, cost: int, words: int) -> None:
    plain = 2 + cost + 3 * TURNS - 1
    assert cycles(before=before, waits=False) == plain
    assert cycles(before=before, waits=True) == plain + words


@pytest.mark.parametrize("before", ["nop", "", "nop; nop"])
def test_instruction_by_instruction_it_pays_the_same(before: str) -> None:
    turns = 20
    clocks = []
    for stepped in (False, True):
        chip = Bench(LOOP.replace("TURNS", str(turns)).replace("BEFORE", before))
        chip.set("FLASH_ACR", 1)
        while stepped and not chip.word():
            assert chip.step(mask_interrupts=True) is Stop.STEPPED
        assert chip.run(100_000) is Stop.ASLEEP
        clocks.append((chip.now(), chip.word()))
    assert clocks[0] == clocks[1]


@pytest.mark.parametrize(("load", "words"), [("ldr r1, [r3]", 1), ("ldrb r1, [r3]", 1), ("ldm r3!, {r1, r2}", 2)])
@pytest.mark.parametrize(
    ("address", "waits"), [(0x08000000, True), (0, True), (0x08080000, True), (0x20000100, False)], ids=hex
)
def test_a_load_of_data_waits_where_code_would(load: str, words: int, address: int, *, waits: bool) -> None:
    """For each word, and to the very cycle: the same run in short slices ends at the same time."""
    # Words: LDR NOP | NOP NOP | LDR NOP | the loop's three | LDR; the address itself is a load from flash.
    code = LOOP.replace("BEFORE", f"nop; nop; nop; ldr r3, ={address:#x}; nop").replace("TURNS", str(TURNS))
    code = code.replace("1:  subs", f"1:  {load}; nop; {'subs r3, #8' if words == 2 else 'nop'}; nop\n    subs")
    found = []
    for latency, slices in ((0, 100_000), (1, 100_000), (1, 7)):
        with Bench(code) as chip:
            chip.set("FLASH_ACR", latency)
            while (stop := chip.run(chip.now() + slices)) is not Stop.ASLEEP:
                assert stop is Stop.DUE
            found.append((chip.word(), chip.now()))
    assert found[1] == found[2]
    assert found[1][0] - found[0][0] == 3 + 3 * TURNS + 1 + (words * TURNS if waits else 0)


def test_a_flash_that_is_off_in_sleep_is_noticed() -> None:
    chip = Bench()
    chip.write("FLASH_ACR", 0x63)
    assert chip.notes == {}
    chip.write("FLASH_ACR", 8)
    assert "SLEEP_PD" in chip.notes["FLASH SLEEP_PD"]


def test_they_end_with_the_latency_and_with_a_reset() -> None:
    for end in (lambda chip: chip.clear("FLASH_ACR", 1), lambda chip: chip.reset()):
        chip = Bench(LOOP.replace("TURNS", str(TURNS)).replace("BEFORE", "nop"))
        chip.set("FLASH_ACR", 1)
        end(chip)
        assert chip.run(100_000) is Stop.ASLEEP
        assert chip.word() == 2 + 1 + 3 * TURNS - 1


@pytest.mark.parametrize(("board", "empty"), [(BOARD, 3), (FAST, 4)], ids=["16 MHz", "32 MHz"])
def test_the_firmware_counts_what_the_twin_counts(board: Board, empty: int) -> None:
    """The agent at both clocks of its port: bits, and cycles of each step by SysTick and by the counter."""
    work = load_work("tiny_dense")
    artefact, model = build(board), timing_model(board)
    assert artefact.bin is not None
    assert model is not None
    assert model.exact == (board is BOARD)
    chip = AgentChip(artefact.bin)
    with CycleCounter(artefact.elf, model, plugin=False) as counter, chip.counted(counter):
        agent, _ = connect(chip)
        assert chip.clock_hz == agent.identify().clock_hz == board.clock_hz
        open_image(agent, chip, work.converted.image)
        chip.core.book()
        before = counter.snapshot()
        result = agent.run(work.inputs[0][:STEPS], work.elapsed[0][:STEPS], state=work.state0, count_cycles=True)
        chip.core.book()
        counted = [call.cycles for call in counter.counts(since=before).of("ltc_step")]
    assert np.array_equal(result.states, work.golden_states[0][:STEPS])
    # The empty call that the firmware subtracts: MOVS and BX, 3 cycles, and the wait state of their one word.
    assert {by_counter - by_chip for by_counter, by_chip in zip(counted, result.cycles.tolist(), strict=True)} == {
        empty
    }
    assert empty_call(board) == empty


def own_board(folder: Path, *changes: tuple[str, str]) -> Board:
    """A user's copy of the board's file, with changes."""
    text = (boards_dir() / f"{BOARD.name}.yaml").read_text(encoding="utf-8")
    for old, new in (("name: nucleo-l031\n", "name: own\n"), *changes):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return load_board(str(path))


ON_PLL = ("clock_hz: 16000000   ", "clock_hz: 32000000   ")


def test_a_board_at_32_mhz_differs_in_its_clock_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    networks = examples_dir() / "networks"
    with open_dut(own_board(tmp_path, ON_PLL)) as dut:
        result = dut.run(networks / "tiny_dense.model.npz", networks / "tiny_dense.vectors.npz", count_cycles=True)
    assert result.bits_equal
    assert result.cycles.difference == (
        "on-chip SysTick says 4 cycles a step less than model: twin, Cortex-M0+ timing, instruction fetches "
        "approximated: 4 are the empty call (movs r0, #0; bx lr) that the firmware subtracts"
    )


def test_a_kernel_in_ram_spares_the_wait_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    networks = examples_dir() / "networks"
    in_ram = ("links:\n", "kernel_memory: ram\nlinks:\n")
    medians = []
    for changes in ((ON_PLL,), (ON_PLL, in_ram)):
        with open_dut(own_board(tmp_path, *changes)) as dut:
            result = dut.run(networks / "ncp19_lane.model.npz", networks / "ncp19_lane.vectors.npz", count_cycles=True)
        assert result.bits_equal
        assert result.cycles.difference.startswith("on-chip SysTick says 4 cycles a step less")
        assert result.cycles.measured is not None
        medians.append(result.cycles.measured.spread.median)
    assert medians[1] < 0.8 * medians[0]


@pytest.mark.parametrize("cycles", [0, 2])
def test_wait_states_that_the_port_does_not_set_end_the_build(tmp_path: Path, cycles: int) -> None:
    right = "up_to_hz: 32000000, cycles: 1"
    board = own_board(tmp_path, ON_PLL, (right, right.replace("1", str(cycles))))
    with pytest.raises(BuildError) as caught:
        build(board)
    assert "memory.flash.fetch_wait_states must be 0 cycles up to 16000000 Hz, 1 up to 32000000" in str(caught.value)
