"""What a run says nothing of, its current or the energy of its steps, and whether a golden owes it: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.energy_golden import recording_name
from hil.golden_file import Platform
from hil.step_energy import NO_AVERAGE

if TYPE_CHECKING:
    from hil.energy_golden import EnergyFile, Recording
    from hil.result import RunResult


def not_known(noun: str, result: RunResult) -> str | None:
    """Why a run says nothing about ``current`` or ``energy``; None where it does."""
    found = result.energy.found
    if found is None:
        return f"{noun} not measured: {result.energy.reason}"
    if noun == "current" and found.average_uA is None:
        why = [note.removeprefix(NO_AVERAGE) for note in found.notes if note.startswith(NO_AVERAGE)]
        return f"current not measured: {'; '.join(why) or found.source + ' tells the energy of steps alone'}"
    return None


def owed(noun: str, result: RunResult, golden: EnergyFile, vectors: str) -> Recording | None:
    """What was recorded on this platform, by the source that looked at this run too: it can tell, so a run must say it.

    None where nothing was, or where that source could not look at this run: nobody named the analyzer, say.
    """
    recording = golden.find(Platform.of(result.provenance), recording_name(vectors, result.provenance.link))
    if recording is None or recording.source != result.energy.source:
        return None
    return None if noun == "current" and recording.average_uA is None else recording


def lacking(noun: str, result: RunResult) -> str | None:
    """Why a model does not do where nothing may be left out; None for one that leaves out nothing, or a measurement."""
    found = result.energy.found
    if found is None or not found.without:
        return None
    return (
        f"{noun} is modelled without {', '.join(found.without)}, as nobody could look up what "
        f"{'they draw' if len(found.without) > 1 else 'it draws'}"
    )
