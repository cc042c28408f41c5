"""The counter and an independent one agree: every call and every function, both cores, every step of all public cases.

The independent one also comes to every cycle of the committed goldens, without QEMU or a plugin having any part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build
from hil.case import load_case as load_case_file
from hil.cycle_golden import golden_path, load_golden
from hil.cycles.counter import CycleCounter
from hil.cycles.timing import CORES, TimingModel
from tests.cycles.cases import Case, load_case, load_files, public_cases
from tests.cycles.programs import BLOB_AT, HERE, LTC_SOURCES, build_program, run_qemu
from tests.cycles.second_count import SecondCount, build_second_count, second_count

if TYPE_CHECKING:
    from pathlib import Path

GOLDENS = HERE.parent / "hil"


class Both:
    """The program of the steps, and the second count of each case, made once."""

    def __init__(self, folder: Path) -> None:
        self.elf = build_program(folder / "steps.elf", HERE / "steps.c", *LTC_SOURCES)
        self._interpreter = build_second_count(folder / "second_count")
        self._folder = folder
        self._known: dict[bytes, SecondCount] = {}

    def count(self, case: Case) -> SecondCount:
        if case.blob not in self._known:
            blob = BLOB_AT, case.blob
            self._known[case.blob] = second_count(self._interpreter, self.elf, "ltc_step", self._folder, blob=blob)
        return self._known[case.blob]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both(tmp_path_factory.mktemp("second"))


@pytest.mark.parametrize("name", public_cases())
def test_no_difference(both: Both, tmp_path: Path, name: str) -> None:
    case = load_case(name)
    second = both.count(case)
    assert int.from_bytes(second.sent, "little") == case.checksum  # of every state and output
    assert len(second.calls) == case.steps
    blob = tmp_path / "blob"
    blob.write_bytes(case.blob)
    for core, label in enumerate(CORES):
        with CycleCounter(both.elf, TimingModel(label)) as counter:
            assert run_qemu(both.elf, counter=counter, blob=blob).result == case.checksum
            counts = counter.counts()
        counts.check()
        assert [call.cycles for call in counts.of("ltc_step")] == [call[core] for call in second.calls]
        assert counts.totals.instructions == second.instructions
        exclusive = {each: row.exclusive for each, row in counts.functions.items()}
        inclusive = {each: row.inclusive for each, row in counts.functions.items()}
        assert exclusive == {each: cycles[core] for each, cycles in second.exclusive.items()}
        assert inclusive == {each: cycles[core] for each, cycles in second.inclusive.items()}


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("*.hil.yaml")), ids=lambda path: path.name.partition(".")[0])
def test_the_goldens_are_what_it_counts(both: Both, path: Path) -> None:
    compiler = build(load_board("microbit")).compiler
    golden = load_golden(golden_path(path))
    entries = [each for each in golden.entries if each.platform.core == CORES[0] and each.platform.kind == "emulator"]
    mine = [each for each in entries if each.platform.compiler == compiler]
    if not mine:
        pytest.skip(f"recorded with {entries[0].platform.compiler}, here is {compiler}")
    case = load_case_file(path)
    assert mine[0].vectors.keys() == set(case.says.vectors)
    for vectors, recording in mine[0].vectors.items():
        second = both.count(load_files(case.model_path, path.parent / vectors, case.says.solver))
        assert [count for row in recording.per_step for count in row] == [call[0] for call in second.calls]
