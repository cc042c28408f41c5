"""Call paths: every cycle of a function is on exactly one path, and its calls are those that the code makes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from tests.cycles.cases import load_case
from tests.cycles.programs import HERE, LTC_SOURCES, build_program, run_qemu

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """
    #include "microbit.h"
    __attribute__((noipa)) int leaf(int n) { __asm volatile("nop"); return n + 1; }
    __attribute__((noipa)) int once(int n) { return leaf(n) + 1; }
    __attribute__((noipa)) int twice(int n) { int got = leaf(n); return got + leaf(got); }
    __attribute__((noipa)) int down(int n) { return n == 0 ? 0 : leaf(down(n - 1)); }
    uint32_t test_main(void) { once(1); twice(2); twice(3); down(3); leaf(0); return 0; }
"""


def test_paths_add_up_to_the_function_table(tmp_path: Path) -> None:
    elf = build_program(tmp_path / "steps.elf", HERE / "steps.c", *LTC_SOURCES)
    case = load_case("tiny_dense", sequences=1, steps=20)
    blob = tmp_path / "blob"
    blob.write_bytes(case.blob)
    with CycleCounter(elf, TimingModel("cortex-m0")) as counter:
        assert run_qemu(elf, counter=counter, blob=blob).result == case.checksum
        counts, paths = counter.counts(), counter.paths("ltc_step")
    assert sum(each.cycles for each in paths.values()) == sum(call.cycles for call in counts.of("ltc_step"))
    assert paths[("ltc_step",)].calls == case.steps
    by_function: Counter[str] = Counter()
    for path, each in paths.items():
        by_function[path[-1]] += each.cycles
    for name in ("ltc_step", "gather_sensory", "ltc_gather", "ltc_unfold", "ltc_advance"):  # called from nowhere else
        assert by_function[name] == counts.functions[name].exclusive


def test_a_function_has_a_path_for_each_way_that_it_was_called(tmp_path: Path) -> None:
    source = tmp_path / "small.c"
    source.write_text(SMALL)
    elf = build_program(tmp_path / "small.elf", source, flags=["-fno-optimize-sibling-calls"])
    with CycleCounter(elf, TimingModel("cortex-m0"), measure=["test_main"]) as counter:
        run_qemu(elf, counter=counter)
        paths = counter.paths("test_main")
    calls = {
        path: each.calls for path, each in paths.items() if set(path) <= {"test_main", "leaf", "once", "twice", "down"}
    }
    down = ("down",) * 4
    assert calls == {
        ("test_main",): 1,
        ("test_main", "once"): 1,
        ("test_main", "once", "leaf"): 1,
        ("test_main", "twice"): 2,
        ("test_main", "twice", "leaf"): 4,
        ("test_main", "leaf"): 1,
        **{("test_main", *down[: depth + 1]): 1 for depth in range(4)},
        **{("test_main", *down[: depth + 1], "leaf"): 1 for depth in range(3)},
    }
