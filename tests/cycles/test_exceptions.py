"""Interrupts do not show in a call's count; what spoils a count is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from hil.errors import CyclesError
from tests.cycles.programs import HERE, build_program, run_qemu

if TYPE_CHECKING:
    from pathlib import Path

    from hil.cycles.counts import CycleCounts

M0 = TimingModel("cortex-m0")
RUNS = 20
CALLS = 60  # interrupts.c
SVC_IN_A_CALL = 5
SOUND = 1 + 3  # NOP, BX LR
UNKNOWN, FAULT, LOST = 1, 2, 4


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_program(tmp_path_factory.mktemp("storm") / "storm.elf", HERE / "interrupts.c")


def test_twenty_stormy_runs_are_identical(storm: Path) -> None:
    cycles: set[int] = set()
    disturbed = chained = 0
    for run in range(RUNS):
        with CycleCounter(storm, M0, measure=["work"]) as counter:
            interrupts = run_qemu(storm, counter=counter, feed=bytes(range(256)) * (run % 4 * 2)).result
            counts = counter.counts()
        calls = counts.of("work")
        assert len(calls) == CALLS
        assert calls[0].exceptions == SVC_IN_A_CALL
        cycles |= {call.cycles for call in calls}
        disturbed += sum(call.exceptions > SVC_IN_A_CALL for call in calls)
        _books_balance(counts, interrupts)
        chained += counts.totals.chained
    assert len(cycles) == 1
    assert disturbed > RUNS
    assert chained > RUNS


def _books_balance(counts: CycleCounts, interrupts: int) -> None:
    """Every exception was seen, and every cycle has one owner."""
    totals, functions = counts.totals, counts.functions
    assert totals.entries == totals.leaves
    assert totals.entries + totals.chained == interrupts + CALLS * SVC_IN_A_CALL
    assert sum(row.exclusive for row in functions.values()) == totals.cycles
    assert sum(row.instructions for row in functions.values()) == totals.instructions
    handlers = [row for name, row in functions.items() if name.endswith("_handler")]
    assert sum(row.calls for row in handlers) == totals.entries + totals.chained
    assert functions["start"].inclusive + sum(row.inclusive for row in handlers) == totals.cycles
    for row in handlers:  # each takes the same every time, although they preempt one another
        assert row.exclusive % row.calls == 0
        assert row.inclusive % row.calls == 0


def test_what_cannot_be_counted_is_flagged(tmp_path: Path) -> None:
    elf = build_program(tmp_path / "troubles.elf", HERE / "troubles.c")
    names = ("sound", "breakpoint", "undefined", "not_armv6m", "let_pass", "undecided", "bad_load", "resets_core")
    with CycleCounter(elf, M0, measure=names) as counter:
        assert run_qemu(elf, counter=counter).result == 1
        counts = counter.counts()
    flags = {call.function: call.trouble for call in counts.calls}
    assert flags == {
        "sound": 0,
        "breakpoint": UNKNOWN | FAULT,
        "undefined": UNKNOWN | FAULT,
        "not_armv6m": UNKNOWN | FAULT | LOST,  # the handler steps over half of it
        "let_pass": UNKNOWN,
        "undecided": UNKNOWN,
        "bad_load": FAULT,
        "resets_core": LOST,
    }
    assert [call.cycles for call in counts.of("sound")] == [SOUND] * 8
    assert counts.totals.resets == 1
    assert counts.totals.faults == 4
    for name, sentence in (
        ("undecided", "without a known cost"),
        ("bad_load", "HardFault"),
        ("resets_core", "followed"),
    ):
        with pytest.raises(CyclesError, match=sentence):
            counts.of(name)
    with pytest.raises(CyclesError, match="without a known cost"):
        counts.check()


def test_code_that_changes(tmp_path: Path) -> None:
    elf = build_program(tmp_path / "changing.elf", HERE / "changing.c")
    with CycleCounter(elf, M0, measure=["first", "second"]) as counter:
        assert run_qemu(elf, counter=counter).result == 1
        counts = counter.counts()
    around = 2 + 3 + 3 + 5  # PUSH, BLX, and BX in RAM, POP
    assert [call.cycles for call in counts.of("first")] == [around + 2 * 1]
    assert [call.cycles for call in counts.of("second")] == [around + 2 * 2]


def test_calls_that_the_ring_lost_are_missed(storm: Path) -> None:
    with CycleCounter(storm, M0, measure=["work"], ring=16) as counter:
        run_qemu(storm, counter=counter)
        counts = counter.counts()
        assert (len(counts.calls), counts.missed) == (16, CALLS - 16)
        with pytest.raises(CyclesError, match=f"{CALLS - 16} calls"):
            counts.of("work")


def test_differences_between_moments(storm: Path) -> None:
    with CycleCounter(storm, M0, measure=["work"]) as counter:
        run_qemu(storm, counter=counter)
        middle = counter.snapshot()
        run_qemu(storm, counter=counter)  # another power cycle: counts go on
        counts = counter.counts(since=middle)
        assert len(counts.of("work")) == CALLS
        assert counts.functions["work"].calls == CALLS
        assert counter.counts().functions["work"].calls == 2 * CALLS
        assert counts.functions["work"].inclusive == CALLS * counts.of("work")[0].cycles
