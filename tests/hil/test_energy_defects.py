"""What changes no bit and no cycle, but what the board draws, is caught by its current and energy alone.

A core that runs faster than it should is not among them: its flash has other wait states, so its cycles tell it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.board_currents import PeripheralCurrent
from hil.case import Current, Energy, load_case
from hil.cycle_promise import check_budget
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.energy.model import CurrentModel
from hil.energy.steps import step_energy
from hil.energy_golden import EnergyFile, Recording
from hil.energy_known import lacking
from hil.energy_promise import check_budgets, check_current, check_energy
from hil.errors import CurrentError, NumericError
from hil.golden_file import Platform
from hil.model import load_model
from hil.promise import judge
from hil.vectors import load_vectors
from tests.hil.defects import Defect, Workshop
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

    from hil.result import RunResult

BOARD = load_board("nucleo-l031")
INVENTED = "invented for a test, of no data sheet"
KNOWN = BOARD.model_copy(
    update={
        "peripheral_currents": tuple(
            PeripheralCurrent(name=name, typical_uA=current, maximum_uA=2 * current, source=INVENTED)
            for name, current in {
                "GPIOA": 5.0,
                "USART2": 40.0,
                "PWR": 3.0,
                "MSI": 20.0,
                "HSI16": 100.0,
                "PLL": 250.0,
                "ADC1": 300.0,
            }.items()
        )
    }
)
"""The board with currents of what is on, none of them true."""

CASE = load_case(REPO / "tests" / "hil" / "tiny_dense.hil.yaml")
VECTORS = CASE.says.vectors[0]
MODEL = load_model(CASE.model_path)
ALL = load_vectors(CASE.vector_paths[0], MODEL)
STEPS = 30
SHORT = replace(
    ALL,
    **{
        name: None if (values := getattr(ALL, name)) is None else values[:, :STEPS]
        for name in ("inputs", "elapsed", "states", "outputs")
    },
)
ANY = 1e6
PORT, CLOCK = "port/stm32l0/port.c", "port/stm32l0/clock.c"
BUSY = Defect("busy wait instead of sleep", PORT, "            interrupts_wait();\n", "            (void)masked;\n")
HIGH = Defect(
    "clock left high",
    CLOCK,
    "    if (!USES_PLL) {\n",
    "    RCC_CFGR |= RCC_CFGR_PLLMUL4 | RCC_CFGR_PLLDIV2;\n    RCC_CR |= RCC_CR_PLLON;\n    if (!USES_PLL) {\n",
)
LEFT_ON = Defect(
    "peripheral left on",
    PORT,
    "    systick_start();\n}\n",
    "    systick_start();\n    RCC_APB2ENR |= 1u << 9; /* ADC1 */\n}\n",
)
OTHER_STEPS = Defect(
    "other steps in a batch",
    "agent/agent.c",
    "error = ltc_step(&agent->net, (const int32_t *)&words[1], words[0], agent->outputs);",
    "error = ltc_step(&agent->net, (const int32_t *)&words[1], words[0] + (batch ? 1u << 20 : 0u),\n"
    "                             agent->outputs);",
)
DEFECTS = {BUSY: "other current than the golden\naverage 1", HIGH: "PLL is on now", LEFT_ON: "ADC1 is on now"}


@dataclass(frozen=True)
class Seen:
    """A run on the board as it is, and the same with invented currents."""

    plain: RunResult
    known: RunResult


def run(root: Path | None, runs: int = 1) -> Seen:
    with open_dut(BOARD, DutOptions(firmware_root=root)) as dut:
        result = dut.run(MODEL, SHORT, check=False, energy_runs=runs)
        current = dut.last_current
    assert hasattr(current, "spans")
    energy = step_energy(CurrentModel.of(KNOWN), current.spans, result.vectors.sequences, result.vectors.steps)
    return Seen(result, replace(result, energy=energy))


@pytest.fixture(scope="module")
def only_l031(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), BOARD)


@pytest.fixture
def l031(only_l031: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """Where defects are planted and built; boards start with empty flash."""
    monkeypatch.setenv("HIL_CACHE_DIR", str(only_l031.cache))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    return only_l031


@pytest.fixture(scope="module")
def sound() -> Seen:
    return run(None, runs=3)


@pytest.fixture(scope="module")
def golden(sound: Seen) -> EnergyFile:
    assert sound.plain.energy.found is not None
    recording = Recording.of(sound.plain.energy.found, firmware="00", image="00", recorded="2026-01-02", hil="0.1")
    return EnergyFile().merged(Platform.of(sound.plain.provenance), {VECTORS: recording}, [VECTORS])


def check(result: RunResult, golden: EnergyFile) -> None:
    check_current(result, Current(average_uA=ANY), golden, VECTORS)
    check_energy(result, Energy(per_step_uJ=ANY), golden, VECTORS)


def check_all_else(result: RunResult, sound: Seen) -> None:
    """Every promise but those of current and energy holds, and each step takes the sound firmware's cycles."""
    for promise in CASE.promises:
        if promise not in {"cycles", "current", "energy"}:
            judge(promise, CASE.says, result)
    assert CASE.says.cycles is not None
    assert result.cycles.measured is not None
    check_budget(result, CASE.says.cycles)
    assert sound.plain.cycles.measured is not None
    assert np.array_equal(result.cycles.measured.per_step, sound.plain.cycles.measured.per_step)


def budget_of(sound: Seen) -> Current:
    """Half a percent more than the sound firmware draws."""
    assert sound.known.energy.found is not None
    average = sound.known.energy.found.average_uA
    assert average is not None
    return Current(average_uA=1.005 * average)


def test_the_sound_firmware_keeps_golden_and_budget(sound: Seen, golden: EnergyFile) -> None:
    again = run(None)
    check(again.plain, golden)
    check_all_else(again.plain, sound)
    check_budgets(again.known, budget_of(sound), None)
    assert lacking("current", again.known) is None
    assert "GPIOA" in str(lacking("current", again.plain))


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_it_is_caught_by_the_current_alone(l031: Workshop, sound: Seen, golden: EnergyFile, defect: Defect) -> None:
    with l031.planted(defect):
        seen = run(l031.root)
    check_all_else(seen.plain, sound)
    with pytest.raises(CurrentError, match=DEFECTS[defect]) as caught:
        check(seen.plain, golden)
    assert caught.value.verdict == "current"
    with pytest.raises(CurrentError, match="the average current is more than promised"):
        check_budgets(seen.known, budget_of(sound), None)


def test_a_run_of_other_steps_than_promised_has_no_energy(l031: Workshop, sound: Seen) -> None:
    with l031.planted(OTHER_STEPS), open_dut(BOARD, DutOptions(firmware_root=l031.root)) as dut:
        result = dut.run(MODEL, SHORT, check=False, energy_runs=1)
    check_all_else(result, sound)
    assert result.energy.found is None
    assert f"the device and the exact integer model differed in {STEPS} of {STEPS} batches" in result.energy.reason
    assert isinstance(result.energy.failure, NumericError)
