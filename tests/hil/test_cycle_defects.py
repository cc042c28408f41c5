"""Work that changes no bit is caught by the cycle golden alone, and a run's cycles do not depend on the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.case import load_case
from hil.cycle_golden import golden_path, load_golden
from hil.cycle_promise import check_cycles
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import CyclesError
from hil.promise import judge
from tests.hil.defects import BOARD, Defect, Workshop
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

    from hil.result import RunResult

RUNS = 20
CASE = load_case(REPO / "tests" / "hil" / "dead_inputs.hil.yaml")
LTC, ASSEMBLY = "ltc/ltc.c", "ltc/ltc_kernel_v6m.S"
CALL, OPEN = "    ltc_swap(net);\n", "    muls    r4, r6, r4\n"
DEFECTS = [
    Defect(
        "one extra turn",
        LTC,
        CALL,
        f"    for (volatile uint32_t extra = 1; extra > 0; extra--) {{\n    }}\n{CALL}",
    ),
    Defect("one cycle a synapse", ASSEMBLY, OPEN, f"    nop\n{OPEN}"),
]


def run_once(root: Path) -> RunResult:
    with open_dut(load_board(BOARD), DutOptions(firmware_root=root)) as dut:
        return dut.run(CASE.model_path, CASE.vector_paths[0], check=False)


def check(result: RunResult) -> None:
    assert CASE.says.cycles is not None
    check_cycles(result, CASE.says.cycles, load_golden(golden_path(CASE.path)), CASE.says.vectors[0], strict=True)


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_an_extra_turn_is_caught_by_the_cycles_alone(workshop: Workshop, defect: Defect) -> None:
    with workshop.planted(defect):
        result = run_once(workshop.root)
    for promise in CASE.promises:
        if promise != "cycles":
            judge(promise, CASE.says, result)
    assert CASE.says.cycles is not None
    assert result.cycles.measured is not None
    assert result.cycles.measured.spread.high <= CASE.says.cycles.per_step  # the budget would let it pass
    with pytest.raises(CyclesError, match=f"{result.steps} of {result.steps} steps differ, first at step 0"):
        check(result)


def test_twenty_runs_take_the_same_cycles_and_those_of_the_golden() -> None:
    with open_dut(load_board(BOARD)) as dut:
        results = [dut.run(CASE.model_path, CASE.vector_paths[0]) for _ in range(RUNS)]
    for result in results:
        check(result)
    counts = [result.cycles.sources[0].per_step for result in results]
    assert all(np.array_equal(each, counts[0]) for each in counts)
    assert len(np.unique(counts[0])) > 1  # the steps differ from one another: there is something to confuse
