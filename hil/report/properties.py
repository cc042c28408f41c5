"""A run's figures as flat properties: they ride on pytest's reports, into JUnit files and between xdist's processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.report.energy import energy_properties
from hil.report.facts import cycles_facts, picked, run_facts

if TYPE_CHECKING:
    from hil.build import Artefact
    from hil.result import RunResult
    from hil.step_cycles import RunCycles

Property = str | int | float | bool

PREFIX = "hil_"

_TOLD: Final = (
    *("board", "backend", "backend_version", "emulated", "where", "origin", "reason", "probe"),
    *("firmware", "compiler", "model", "image", "image_place", "vectors"),
    *("steps", "bits_equal", "bits_compared", "max_error", "vectors_per_second", "retries"),
    *("flash_bytes_written", "flash_retries"),
)


def run_properties(result: RunResult) -> dict[str, Property]:
    """Figures and provenance of a run; the names start with ``hil_``."""
    facts = run_facts(result)
    told = picked(facts, *_TOLD) | {
        "vectors_per_second": round(facts["vectors_per_second"], 1),
        "flash_retries": "; ".join(facts["flash_retries"]),
        "recoveries": len(facts["flash_retries"]),
    }
    if facts["outputs_error"] is not None:
        told["outputs_error"] = facts["outputs_error"]
    if facts["noticed"]:
        told["noticed"] = "; ".join(facts["noticed"])
    return {
        **{PREFIX + name: value for name, value in told.items()},
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
        found |= {f"hil_cycles_{name}": value for name, value in cycles_facts(cycles).items()}
    if cycles.reason:
        found["hil_cycles_missing"] = cycles.reason
    if cycles.difference:
        found["hil_cycles_difference"] = cycles.difference
    return found
