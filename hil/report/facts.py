"""What there is to tell of one run, in one place: every report picks from it, and names the run the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hil.result import RunResult
    from hil.step_cycles import RunCycles

Facts = dict[str, Any]


def run_facts(result: RunResult) -> Facts:
    """All but cycles, energy, states and outputs: where and with what it ran, and what came of it.

    What results.json tells as well has its name there (docs/report.md); what is not known or not there is empty.
    """
    origin = result.provenance
    return {
        "board": origin.board,
        "backend": origin.backend,
        "backend_version": origin.backend_version,
        "emulated": origin.emulated,
        "where": origin.where,
        "origin": str(origin),
        "reason": origin.reason,
        "probe": origin.probe,
        "link": origin.link,
        "firmware": origin.firmware,
        "compiler": origin.compiler,
        "flags": origin.flags,
        "core": origin.core,
        "flash_bytes_written": origin.flashed.bytes_written,
        "flash_retries": list(origin.flashed.retries),
        "noticed": list(origin.noticed),
        "model": result.model_name,
        "image": result.image_digest,
        "image_place": result.image_place,
        "solver": result.solver,
        "q_formats": result.q_formats,
        "state_bound": result.state_bound,
        "vectors": result.vectors.name,
        "steps": result.steps,
        "bits_equal": result.bits_equal,
        "bits_compared": result.bits_compared,
        "max_error": result.max_error,
        "outputs_error": result.outputs_error,
        "vectors_per_second": result.vectors_per_second,
        "retries": result.retries,
    }


def cycles_facts(cycles: RunCycles) -> Facts:
    """What counted the cycles of a step, and their spread; ``source`` None alone where nothing did."""
    if cycles.measured is None:
        return {"source": None}
    spread = cycles.measured.spread
    return {"source": cycles.measured.source, "min": spread.low, "median": spread.median, "max": spread.high}


def picked(facts: Facts, *names: str) -> Facts:
    """Some of the facts, in this order."""
    return {name: facts[name] for name in names}


def run_title(case: str, vectors: str) -> str:
    """A run in words: its case, and its vectors where they are called otherwise."""
    return case if vectors in {"", case} else f"{case}/{vectors}"
