"""The twin counts what was counted by hand, and what QEMU's plugin counts, cycle for cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import CORES, TimingModel
from hil.emulator.twin.core import Stop
from tests.cycles.cases import load_case, public_cases
from tests.cycles.kernels import KERNELS, assembly
from tests.cycles.programs import BLOB_AT, HERE, LTC_SOURCES, build_program, run_qemu
from tests.twin.bare import Bare

if TYPE_CHECKING:
    from pathlib import Path

    from hil.cycles.counts import CycleCounts

LONG = 1 << 28


def run_twin(elf: Path, model: TimingModel, *, measure: list[str], blob: bytes = b"") -> tuple[CycleCounts, int, int]:
    """Counts, result, and the clock at the end."""
    with CycleCounter(elf, model, measure=measure) as counter:
        chip = Bare(model.core)
        chip.load(elf)
        chip.core.write(BLOB_AT, blob)
        with chip.counted(counter):
            chip.reset()
            assert chip.run(LONG) is Stop.ASLEEP, chip.fault_words()
            clock = chip.core.shared.clock
        return counter.counts(), int.from_bytes(chip.sink.sent, "little"), clock


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    source = folder / "kernels.S"
    source.write_text(assembly(KERNELS))
    return build_program(folder / "kernels.elf", HERE / "kernels.c", source)


@pytest.mark.parametrize("core", CORES)
def test_kernels_take_what_was_counted_by_hand(kernels: Path, core: str) -> None:
    counts, result, _ = run_twin(kernels, TimingModel(core), measure=[kernel.name for kernel in KERNELS])
    assert result == 2 * len(KERNELS)
    expected = {kernel.name: kernel.m0 if core == "cortex-m0" else kernel.m0plus for kernel in KERNELS}
    assert {name: [call.cycles for call in counts.of(name)] for name in expected} == {
        name: [cycles] * 2 for name, cycles in expected.items()
    }


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_program(tmp_path_factory.mktemp("steps") / "steps.elf", HERE / "steps.c", *LTC_SOURCES)


@pytest.mark.parametrize("name", public_cases())
def test_no_difference_to_qemu(steps: Path, tmp_path: Path, name: str) -> None:
    """Every step of every public case: the same program, at zero wait states."""
    case = load_case(name)
    blob = tmp_path / "blob"
    blob.write_bytes(case.blob)
    model = TimingModel("cortex-m0plus")
    with CycleCounter(steps, model) as counter:
        assert run_qemu(steps, counter=counter, blob=blob).result == case.checksum
        qemu = counter.counts()
    twin, result, clock = run_twin(steps, model, measure=["ltc_step"], blob=case.blob)
    assert result == case.checksum
    cycles = [call.cycles for call in qemu.of("ltc_step")]
    assert len(cycles) == case.steps
    assert [call.cycles for call in twin.of("ltc_step")] == cycles
    assert twin.functions == qemu.functions
    assert twin.totals.cycles == clock
