"""Energies of a run as a test wants them, without any instrument or emulator."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hil.energy_golden import EnergyFile, Recording
from hil.golden_file import Platform
from hil.step_energy import Instrument, Repeats, RunEnergy, StepEnergy
from tests.results import ORIGIN, result_with

if TYPE_CHECKING:
    from hil.result import RunResult

STEPS = [[1.0, 1.1, 1.2], [1.0, 1.1, 1.3]]
UNIT = Instrument("PPK2", "A1", (3,))


def modelled(per_step: list[list[float]] = STEPS, **changes: object) -> StepEnergy:
    """Modelled, typical, nothing left out."""
    steps = np.array(per_step)
    found = StepEnergy(
        kind="modelled",
        source="model of a data sheet",
        per_step_uJ=steps,
        uncertainty_uJ=np.zeros_like(steps),
        maximum_uJ=None,
        average_uA=900.0,
        average_uncertainty_uA=0.0,
        maximum_average_uA=None,
        supply_V=3.0,
        duration_s=0.5,
        shares={"run": 0.25, "sleep": 0.75},
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def measured(per_step: list[list[float]] = STEPS, *, off: float = 0.1, **changes: object) -> StepEnergy:
    """By a PPK2 of which steps and average are off by a share at most."""
    found = modelled(
        per_step,
        kind="measured",
        source="PPK2 A1",
        uncertainty_uJ=off * np.array(per_step),
        average_uncertainty_uA=off * 900.0,
        instrument=UNIT,
        repeats=Repeats(1, 0.01, 0.002),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def run_with(found: StepEnergy | None, missing: tuple[str, ...] = (), silent: str = "", **changes: object) -> RunResult:
    """A sound result with this energy."""
    cycles = [[1] * 3] * 2 if found is None else np.ones(found.per_step_uJ.shape, int).tolist()
    return result_with(cycles, energy=RunEnergy(found, missing, silent), **changes)


def golden_of(found: StepEnergy, **changes: object) -> EnergyFile:
    """A golden with what was found as the recording of vectors ``v``."""
    recording = Recording.of(found, firmware="00ff", image="abc", recorded="2026-01-02", hil="0.1")
    return EnergyFile().merged(Platform.of(ORIGIN), {"v": recording.model_copy(update=changes)}, ["v"])
