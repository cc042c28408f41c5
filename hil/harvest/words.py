"""What a simulated time on harvested power gave, in lines for people and in JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hil.harvest.outcome import Phase

if TYPE_CHECKING:
    from hil.harvest.outcome import HarvestRun


def lines_of(run: HarvestRun) -> list[str]:
    """For a terminal or a report."""
    conditions = run.conditions
    energy = sum(run.energy_uJ.values())
    return [
        (
            f"{run.model_name} on {run.board} (twin), harvesting {conditions.power_uW:g} uW into "
            f"{conditions.capacitor_uF:g} uF, on at {conditions.v_on:g} V, off at {conditions.v_off:g} V, a checkpoint "
            f"every {'step' if run.checkpoint_steps == 1 else f'{run.checkpoint_steps} steps'}"
        ),
        (
            f"{run.inferences_per_hour:.6g} inferences per hour (modelled); "
            f"{'keeps' if run.keeps_up else 'does not keep'} up with recordings of one each {run.elapsed_s:.6g} s"
        ),
        (
            f"in {run.duration_s:.6g} s: {run.boots} boots ({run.per_hour(run.boots):.4g} an hour), {run.cuts} power "
            f"cuts, {run.checkpoints} checkpoints ({run.per_hour(run.checkpoints):.4g} an hour), power for "
            f"{run.awake_s:.4g} s"
        ),
        (
            f"{_steps(run.steps)}, {run.lost} of them lost in the last power cut, and {run.again} more again after one"
            f"; all {run.checked} equal the exact integer model's in every bit of every state and output"
        ),
        (
            f"energy {energy:.6g} uJ, modelled: "
            + ", ".join(f"{phase} {run.share(phase):.1%}" for phase in Phase)
            + "; leakage: none modelled"
        ),
        run.need_words,
        f"currents: {'; '.join(run.sources)}" + (f"; not in them: {', '.join(run.without)}" if run.without else ""),
        *run.notes,
        f"promised: {run.promise_words}: {'kept' if run.holds else 'BROKEN'}",
    ]


def json_of(run: HarvestRun) -> dict[str, Any]:
    """Ready for JSON; ``kind`` is never ``measured``."""
    return {
        "kind": "modelled",
        "model": run.model_name,
        "board": run.board,
        "backend": "twin",
        "conditions": asdict(run.conditions),
        "checkpoint_steps": run.checkpoint_steps,
        "inferences_per_hour": run.inferences_per_hour,
        "keeps_up": run.keeps_up,
        "promised_per_hour": run.wanted_per_hour,
        "holds": run.holds,
        "bits_equal": True,  # a run with any other bit is none
        "duration_s": run.duration_s,
        "awake_s": run.awake_s,
        "steps": run.steps,
        "lost": run.lost,
        "again": run.again,
        "checked": run.checked,
        "boots": run.boots,
        "cuts": run.cuts,
        "checkpoints": run.checkpoints,
        "boots_per_hour": run.per_hour(run.boots),
        "checkpoints_per_hour": run.per_hour(run.checkpoints),
        "energy_uJ": {phase.value: energy for phase, energy in run.energy_uJ.items()},
        "need": {
            "capacitor_uF": run.need.capacitor_uF,
            "charge_uC": run.need.charge_uC,
            "duration_s": run.need.duration_s,
        },
        "is_stuck": run.is_stuck,
        "supply_V": run.supply_V,
        "sources": list(run.sources),
        "without": list(run.without),
        "notes": list(run.notes),
    }


def properties_of(run: HarvestRun) -> dict[str, str | float]:
    """Figures that ride on pytest's reports."""
    return {
        "hil_harvest": (
            f"{run.model_name} on {run.board} (twin), {run.conditions.power_uW:g} uW harvested: "
            f"{run.inferences_per_hour:.6g} inferences per hour, modelled; {run.checked} steps over {run.cuts} power "
            "cuts equal in every bit"
        ),
        "hil_harvest_kind": "modelled",
        "hil_harvest_inferences_per_hour": round(run.inferences_per_hour, 3),
        "hil_harvest_boots_per_hour": round(run.per_hour(run.boots), 3),
        "hil_harvest_cuts": run.cuts,
        "hil_harvest_steps": run.steps,
        "hil_harvest_keeps_up": "yes" if run.keeps_up else "no",
    }


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
