"""Results as JSON: one run for scripts, or all outcomes of a pytest run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hil.errors import InputError
from hil.report.energy import energy_json
from hil.report.facts import picked, run_facts
from hil.whole_file import check_writable, forget_file, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hil.report.tally import Tally
    from hil.result import RunResult

SESSION_FILE = "results.json"
PAGE_FILE = "report.html"
SESSION_FORMAT = "hil results"
SESSION_VERSION = 1


def run_json(result: RunResult) -> dict[str, Any]:
    """A run ready for JSON: ``states`` and ``outputs`` as floats, shaped as the inputs are in the vectors."""
    facts = run_facts(result)
    return {
        **picked(facts, "board", "backend", "backend_version", "emulated", "firmware", "compiler"),
        "flash": {"bytes_written": facts["flash_bytes_written"], "retries": facts["flash_retries"]},
        **picked(facts, "noticed", "model", "solver"),
        "image": {"digest": facts["image"], "place": facts["image_place"]},
        **picked(facts, "q_formats", "state_bound", "bits_equal", "max_error", "outputs_error"),
        **picked(facts, "vectors_per_second", "retries"),
        "cycles": _cycles_json(result),
        "energy": energy_json(result),
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
    """Every outcome of a pytest run with its figures; docs/report.md says what is in it."""
    return {
        "format": SESSION_FORMAT,
        "version": SESSION_VERSION,
        "tests": [
            {
                "nodeid": entry.nodeid,
                "outcome": entry.outcome,
                "verdict": entry.verdict or None,
                "message": entry.message or None,
                "text": entry.text or None,
                "quarantine": entry.quarantine or None,
                "run": entry.run or None,
                "difference": entry.difference,
                **entry.subject,
                **{
                    name.removeprefix("hil_"): value
                    for name, value in entry.properties.items()
                    if name != "hil_verdict"
                },
            }
            for entry in tally.entries
        ],
        "runs": tally.details,
        "not_measured": tally.not_measured,
        "uncollected": tally.uncollected,
    }


def prepare_json(path: Path, *, reads: Iterable[Path] = ()) -> None:
    """Make the folder of a JSON file, see that the file can be put there, and remove an older one.

    That is before the run: whoever reads the file afterwards finds this run's result or none, never an old verdict.

    Args:
        path: the file.
        reads: what the run is made of, which must not be taken away.

    Raises:
        InputError: it cannot, or the file is one of those.
    """
    if any(path.exists() and each.exists() and path.samefile(each) for each in reads):
        raise InputError(f"--json {path} is a file that the run reads", hint="name another file for the result")
    check_writable(path)
    forget_file(path)


def write_json(path: Path, data: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Write a JSON file, making its folder; whoever reads it sees all of it, or what was there before.

    Raises:
        InputError: if it cannot be written.
    """
    text = json.dumps(data, indent=1, allow_nan=False) + "\n"
    write_whole(path, text.encode())
