"""A node's run beside the exact integer model: what it missed, what it made up, and whether every bit was right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.swarm.prepare import PreparedNode
    from hil.swarm.run import NodeRun


@dataclass(frozen=True)
class Verdict:
    """What was found of a node.

    Attributes:
        found: anomalies that it told.
        expected: those of the reference run.
        float64_same: of the reference's, those that the float64 reference has as well, at that step.
        float64_more: those that it alone has.
        missed: of the reference's, those that it did not tell, with the same outputs, at that step.
        false: told, and not the reference's.
        problems: all that is wrong, a sentence each; empty where nothing is.
    """

    found: int
    expected: int
    float64_same: int
    float64_more: int
    missed: int
    false: int
    problems: tuple[str, ...]


def judge(prepared: PreparedNode, run: NodeRun) -> Verdict:
    """A node that tells of anomalies."""
    expected, found = set(prepared.reference.anomalies), set(run.found)
    missed, false = sorted(expected - found), sorted(found - expected)
    problems = _common(prepared, run)
    if missed:
        problems.append(f"missed {_places(missed)} of the reference run")
    if false:
        problems.append(f"told {_places(false)}, which the reference run has not, or with other outputs")
    if len(run.found) != run.totals.anomalies:
        problems.append(f"has found {run.totals.anomalies} anomalies, and told {len(run.found)}")
    if run.totals.crc != prepared.reference.crc:
        problems.append(
            f"its outputs and states differ from the exact integer model's: CRC-32 0x{run.totals.crc:08x}, not "
            f"0x{prepared.reference.crc:08x}"
        )
    places = {(sequence, step) for sequence, step, _ in expected}
    float64 = set(prepared.reference.float64)
    return Verdict(
        found=len(run.found),
        expected=len(expected),
        float64_same=len(float64 & places),
        float64_more=len(float64 - places),
        missed=len(missed),
        false=len(false),
        problems=tuple(problems),
    )


def judge_samples(prepared: PreparedNode, run: NodeRun) -> tuple[str, ...]:
    """What is wrong with a node that sends each sample; empty where nothing is."""
    problems = _common(prepared, run)
    sent = {(sequence, step): values for sequence, step, values in run.found}
    wrong = [
        divmod(n, prepared.plan.steps)
        for n, values in enumerate(prepared.samples.view("<i4"))
        if sent.get(divmod(n, prepared.plan.steps)) != tuple(map(int, values))
    ]
    if wrong or len(run.found) != prepared.steps:
        problems.append(f"{len(run.found)} samples came, and {len(wrong)} of {prepared.steps} are missing or differ")
    if run.totals.crc != prepared.reference.sample_crc:
        problems.append("the CRC-32 of its samples is not that of its recordings")
    return tuple(problems)


def _common(prepared: PreparedNode, run: NodeRun) -> list[str]:
    problems = []
    totals = run.totals
    if totals.steps != prepared.steps:
        problems.append(f"has ended after {totals.steps} of {prepared.steps} steps")
    if totals.late:
        problems.append(
            f"was late for {totals.late} samples: a step, or what it had to tell, took longer than the "
            f"{prepared.plan.period_ms} ms of period_ms"
        )
    if totals.dropped:
        problems.append(f"has dropped {totals.dropped} reports, as the hub did not take the earlier ones in time")
    return problems


def _places(anomalies: list[tuple[int, int, tuple[int, ...]]]) -> str:
    first = ", ".join(f"sequence {sequence} step {step}" for sequence, step, _ in anomalies[:3])
    more = f" and {len(anomalies) - 3} more" if len(anomalies) > 3 else ""  # noqa: PLR2004 # as many as are named
    return f"the anomaly at {first}{more}" if len(anomalies) == 1 else f"anomalies at {first}{more}"
