"""Budgets of current and energy and the golden beside them, judged against a run: pure.

A figure that an instrument has measured may be off. A budget is kept where it is not exceeded even if the figure is off
by all of that, and broken where it is exceeded in any case. In between the instrument cannot tell, which is no pass.

Against a golden of the same unit in the same ranges an error of its gain cancels: what is left is where windows are
cut, and the spread that was seen when the golden was recorded. Against that of another unit both accuracies count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.energy_golden import recording_name
from hil.energy_known import lacking, not_known, owed
from hil.errors import CurrentError
from hil.verdict import EQUAL, Finding, Held, changed_since, look_up, place_of_step, who_ran

if TYPE_CHECKING:
    from hil.case import Current, Energy
    from hil.energy_golden import EnergyFile, Recording
    from hil.result import RunResult
    from hil.step_energy import Energies, StepEnergy

ROUNDING: Final = 1e-6
"""Share by which two modelled figures may differ as a golden keeps seven digits."""

HOST: Final = 1e-3
"""Share by which two averages may differ in any case: the core's idle time depends on when the host's bytes come."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """A promised figure of a run: its average current, or the energy of each of its steps.

    Attributes:
        noun: the promise: ``current`` or ``energy``.
        unit: of the figures, as a case file's key has it.
        values: (N,) figures; one for an average.
        uncertainty: (N,) by how much each may be off.
        maximum: (N,) by the data sheet's maxima; None where they are not known, or it was measured.
        repeats: share by which another run may differ.
        found: what they are of.
    """

    noun: str
    unit: str
    values: Energies
    uncertainty: Energies
    maximum: Energies | None
    repeats: float
    found: StepEnergy

    @property
    def worst(self) -> int:
        """The place of the largest figure."""
        return int(self.values.argmax())

    @property
    def figures(self) -> str:
        """The largest figure with its range, for people: what it rests on is said beside it."""
        return f"{self.one(self.worst)} {'on average' if self.noun == 'current' else 'in the costliest step'}"

    def one(self, place: int) -> str:
        """A figure with its range."""
        value = f"{self.values[place]:.4g}"
        if self.found.kind != "modelled":
            return f"{value} ± {self.uncertainty[place]:.2g} {self.unit}"
        if self.maximum is None:
            return f"{value} {self.unit} (typical, maximum unknown)"
        return f"{value} to {self.maximum[place]:.4g} {self.unit} (typical to maximum)"


def average_of(found: StepEnergy) -> Quantity | None:
    """The average current of a run; None where its source cannot tell."""
    if found.average_uA is None:
        return None
    maximum = None if found.maximum_average_uA is None else np.array([found.maximum_average_uA])
    uncertainty = np.array([found.average_uncertainty_uA])
    average = np.array([found.average_uA])
    return Quantity("current", "µA", average, uncertainty, maximum, found.repeats.average, found)


def steps_of(found: StepEnergy) -> Quantity:
    """The energy of each step of a run."""
    values, uncertainty = found.per_step_uJ.ravel(), found.uncertainty_uJ.ravel()
    maximum = None if found.maximum_uJ is None else found.maximum_uJ.ravel()
    return Quantity("energy", "µJ", values, uncertainty, maximum, found.repeats.step, found)


def check_current(
    result: RunResult, promised: Current, golden: EnergyFile, vectors: str, *, strict: bool = False
) -> Held:
    """The average current is within the budget, and what was recorded.

    Args:
        result: the run.
        promised: the budget.
        golden: what was recorded for the case.
        vectors: name of the vectors, as the case has it.
        strict: a golden that is there for other compilers only does not do.

    Raises:
        CurrentError: saying how the promise is broken, that nobody can tell, or that nothing was recorded.
    """
    quantity = _require("current", result, golden, vectors)
    return _check(result, quantity, promised.average_uA, golden, vectors, strict=strict)


def check_energy(
    result: RunResult, promised: Energy, golden: EnergyFile, vectors: str, *, strict: bool = False
) -> Held:
    """The energy of every step is within the budget, and what was recorded. Arguments and errors as above."""
    quantity = _require("energy", result, golden, vectors)
    return _check(result, quantity, promised.per_step_uJ, golden, vectors, strict=strict)


def check_budgets(result: RunResult, current: Current | None, energy: Energy | None) -> None:
    """Current and energy are within what is promised of them.

    Raises:
        CurrentError: they are not, nobody can tell, or they are not known.
    """
    if current is not None:
        _check_budget(result, _require("current", result), current.average_uA)
    if energy is not None:
        _check_budget(result, _require("energy", result), energy.per_step_uJ)


def _require(noun: str, result: RunResult, golden: EnergyFile | None = None, vectors: str = "") -> Quantity:
    why, found = not_known(noun, result), result.energy.found
    quantity = None if why is not None or found is None else average_of(found) if noun == "current" else steps_of(found)
    if quantity is not None:
        return quantity
    recording = owed(noun, result, golden, vectors) if golden is not None else None
    if recording is None:
        raise CurrentError(f"{who_ran(result)}: {why}")
    then = f"an average of {recording.average_uA:.4g} µA" if noun == "current" else "the energy of each step"
    raise CurrentError(
        f"{who_ran(result)}: {why}; the golden of {vectors} has {then}",
        cause=_changed(result, recording),
        hint="look for what the chip does now and did not; what is meant needs a current in the board's file",
    )


def _changed(result: RunResult, recording: Recording) -> str:
    return changed_since(result, recorded=recording.recorded, firmware=recording.firmware, image=recording.image)


def _check(
    result: RunResult, quantity: Quantity, budget: float, golden: EnergyFile, vectors: str, *, strict: bool
) -> Held:
    beyond = _check_budget(result, quantity, budget)
    rests_on = "; ".join([*beyond, *([lacking(quantity.noun, result) or ""] if quantity.found.without else [])])
    how = quantity.found.how
    vectors = recording_name(vectors, result.provenance.link)
    found = look_up(golden, result, vectors, Finding(quantity.noun, quantity.figures, CurrentError), strict=strict)
    if isinstance(found, Held):
        return Held(f"{how}, {found.words}", "; ".join(each for each in (found.sentence, rests_on) if each))
    tolerance = _compare(result, quantity, found, vectors)
    within = f" within {tolerance:.2g} of it" if tolerance > ROUNDING else ""
    sentence = f"{quantity.figures}, {quantity.found.source}; {EQUAL} of {found.recorded}{within}"
    return Held(f"{how}, {EQUAL}", "; ".join(each for each in (sentence, rests_on) if each))


def _check_budget(result: RunResult, quantity: Quantity, budget: float) -> list[str]:
    """What is to be said though the budget is kept.

    Raises:
        CurrentError: it is not, or nobody can tell.
    """
    over = quantity.values - quantity.uncertainty > budget
    place = int(np.argmax(quantity.values + quantity.uncertainty))
    steps = quantity.noun == "energy"
    where = f", at {place_of_step(result, place)}" if steps else ""
    what = f"{quantity.one(place)}{where}, budget {budget:.6g} {quantity.unit}"
    cause = f"{quantity.found.how}, {quantity.found.source}"
    if over.any():
        many = f"{int(over.sum())} of {over.size} steps take more energy than promised: " if steps else ""
        raise CurrentError(
            f"{who_ran(result)}: {many or 'the average current is more than promised: '}{what}",
            cause=cause,
            hint="'hil profile' shows where the cycles go; look for what is on or awake and need not be",
        )
    if (quantity.values + quantity.uncertainty > budget).any():
        raise CurrentError(
            f"{who_ran(result)}: the instrument cannot tell whether the {quantity.noun} is within the budget: {what}",
            cause=cause,
            hint="promise more, or measure with an instrument that is more accurate in this range",
        )
    if quantity.maximum is not None and (quantity.maximum > budget).any():
        return [f"typical within the budget of {budget:.6g} {quantity.unit}, by the data sheet's maxima above it"]
    return []


def _compare(result: RunResult, quantity: Quantity, recording: Recording, vectors: str) -> float:
    """Hold a run against what was recorded; returns the share by which the two may differ.

    Raises:
        CurrentError: they differ by more, or are of two kinds.
    """
    who, found = who_ran(result), quantity.found
    origin = _changed(result, recording)
    anew = "record anew with --hil-update-golden"
    if recording.kind != found.kind or (found.kind == "modelled" and recording.source != found.source):
        raise CurrentError(
            f"{who}: the golden of {vectors} was {recording.kind} by '{recording.source}', this run {found.kind} by "
            f"'{found.source}'",
            hint=f"{quantity.noun} of two sources is not compared; {anew}",
        )
    _check_supply(result, recording, vectors)
    _check_without(result, recording, origin)
    if quantity.noun == "current" and recording.batch != found.batch:
        raise CurrentError(
            f"{who}: the golden of {vectors} is the average of steps in batches of {recording.batch}, this run's in "
            f"batches of {found.batch}: between batches the board draws another current",
            hint=anew,
        )
    golden = _recorded(quantity.noun, recording)
    if not len(golden):
        raise CurrentError(f"{who}: the golden of {vectors} has no average current", hint=anew)
    if golden.shape != quantity.values.shape or _rows(recording) != found.per_step_uJ.shape:
        rows, steps = _rows(recording)
        raise CurrentError(
            f"{who}: the golden of {vectors} has {rows} sequences of {steps} steps, the vectors have "
            f"{found.per_step_uJ.shape[0]} of {found.per_step_uJ.shape[1]}",
            hint=f"the vectors are others than were recorded; {anew}",
        )
    tolerance = _tolerance(quantity, recording)
    wrong = np.flatnonzero(np.abs(quantity.values - golden) > tolerance * np.abs(golden))
    if len(wrong):
        raise CurrentError(
            f"{who}: other {quantity.noun} than the golden\n{_difference(result, quantity, golden, wrong, tolerance)}",
            cause=origin,
            hint="look for what is on or awake now and was not; --hil-update-golden records a change that is meant",
        )
    return tolerance


def _check_supply(result: RunResult, recording: Recording, vectors: str) -> None:
    found = result.energy.found
    if found is not None and abs(found.supply_V - recording.supply_V) > ROUNDING * recording.supply_V:
        raise CurrentError(
            f"{who_ran(result)}: the golden of {vectors} is at a supply of {recording.supply_V:g} V, this run at "
            f"{found.supply_V:g} V",
            hint="supply the board as then, or record anew with --hil-update-golden",
        )


def _check_without(result: RunResult, recording: Recording, origin: str) -> None:
    """What is on whose current nobody knows must be what was on then."""
    found = result.energy.found
    now, then = set(found.without if found is not None else ()), set(recording.without)
    if now == then:
        return
    words = [
        f"{', '.join(sorted(names))} {'is' if len(names) == 1 else 'are'} {verb}"
        for names, verb in (
            (now - then, "on now, and not in the golden"),
            (then - now, "off now, and on in the golden"),
        )
        if names
    ]
    raise CurrentError(
        f"{who_ran(result)}: another peripheral draws current than when the golden was recorded: {'; '.join(words)}; "
        "nobody could look up how much",
        cause=origin,
        hint="switch it off, or record a change that is meant with --hil-update-golden",
    )


def _recorded(noun: str, recording: Recording) -> Energies:
    if noun == "current":
        return np.array([recording.average_uA] if recording.average_uA is not None else [], np.float64)
    return np.array([value for row in recording.per_step_uJ for value in row], np.float64)


def _rows(recording: Recording) -> tuple[int, int]:
    return len(recording.per_step_uJ), max(len(row) for row in recording.per_step_uJ)


def _tolerance(quantity: Quantity, recording: Recording) -> float:
    """Share by which a figure may differ from the golden."""
    average = quantity.noun == "current"
    least = HOST if average else ROUNDING
    then = recording.average_repeats if average else recording.step_repeats
    instrument = quantity.found.instrument
    if instrument is None or (instrument.is_known and instrument == recording.instrument):
        return then + quantity.repeats + least
    off = float(np.max(quantity.uncertainty / np.maximum(np.abs(quantity.values), 1e-12)))
    return off + (recording.average_uncertainty if average else recording.step_uncertainty) + then + least


def _difference(result: RunResult, quantity: Quantity, golden: Energies, wrong: np.ndarray, tolerance: float) -> str:
    first = int(wrong[0])
    old, new = float(golden[first]), float(quantity.values[first])
    by = f" ({(new - old) / old:+.2%})" if old else ""
    change = f"{old:.5g} -> {new:.5g} {quantity.unit}{by}"
    allowed = f", allowed {tolerance:.2%}" if tolerance > ROUNDING else ""
    if quantity.noun == "current":
        return f"average {change}{allowed}"
    return f"{len(wrong)} of {len(golden)} steps differ, first at {place_of_step(result, first)}: {change}{allowed}"
