"""What a report shows of one run beside the flat properties: long, so it is told once a run. Ready for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.report.energy import energy_facts
from hil.report.facts import cycles_facts, picked, run_facts
from hil.report.series import series_of
from hil.report.waveform import columns_of, nearby
from hil.step_energy import NOT_ASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.build import Artefact
    from hil.report.waveform import Columns, Waveform
    from hil.result import RunResult
    from hil.step_energy import RunEnergy

CURRENT_COLUMNS: Final = 240


def run_details(result: RunResult, artefact: Artefact) -> dict[str, Any]:
    """Where and with what it ran, its figures, the size of its firmware, and the cycles of its steps.

    Args:
        result: the run.
        artefact: the firmware that ran.

    Returns:
        What ``runs`` of results.json holds of it; docs/report.md has every key.
    """
    facts = run_facts(result)
    return {
        **picked(facts, "board", "backend", "backend_version", "emulated", "where"),
        "reason": facts["reason"] or None,
        "probe": facts["probe"] or None,
        **picked(facts, "link", "firmware", "compiler", "flags", "core", "model", "image", "solver", "vectors"),
        **picked(facts, "steps", "bits_equal", "bits_compared"),
        "max_error": _finite(facts["max_error"]),
        "outputs_error": _finite(facts["outputs_error"]),
        **picked(facts, "retries", "noticed"),
        "size": _size(artefact),
        "cycles": _cycles(result),
        "energy": energy_details(result.energy),
    }


def energy_details(energy: RunEnergy) -> dict[str, Any] | None:
    """Energy of the steps and average current, how they were obtained and what they are without; or why nobody knows.

    None where nobody asked.
    """
    if energy is NOT_ASKED:
        return None
    found = energy.found
    if found is None:
        return {"kind": energy.kind, "reason": energy.reason or None}
    return {
        **energy_facts(found),
        "reason": energy.reason or None,
        "min_uJ": float(found.per_step_uJ.min()),
        "median_uJ": float(np.median(found.per_step_uJ)),
        "max_uJ": float(found.per_step_uJ.max()),
        "per_step_uJ": series_of(found.per_step_uJ),
    }


def current_details(waveform: Waveform) -> list[dict[str, Any]]:
    """A current over time in columns: all of it, and some steps from near where there are many.

    Returns:
        For each: ``begin_s``, ``end_s``, and by column of the same width in time ``low_A``, ``mean_A``, ``high_A``,
        ``maximum_A`` (or None for all) in A, null where it is not known, and ``marked``, its share within steps.
    """
    near = nearby(waveform)
    parts = [(waveform.begin_s, waveform.end_s), *([near] if near is not None else [])]
    return [_columns(columns_of(waveform, CURRENT_COLUMNS, begin_s, end_s)) for begin_s, end_s in parts]


def _columns(columns: Columns) -> dict[str, Any]:
    most = columns.maximum_A
    return {
        "begin_s": float(columns.edges_s[0]),
        "end_s": float(columns.edges_s[-1]),
        "low_A": _short(columns.low_A),
        "mean_A": _short(columns.mean_A),
        "high_A": _short(columns.high_A),
        "maximum_A": None if most is None else _short(most),
        "marked": _short(columns.marked),
    }


def _short(values: NDArray[np.float64]) -> list[float | None]:
    """Five digits of each, which a picture does not need more of."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values.tolist()]


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _size(artefact: Artefact) -> dict[str, int] | None:
    """Flash and RAM of the firmware in bytes, and what there is of either; None for a process on this computer."""
    if artefact.hex is None:
        return None
    names = ("flash_bytes", "flash_limit", "ram_bytes", "ram_limit", "stack_bytes", "stack_limit", "ltc_text_bytes")
    return {name: getattr(artefact, name) for name in names}


def _cycles(result: RunResult) -> dict[str, Any]:
    measured = result.cycles.measured
    steps = {} if measured is None else {"per_step": series_of(measured.per_step)}
    return {**cycles_facts(result.cycles), "reason": result.cycles.reason or None, **steps}
