"""Current and energy of a run, for every report: as JSON, as flat properties, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hil.energy_promise import average_of, steps_of
from hil.step_energy import NOT_ASKED

if TYPE_CHECKING:
    from hil.result import RunResult
    from hil.step_energy import Energies, RunEnergy, StepEnergy


def energy_json(result: RunResult) -> dict[str, Any]:
    """How it was obtained, and (T,) or (S, T) figures as the vectors are shaped; null with the reason where not."""
    energy = result.energy
    found = energy.found
    if found is None:
        return {"kind": energy.kind, "per_step_uJ": None, "average_uA": None, "reason": energy.reason}

    def shaped(steps: Energies) -> Any:
        return result.vectors.shaped(steps).tolist()

    return {
        **energy_facts(found),
        "per_step_uJ": shaped(found.per_step_uJ),
        "uncertainty_uJ": shaped(found.uncertainty_uJ),
        "maximum_uJ": None if found.maximum_uJ is None else shaped(found.maximum_uJ),
        "duration_s": found.duration_s,
        "notes": list(found.notes),
        "reason": energy.reason or None,
    }


def energy_facts(found: StepEnergy) -> dict[str, Any]:
    """What every JSON says of it: how it was obtained, the average current, and what the figures rest on."""
    return {
        "kind": found.kind,
        "how": found.how,
        "source": found.source,
        "average_uA": found.average_uA,
        "average_uncertainty_uA": found.average_uncertainty_uA,
        "maximum_average_uA": found.maximum_average_uA,
        "supply_V": found.supply_V,
        "shares": dict(found.shares),
        "without": list(found.without),
        "batch": found.batch,
    }


def energy_properties(energy: RunEnergy) -> dict[str, str | int | float | bool]:
    """Average current and energy a step in figures, how they were obtained, or why they are not known."""
    if energy is NOT_ASKED:
        return {}
    found = energy.found
    if found is None:
        return {"hil_energy_kind": energy.kind, "hil_energy_missing": energy.reason}
    steps, average = steps_of(found), average_of(found)
    return {
        "hil_energy_kind": energy.kind,
        "hil_energy_how": found.how,
        "hil_energy_source": found.source,
        "hil_energy_min_uJ": float(steps.values.min()),
        "hil_energy_median_uJ": float(np.median(steps.values)),
        "hil_energy_max_uJ": float(steps.values.max()),
        "hil_energy_words": steps.one(steps.worst),
        "hil_supply_V": found.supply_V,
        **(
            {}
            if average is None or found.average_uA is None
            else {"hil_average_uA": found.average_uA, "hil_average_words": average.one(0)}
        ),
        **({"hil_energy_without": ", ".join(found.without)} if found.without else {}),
        **({"hil_energy_missing": energy.reason} if energy.reason else {}),
    }


def energy_sentences(energy: RunEnergy) -> list[str]:
    """Average current and energy of the costliest step, how they were obtained, and what is not in them."""
    found = energy.found
    if found is None:
        return [] if energy is NOT_ASKED else [f"energy not measured: {energy.reason}"]
    average = average_of(found)
    where = f"{found.how} at {found.supply_V:g} V, {found.source}"
    lines = [f"average current: {average.one(0)}, {where}"] if average is not None else []
    lines.append(
        f"energy of the costliest step: {steps_of(found).figures.removesuffix(' in the costliest step')}, {where}"
    )
    if found.shares:
        lines.append("time: " + ", ".join(f"{share:.1%} {state}" for state, share in found.shares.items()))
    if found.without:
        lines.append(f"not in it, as nobody could look up its current: {', '.join(found.without)}")
    return [*lines, *(f"note: {note}" for note in found.notes)]
