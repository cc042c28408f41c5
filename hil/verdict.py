"""What verdicts about recorded goldens have in common: which golden there is, and what is said where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from hil.golden_file import Goldens, Platform, Strict

if TYPE_CHECKING:
    from hil.errors import HilError
    from hil.result import RunResult

EQUAL: Final = "equal to the golden"
NO_GOLDEN: Final = "no golden for this compiler, budget asserted"
RECORD: Final = "look at the figures, then record them with --hil-update-golden and commit the file"

Recorded = TypeVar("Recorded", bound=Strict)


@dataclass(frozen=True)
class Held:
    """How a promise holds: in a few words that are the same for every run, and in a sentence."""

    words: str
    sentence: str


@dataclass(frozen=True)
class Finding:
    """What a promise about figures is about, for its sentences.

    Attributes:
        noun: of what the golden is: ``cycles``.
        figures: this run's in a few words: ``100-110-121 cycles a step``.
        error: the class of what is raised.
    """

    noun: str
    figures: str
    error: type[HilError]


def look_up(
    golden: Goldens[Recorded], result: RunResult, vectors: str, finding: Finding, *, strict: bool
) -> Recorded | Held:
    """The recording that a run is to be held against; or, where there are those of other compilers only, what holds.

    Args:
        golden: what was recorded for the case.
        result: the run.
        vectors: name of the vectors, as the case has it.
        finding: what is looked for.
        strict: a golden that is there for other compilers only does not do.

    Raises:
        HilError: of the class of `finding`: nothing was recorded.
    """
    platform = Platform.of(result.provenance)
    recording = golden.find(platform, vectors)
    if recording is not None:
        return recording
    who, now = who_ran(result), f"this run took {finding.figures}"
    recorded = golden.recorded(platform)
    if recorded:
        raise finding.error(
            f"{who}: the golden of this compiler has no {finding.noun} of {vectors}, it has those of "
            f"{', '.join(recorded)}; {now}",
            hint=RECORD,
        )
    others = golden.other_compilers(platform, vectors)
    if not others:
        raise finding.error(
            f"{who}: there is no golden of the {finding.noun} of {vectors} on {platform.board} ({platform.kind}); "
            f"{now}",
            hint=RECORD,
        )
    there = "; ".join(f"{other.compiler} {other.flags}" for other in others)
    sentence = f"{NO_GOLDEN}: {finding.figures} by {platform.compiler} {platform.flags}; recorded are {there}"
    if strict:
        raise finding.error(
            f"{who}: {sentence}",
            hint="record one with --hil-update-golden, or leave --hil-strict out to have the budget alone asserted",
        )
    return Held(NO_GOLDEN, sentence)


def changed_since(result: RunResult, *, recorded: str, firmware: str, image: str) -> str:
    """What is another than when a golden was recorded."""
    now = result.provenance.firmware
    changed = [f"firmware {firmware} then, {now} now"] if firmware != now else []
    if image != result.image_digest:
        changed.append(f"model image {image} then, {result.image_digest} now")
    return f"recorded {recorded}: " + (", ".join(changed) or "with the same firmware and model image")


def place_of_step(result: RunResult, flat: int) -> str:
    """Which step the number of one over all sequences is."""
    sequence, step = divmod(flat, result.vectors.steps)
    return f"step {step}" if result.vectors.single else f"sequence {sequence}, step {step}"


def who_ran(result: RunResult) -> str:
    """Network, board and what realised it."""
    origin = result.provenance
    return f"{result.model_name} on {origin.board}, {origin.where}"
