"""A budget of cycles and the golden beside it, judged against a run: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.cycle_golden import Platform
from hil.errors import CyclesError
from hil.step_cycles import MODEL, Spread

if TYPE_CHECKING:
    from hil.case import Cycles
    from hil.cycle_golden import GoldenFile, Recording
    from hil.result import RunResult
    from hil.step_cycles import Counts, StepCycles

EQUAL = "equal to the golden"
NO_GOLDEN = "no golden for this compiler, budget asserted"


@dataclass(frozen=True)
class Held:
    """How a promise of cycles holds: in a few words that are the same for every run, and in a sentence."""

    words: str
    sentence: str


def check_cycles(
    result: RunResult, promised: Cycles, golden: GoldenFile, vectors: str, *, strict: bool = False
) -> Held:
    """Every step is within the budget, and takes what was recorded.

    Args:
        result: a run whose cycles were measured.
        promised: the budget.
        golden: what was recorded for the case.
        vectors: name of the vectors, as the case has it.
        strict: a golden that is there for other compilers only does not do.

    Raises:
        CyclesError: saying how the promise is broken, or that nothing was recorded.
    """
    measured = check_budget(result, promised)
    platform = Platform.of(result.provenance)
    recording = golden.find(platform, vectors)
    if recording is not None:
        _compare(result, measured, recording, vectors)
        return Held(EQUAL, f"{measured.spread} cycles a step, {EQUAL} of {recording.recorded}")
    recorded = golden.recorded(platform)
    if recorded:
        raise CyclesError(
            f"{_who(result)}: the golden of this compiler has no cycles of {vectors}, it has those of "
            f"{', '.join(recorded)}; this run took {measured.spread} a step (min-median-max)",
            hint="look at the figures, then record them with --hil-update-golden and commit the file",
        )
    others = golden.other_compilers(platform, vectors)
    if not others:
        raise CyclesError(
            f"{_who(result)}: there is no golden of the cycles of {vectors} on {platform.board} ({platform.kind}); "
            f"this run took {measured.spread} a step (min-median-max)",
            hint="look at the figures, then record them with --hil-update-golden and commit the file",
        )
    there = "; ".join(f"{other.compiler} {other.flags}" for other in others)
    sentence = (
        f"{NO_GOLDEN}: {measured.spread} cycles a step by {platform.compiler} {platform.flags}; recorded are {there}"
    )
    if strict:
        raise CyclesError(
            f"{_who(result)}: {sentence}",
            hint="record one with --hil-update-golden, or leave --hil-strict out to have the budget alone asserted",
        )
    return Held(NO_GOLDEN, sentence)


def not_counted(result: RunResult) -> str | None:
    """Why a run says nothing about cycles, or None where it does."""
    return None if result.cycles.measured else f"cycles not measured: {result.cycles.reason}"


def check_budget(result: RunResult, promised: Cycles) -> StepCycles:
    """The longest step is within the budget; returns what measured it.

    Raises:
        CyclesError: it is not, or nothing was measured.
    """
    measured = result.cycles.measured
    if measured is None:
        raise CyclesError(f"{_who(result)}: {not_counted(result)}")
    longest = int(measured.per_step.max())
    if longest > promised.per_step:
        over = int((measured.per_step > promised.per_step).sum())
        raise CyclesError(
            f"{_who(result)}: {over} of {measured.per_step.size} steps take more than {promised.per_step:.10g} cycles, "
            f"the longest {longest}, at {_place(result, int(measured.per_step.argmax()))}",
            cause=f"{measured.spread} cycles a step (min-median-max), {measured.source}",
            hint="'hil profile' shows which function spends them",
        )
    return measured


def _compare(result: RunResult, measured: StepCycles, recording: Recording, vectors: str) -> None:
    if not _alike(recording.source, measured.source):
        raise CyclesError(
            f"{_who(result)}: the golden of {vectors} was counted by '{recording.source}', this run by "
            f"'{measured.source}'",
            cause=result.cycles.reason or None,
            hint="cycles of two sources are not compared; record anew with --hil-update-golden",
        )
    lengths = {len(row) for row in recording.per_step}
    shape = (len(recording.per_step), max(lengths))
    if lengths != {shape[1]} or shape != measured.per_step.shape:
        raise CyclesError(
            f"{_who(result)}: the golden of {vectors} has {shape[0]} sequences of {shape[1]} steps, "
            f"the vectors have {measured.per_step.shape[0]} of {measured.per_step.shape[1]}",
            hint="the vectors are others than were recorded; record anew with --hil-update-golden",
        )
    golden = np.array(recording.per_step, np.int64)
    wrong = np.flatnonzero(np.abs(measured.per_step - golden) > measured.tolerance * golden)
    if len(wrong):
        raise CyclesError(
            f"{_who(result)}: other cycles than the golden\n{_difference(result, measured, golden, wrong)}",
            cause=_origin(result, recording),
            hint="'hil profile' shows who spends them; --hil-update-golden records a change that is meant",
        )


def _alike(recorded: str, measured: str) -> bool:
    """Whether two sources must give the same cycles: emulators that count by the same timing do, each its own way."""
    if recorded.startswith(MODEL) and measured.startswith(MODEL):
        return recorded.partition(", ")[2] == measured.partition(", ")[2]
    return recorded == measured


def _difference(result: RunResult, measured: StepCycles, golden: Counts, wrong: Counts) -> str:
    first = int(wrong[0])
    old, new = int(golden.flat[first]), int(measured.per_step.flat[first])
    allowed = f" by more than {measured.tolerance:.2%}" if measured.tolerance else ""
    return (
        f"{len(wrong)} of {golden.size} steps differ{allowed}, first at {_place(result, first)}: "
        f"{old} -> {new} ({new - old:+d})\n"
        f"min-median-max {Spread.of(golden)} -> {measured.spread}"
    )


def _origin(result: RunResult, recording: Recording) -> str:
    """What is another than when the golden was recorded."""
    now = result.provenance.firmware
    changed = [f"firmware {recording.firmware} then, {now} now"] if recording.firmware != now else []
    if recording.image != result.image_digest:
        changed.append(f"model image {recording.image} then, {result.image_digest} now")
    return f"recorded {recording.recorded}: " + (", ".join(changed) or "with the same firmware and model image")


def _place(result: RunResult, flat: int) -> str:
    sequence, step = divmod(flat, result.vectors.steps)
    return f"step {step}" if result.vectors.single else f"sequence {sequence}, step {step}"


def _who(result: RunResult) -> str:
    origin = result.provenance
    return f"{result.model_name} on {origin.board}, {origin.where}"
