"""Recorded current and energy of a case (``NAME.energy.json``): of every step and on average, and what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field

from hil import golden_file
from hil.golden_file import Strict, golden_beside, read_golden
from hil.step_energy import Instrument

if TYPE_CHECKING:
    from pathlib import Path

    from hil.step_energy import StepEnergy

SUFFIX = ".energy.json"
DIGITS = 7
"""Significant digits that are kept: more than any instrument has, and than rounding leaves alone."""

Figure = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Signed = Annotated[float, Field(allow_inf_nan=False, strict=True)]  # as an instrument reads next to nothing
Sequence = Annotated[tuple[Signed, ...], Field(min_length=1)]


class Unit(Strict):
    """The instrument that measured."""

    name: str
    serial: str
    ranges: tuple[int, ...]


class Recording(Strict):
    """What was recorded of one vectors file, and where it comes from.

    Attributes:
        kind: how it was obtained, as of `StepEnergy`.
        source: which instrument or model.
        unit: which instrument; None where it was modelled.
        without: what was on, and is not in it.
        supply_V: at which supply.
        batch: steps in one window of the marker.
        runs: from how many it was made.
        step_repeats: share by which a step's energy may differ in another run on this unit in these ranges.
        average_repeats: the same of the average current.
        step_uncertainty: share by which a step's energy may be off altogether.
        average_uncertainty: the same of the average current.
        average_uA: average current; None where the source cannot tell.
        rests_on: sentences for people: rows of the data sheet, or how it was measured; not compared.
        per_step_uJ: energy of each step of each sequence.
    """

    kind: Literal["measured", "modelled", "simulated"]
    source: str
    unit: Unit | None
    without: tuple[str, ...]
    supply_V: Figure
    batch: Annotated[int, Field(ge=1, strict=True)]
    runs: Annotated[int, Field(ge=1, strict=True)]
    step_repeats: Figure
    average_repeats: Figure
    step_uncertainty: Figure
    average_uncertainty: Figure
    firmware: str
    image: str
    recorded: str
    hil: str
    rests_on: tuple[str, ...]
    average_uA: Signed | None
    per_step_uJ: Annotated[tuple[Sequence, ...], Field(min_length=1)]

    @classmethod
    def of(cls, found: StepEnergy, *, firmware: str, image: str, recorded: str, hil: str) -> Self:
        """What a run found, from the firmware and model image with these digests, on a day, by a version of hil."""
        unit = found.instrument
        steps = found.per_step_uJ
        step_uncertainty = float((found.uncertainty_uJ / np.maximum(np.abs(steps), 1e-12)).max())
        average = found.average_uA
        return cls(
            kind=found.kind,
            source=found.source,
            unit=None if unit is None else Unit(name=unit.name, serial=unit.serial, ranges=unit.ranges),
            without=tuple(sorted(found.without)),
            supply_V=found.supply_V,
            batch=found.batch,
            runs=found.repeats.runs,
            step_repeats=_kept(found.repeats.step),
            average_repeats=_kept(found.repeats.average),
            step_uncertainty=_kept(step_uncertainty),
            average_uncertainty=_kept(found.average_uncertainty_uA / abs(average)) if average else 0.0,
            firmware=firmware,
            image=image,
            recorded=recorded,
            hil=hil,
            rests_on=found.notes,
            average_uA=None if average is None else _kept(average),
            per_step_uJ=tuple(tuple(_kept(float(value)) for value in row) for row in steps),
        )

    @property
    def instrument(self) -> Instrument | None:
        """What measured it."""
        return None if self.unit is None else Instrument(self.unit.name, self.unit.serial, self.unit.ranges)


Entry = golden_file.Entry[Recording]


class EnergyFile(golden_file.Goldens[Recording]):
    """Everything that was recorded for one case."""

    format: Literal["hil energy"] = "hil energy"
    version: Literal[1] = 1


def recording_name(vectors: str, link: str) -> str:
    """What a recording of vectors is called: what a board draws between steps depends on the link."""
    return vectors if link == "uart" else f"{vectors} over {link.upper()}"


def energy_path(case: Path) -> Path:
    """Where the golden of a case file is: beside it."""
    return golden_beside(case, SUFFIX)


def load_energy(path: Path) -> EnergyFile:
    """Read a golden file; an absent one is empty.

    Raises:
        InputError: it is damaged, ambiguous, or of another version.
    """
    return read_golden(path, EnergyFile)


def _kept(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
