"""A run's figures as flat properties: they ride on pytest's reports, into JUnit files and between xdist's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.report.energy import energy_properties

if TYPE_CHECKING:
    from hil.build import Artefact
    from hil.result import RunResult
    from hil.step_cycles import RunCycles

Property = str | int | float | bool

PREFIX = "hil_"


def run_properties(result: RunResult) -> dict[str, Property]:
    """Figures and provenance of a run; the names start with ``hil_``."""
    origin = result.provenance
    return {
        "hil_board": origin.board,
        "hil_backend": origin.backend,
        "hil_backend_version": origin.backend_version,
        "hil_emulated": origin.emulated,
        "hil_where": origin.where,
        "hil_origin": str(origin),
        "hil_reason": origin.reason,
        "hil_probe": origin.probe,
        "hil_firmware": origin.firmware,
        "hil_compiler": origin.compiler,
        "hil_model": result.model_name,
        "hil_image": result.image_digest,
        "hil_image_place": result.image_place,
        "hil_vectors": result.vectors.name,
        "hil_steps": result.steps,
        "hil_bits_equal": result.bits_equal,
        "hil_bits_compared": result.bits_compared,
        "hil_max_error": result.max_error,
        **({} if result.outputs_error is None else {"hil_outputs_error": result.outputs_error}),
        "hil_vectors_per_second": round(result.vectors_per_second, 1),
        "hil_retries": result.retries,
        "hil_flash_bytes_written": origin.flashed.bytes_written,
        "hil_flash_retries": "; ".join(origin.flashed.retries),
        "hil_recoveries": len(origin.flashed.retries),
        **({"hil_noticed": "; ".join(origin.noticed)} if origin.noticed else {}),
        **cycles_properties(result.cycles),
        **energy_properties(result.energy),
    }


def size_properties(artefact: Artefact) -> dict[str, Property]:
    """Flash and RAM that the firmware takes, in bytes; nothing for a process on this computer."""
    if artefact.hex is None:
        return {}
    return {"hil_firmware_flash_bytes": artefact.flash_bytes, "hil_firmware_ram_bytes": artefact.ram_bytes}


def cycles_properties(cycles: RunCycles) -> dict[str, Property]:
    """Cycles a step in figures, what counted them, and what did not and why."""
    found: dict[str, Property] = {"hil_core": cycles.core}
    if cycles.measured is not None:
        spread = cycles.measured.spread
        found |= {
            "hil_cycles_source": cycles.measured.source,
            "hil_cycles_min": spread.low,
            "hil_cycles_median": spread.median,
            "hil_cycles_max": spread.high,
        }
    if cycles.reason:
        found["hil_cycles_missing"] = cycles.reason
    if cycles.difference:
        found["hil_cycles_difference"] = cycles.difference
    return found
