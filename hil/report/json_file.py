"""Results as JSON: one run for scripts, or all outcomes of a pytest run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hil.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from hil.report.tally import Tally
    from hil.result import RunResult

SESSION_FILE = "results.json"


def run_json(result: RunResult) -> dict[str, Any]:
    """A run ready for JSON: ``states`` and ``outputs`` as floats, shaped as the inputs are in the vectors."""
    origin = result.provenance
    return {
        "board": origin.board,
        "backend": origin.backend,
        "backend_version": origin.backend_version,
        "emulated": origin.emulated,
        "firmware": origin.firmware,
        "compiler": origin.compiler,
        "flash": {"bytes_written": origin.flashed.bytes_written, "retries": list(origin.flashed.retries)},
        "model": result.model_name,
        "image": {"digest": result.image_digest, "place": result.image_place},
        "q_formats": result.q_formats,
        "state_bound": result.state_bound,
        "bits_equal": result.bits_equal,
        "max_error": result.max_error,
        "vectors_per_second": result.vectors_per_second,
        "retries": result.retries,
        "cycles": _cycles_json(result),
        "states": result.vectors.shaped(result.states).tolist(),
        "outputs": result.vectors.shaped(result.outputs).tolist(),
    }


def _cycles_json(result: RunResult) -> dict[str, Any]:
    """What counted, and (T,) or (S, T) cycles as the vectors are shaped; null with the reason where nothing did."""
    cycles = result.cycles
    sources = [
        {"source": each.source, "core": cycles.core, "per_step": result.vectors.shaped(each.per_step).tolist()}
        for each in cycles.sources
    ]
    first = sources[0] if sources else {"source": None, "core": cycles.core, "per_step": None}
    return {**first, "reason": cycles.reason or None, "others": sources[1:], "difference": cycles.difference or None}


def session_json(tally: Tally) -> dict[str, Any]:
    """Every outcome of a pytest run with its figures."""
    return {
        "tests": [
            {
                "nodeid": entry.nodeid,
                "outcome": entry.outcome,
                "verdict": entry.verdict or None,
                "message": entry.message or None,
                **{
                    name.removeprefix("hil_"): value
                    for name, value in entry.properties.items()
                    if name != "hil_verdict"
                },
            }
            for entry in tally.entries
        ],
        "not_measured": tally.not_measured,
    }


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a JSON file, making its folder.

    Raises:
        InputError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written", cause=error.strerror) from error
