"""Two independent counts of the same object code agree: every call, every function, both cores, all public cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.cycles.qemu_counter import CycleCounter
from hil.cycles.timing import CORES, TimingModel
from tests.cycles.cases import load_case, public_cases
from tests.cycles.programs import BLOB_AT, HERE, LTC, build_program, run_qemu
from tests.cycles.second_count import SecondCount, cycles

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 8  # of each case: a run in Python takes a microsecond for each instruction


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("steps") / "steps.elf"
    return build_program(out, HERE / "steps.c", *sorted(LTC.glob("ltc*.c")))


@pytest.mark.parametrize("name", public_cases())
def test_no_difference(program: Path, tmp_path: Path, name: str) -> None:
    case = load_case(name, sequences=2, steps=STEPS // 2)
    blob = tmp_path / "blob"
    blob.write_bytes(case.blob)
    second = SecondCount(program, "ltc_step", (BLOB_AT, case.blob)).run()
    assert int.from_bytes(second.result, "little") == case.checksum
    for core, label in enumerate(CORES):
        with CycleCounter(program, TimingModel(label)) as counter:
            assert run_qemu(program, counter=counter, blob=blob).result == case.checksum
            counts = counter.counts()
        counts.check()
        assert len(counts.of("ltc_step")) == case.steps
        assert [call.cycles for call in counts.of("ltc_step")] == [cycles(call, core) for call in second.calls]
        assert counts.totals.instructions == second.instructions
        expected = {each.name: each for each in second.functions.values() if each.exclusive}
        assert {each: row.exclusive for each, row in counts.functions.items()} == {
            each: cycles(row.exclusive, core) for each, row in expected.items()
        }
        assert {each: row.inclusive for each, row in counts.functions.items()} == {
            each: cycles(row.inclusive, core) for each, row in expected.items()
        }
