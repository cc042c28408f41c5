"""Hand-counted kernels, one or more for each class of instruction, exact on QEMU with the counter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import MemoryTiming, TimingModel
from tests.cycles.kernels import KERNELS, SLOW_MULTIPLY, assembly
from tests.cycles.programs import HERE, build_program, run_qemu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hil.cycles.counts import CycleCounts

    Count = Callable[[TimingModel], CycleCounts]

NAMES = [kernel.name for kernel in KERNELS]
FLASH = MemoryTiming(0, 0x40000)
RAM = MemoryTiming(0x20000000, 0x4000)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    source = folder / "kernels.S"
    source.write_text(assembly(KERNELS))
    return build_program(folder / "kernels.elf", HERE / "kernels.c", source)


@pytest.fixture(scope="module")
def count(program: Path) -> Count:
    """Runs all kernels under a timing model, once for each."""
    known: dict[TimingModel, CycleCounts] = {}

    def run(model: TimingModel) -> CycleCounts:
        if model not in known:
            with CycleCounter(program, model, measure=[*NAMES, "twist"]) as counter:
                assert run_qemu(program, counter=counter).result == 2 * len(KERNELS)
                known[model] = counter.counts()
        return known[model]

    return run


def test_there_are_enough() -> None:
    assert len(KERNELS) >= 40
    assert len(set(NAMES)) == len(KERNELS)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m0plus"])
@pytest.mark.parametrize("kernel", KERNELS, ids=NAMES)
def test_kernel_takes_what_was_counted_by_hand(count: Count, core: str, kernel: object) -> None:
    calls = count(TimingModel(core)).of(kernel.name)
    expected = kernel.m0 if core == "cortex-m0" else kernel.m0plus
    assert [call.cycles for call in calls] == [expected, expected]
    assert [call.exceptions for call in calls] == [kernel.exceptions] * 2


# By hand, on a Cortex-M0: times that it is entered, cycles of its own, and with what it calls; every kernel runs twice.
LEAVES = 13
BY_FUNCTION = {
    "tail_call": (1, 3, 3 + 3),
    "tail_call_by_register": (1, 2 + 3, 2 + 3 + 3),
    "leaf": (LEAVES, LEAVES * 3, LEAVES * 3),
    "fall_through": (1, 1, 1 + 4),
    "fallen": (1, 4, 4),
    "call_local": (1, 14, 14),  # a BL within a function is no call
    "loop_to_entry": (1, 13, 13),  # nor is a branch to its own entry
    "recursion": (1, 12, 12 + 37),
    "deeper": (3, 37, 37),  # of calls within calls the outermost counts
    "twist": (2, 20, 20 + 3),
    "choose": (1, 14, 14),
    "switch_table": (1, 15, 15 + 14),
    "supervisor_call": (1, 5, 5),  # without the handler
    "pendsv_handler": (1, 2 + 3, None),
}


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_functions(count: Count, name: str) -> None:
    calls, exclusive, inclusive = BY_FUNCTION[name]
    row = count(TimingModel("cortex-m0")).functions[name]
    assert (row.calls, row.exclusive) == (2 * calls, 2 * exclusive)
    if inclusive is None:
        busy = count(TimingModel("cortex-m0")).functions["later"].inclusive
        assert row.inclusive == 2 * exclusive + busy
    else:
        assert row.inclusive == 2 * inclusive


def test_call_within_a_call_ends_when_it_returns(count: Count) -> None:
    inner, outer = 1 + 3 + 3 + 3, 1 + 1 + 2 + 4 + 10 + 5
    assert [call.cycles for call in count(TimingModel("cortex-m0")).of("twist")] == [inner, outer] * 2


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m0plus"])
def test_slow_multiplier(count: Count, core: str) -> None:
    fast, slow = (count(TimingModel(core, multiply_cycles=cycles)) for cycles in (1, 32))
    for name in NAMES:
        added = 2 * SLOW_MULTIPLY if name == "multiply" else 0
        assert slow.of(name)[0].cycles == fast.of(name)[0].cycles + added, name


@pytest.mark.parametrize(
    ("name", "m0"),
    [
        ("nothing", 3),  # touches no RAM
        ("load_immediate", 6 + 3 * 1 + 3),
        ("store_register", 1 + 6 + 3 * 1 + 3),
        ("push_pop_eight", 18 + 16 * 1 + 3),
        ("load_literal", 2 + 3),  # from flash
    ],
)
def test_wait_states_on_data_delay_every_access(count: Count, name: str, m0: int) -> None:
    slow_ram = MemoryTiming(RAM.origin, RAM.bytes, data_wait_states=1)
    calls = count(TimingModel("cortex-m0", memories=(slow_ram,))).of(name)
    assert [call.cycles for call in calls] == [m0, m0]


def test_wait_states_are_no_port(count: Count) -> None:
    slow_ram = MemoryTiming(RAM.origin, RAM.bytes, data_wait_states=1)
    calls = count(TimingModel("cortex-m0plus", memories=(slow_ram,))).of("load_immediate")
    assert [call.cycles for call in calls] == [6 + 3 * 1 + 2] * 2


@pytest.mark.parametrize(
    ("name", "m0plus"),
    [
        ("load_immediate", 3 * 1 + 2),
        ("load_register", 1 + 5 * 1 + 2),
        ("store_immediate", 3 * 1 + 2),
        ("load_seven", 8 + 2),  # load multiple has no shorter form
        ("load_literal", 2 + 2),  # not at the port
    ],
)
def test_single_cycle_port(count: Count, name: str, m0plus: int) -> None:
    port = MemoryTiming(RAM.origin, RAM.bytes, single_cycle_port=True)
    calls = count(TimingModel("cortex-m0plus", memories=(port,))).of(name)
    assert [call.cycles for call in calls] == [m0plus, m0plus]


@pytest.mark.parametrize(
    ("name", "m0"),
    [
        ("nothing", 3 + 2 * 1),  # one halfword at a word's start
        ("branch_not_taken", 6 + 2 * 2),  # CMP BNE | NOP BX
        ("move_immediate", 5 + 2 * 2),  # three halfwords in two words
        # MOVS SUBS | BNE BX: two words to begin with, both again in each of nine turns; BX lies in the last one.
        ("loop", 42 + 2 * (2 + 9 * 2)),
        ("load_literal", 5 + 2 * 1 + 1),  # LDR BX in one word; the literal is data
    ],
)
def test_wait_states_on_fetches_cost_each_word(count: Count, name: str, m0: int) -> None:
    slow_flash = MemoryTiming(FLASH.origin, FLASH.bytes, fetch_wait_states=2, data_wait_states=1)
    model = TimingModel("cortex-m0", memories=(slow_flash,))
    assert not model.exact
    assert [call.cycles for call in count(model).of(name)] == [m0, m0]
