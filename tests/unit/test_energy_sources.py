"""What tells the energy of a run, and why what could does not; a run that is not the vectors' own tells none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hil.board import load_board
from hil.dut.analyzer import check_meter
from hil.dut.energy import EnergyMeter
from hil.dut.energy_run import refused, why_wrong
from hil.dut.modelled import Modeller
from hil.dut.selection import Selection
from hil.emulator.machine import MachineError
from hil.errors import InputError, NumericError, RigError
from hil.link.batch_job import BatchResult
from hil.step_cycles import RunCycles, StepCycles
from hil.step_energy import NOT_ASKED

BOARD, HOST = load_board("nucleo-l031"), load_board("host")
TWIN = Selection("twin", emulated=True)
SILICON = Selection("hardware", emulated=False, probe="0672FF", port="/dev/x")
UNCOUNTED = RunCycles("cortex-m0plus", missing=("model: no gcc",))
COUNTED = RunCycles("cortex-m0plus", (StepCycles("model: x", np.array([[16_000, 32_000]])),))
ON_PPK2 = "ppk2:/dev/ttyACM0?voltage=3.0"


class Silent:
    """An emulator that does not tell what its chip does."""

    def record_activity(self, *, on: bool) -> None:
        raise MachineError(f"QEMU does not tell ({on})")

    def take_activity(self) -> None:
        raise AssertionError


def reason(board: object, selection: Selection, machine: object = None, cycles: RunCycles = UNCOUNTED) -> str:
    energy = EnergyMeter(board, selection, None, machine).of_run(None, None, cycles, runs=1)
    assert energy.found is None
    assert energy.kind == "unknown"
    return energy.reason


def test_each_source_that_says_nothing_says_why() -> None:
    where = "no current source on board 'nucleo-l031': "
    assert reason(BOARD, SILICON) == where + "no analyzer was named with --meter"
    assert reason(BOARD, TWIN) == where + "the emulated board was powered by another process, which records nothing"
    assert "a process of this computer draws no current" in reason(HOST, Selection("native", emulated=True))
    assert reason(BOARD, TWIN, Silent()) == where + "QEMU does not tell (True); its cycles are not known: model: no gcc"
    assert EnergyMeter(BOARD, SILICON, None, None).of_run(None, None, UNCOUNTED, runs=0) is NOT_ASKED


def test_where_an_emulator_tells_no_more_a_step_is_its_cycles() -> None:
    energy = Modeller(BOARD, Silent()).measure(None, None, COUNTED, 2)
    assert energy.found is not None
    assert np.allclose(energy.found.per_step_uJ, [[3.648, 7.296]])  # 1 and 2 ms at 1216 µA and 3 V
    assert energy.found.average_uA is None
    assert energy.kind == "modelled"
    assert energy.found.repeats.runs == 2


def test_what_is_not_real_is_not_measured() -> None:
    check_meter(BOARD, TWIN, None)
    check_meter(BOARD, SILICON, ON_PPK2)
    check_meter(BOARD, TWIN, f"{ON_PPK2}&simulated=yes")
    with pytest.raises(InputError, match="names a current analyzer, but board 'nucleo-l031' is emulated"):
        check_meter(BOARD, TWIN, ON_PPK2)
    with pytest.raises(InputError, match="is a simulated analyzer, which does not measure what board"):
        check_meter(BOARD, SILICON, f"{ON_PPK2}&simulated=yes")
    with pytest.raises(RigError, match="option 'simulated' is 'maybe'"):
        check_meter(BOARD, SILICON, f"{ON_PPK2}&simulated=maybe")


def test_a_run_that_computed_something_else_or_twice_tells_no_energy() -> None:
    rng = np.random.default_rng(1)
    states = rng.integers(-9, 9, (2, 5, 3)).astype(np.int32)
    outputs = rng.integers(-9, 9, (2, 5, 1)).astype(np.int32)
    work = SimpleNamespace(golden_states=states, golden_outputs=outputs)
    ends = [1, 4]

    def result(*, retries: int = 0, states_off: int = 0, outputs_off: int = 0) -> BatchResult:
        got = states[:, ends].reshape(4, 3).copy(), outputs[:, ends].reshape(4, 1).copy()
        got[0][3, 1] += states_off
        got[1][2, 0] += outputs_off
        return BatchResult(*got, retries)

    assert why_wrong(result(), work, (2, 3)) == ""
    assert why_wrong(BatchResult(states[0, ends], outputs[0, ends], 0), work, (2, 3)) == ""
    assert "the link needed 2 repairs" in why_wrong(result(retries=2), work, (2, 3))
    assert "differed in 1 of 4 batches, first in batch 1 of sequence 1" in why_wrong(result(states_off=1), work, (2, 3))
    assert "first in batch 0 of sequence 1" in why_wrong(result(outputs_off=1), work, (2, 3))
    assert refused(result(), work, (2, 3), "x") is None
    for bad, failure in ((result(states_off=1), NumericError), (result(retries=2, states_off=1), type(None))):
        energy = refused(bad, work, (2, 3), "x")
        assert energy is not None
        assert energy.found is None
        assert isinstance(energy.failure, failure)
