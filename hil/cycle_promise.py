"""A budget of cycles and the golden beside it, judged against a run: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.errors import CyclesError
from hil.step_cycles import MODEL, Spread
from hil.verdict import EQUAL, Finding, Held, changed_since, look_up, place_of_step, who_ran

if TYPE_CHECKING:
    from hil.case import Cycles
    from hil.cycle_golden import GoldenFile, Recording
    from hil.result import RunResult
    from hil.step_cycles import Counts, StepCycles


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
    finding = Finding("cycles", f"{measured.spread} cycles a step (min-median-max)", CyclesError)
    found = look_up(golden, result, vectors, finding, strict=strict)
    if isinstance(found, Held):
        return found
    _compare(result, measured, found, vectors)
    return Held(EQUAL, f"{measured.spread} cycles a step, {EQUAL} of {found.recorded}")


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
        raise CyclesError(f"{who_ran(result)}: {not_counted(result)}")
    longest = int(measured.per_step.max())
    if longest > promised.per_step:
        over = int((measured.per_step > promised.per_step).sum())
        raise CyclesError(
            f"{who_ran(result)}: {over} of {measured.per_step.size} steps take more than {promised.per_step:.10g} "
            f"cycles, the longest {longest}, at {place_of_step(result, int(measured.per_step.argmax()))}",
            cause=f"{measured.spread} cycles a step (min-median-max), {measured.source}",
            hint="'hil profile' shows which function spends them",
        )
    return measured


def _compare(result: RunResult, measured: StepCycles, recording: Recording, vectors: str) -> None:
    if not _alike(recording.source, measured.source):
        raise CyclesError(
            f"{who_ran(result)}: the golden of {vectors} was counted by '{recording.source}', this run by "
            f"'{measured.source}'",
            cause=result.cycles.reason or None,
            hint="cycles of two sources are not compared; record anew with --hil-update-golden",
        )
    lengths = {len(row) for row in recording.per_step}
    shape = (len(recording.per_step), max(lengths))
    if lengths != {shape[1]} or shape != measured.per_step.shape:
        raise CyclesError(
            f"{who_ran(result)}: the golden of {vectors} has {shape[0]} sequences of {shape[1]} steps, "
            f"the vectors have {measured.per_step.shape[0]} of {measured.per_step.shape[1]}",
            hint="the vectors are others than were recorded; record anew with --hil-update-golden",
        )
    golden = np.array(recording.per_step, np.int64)
    wrong = np.flatnonzero(np.abs(measured.per_step - golden) > measured.tolerance * golden)
    if len(wrong):
        raise CyclesError(
            f"{who_ran(result)}: other cycles than the golden\n{_difference(result, measured, golden, wrong)}",
            cause=changed_since(
                result, recorded=recording.recorded, firmware=recording.firmware, image=recording.image
            ),
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
        f"{len(wrong)} of {golden.size} steps differ{allowed}, first at {place_of_step(result, first)}: "
        f"{old} -> {new} ({new - old:+d})\n"
        f"min-median-max {Spread.of(golden)} -> {measured.spread}"
    )
