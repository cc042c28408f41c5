"""Power cuts at every instruction of a step and of its checkpoint: python -m tests.harvest.bench_power_cuts."""

from __future__ import annotations

import sys

from tests.harvest.power_cuts import boot_each, programmed, visit

NETWORKS = (("tiny_dense", ""), ("basicmotions", "basicmotions_test"), ("ncp19_lane", ""))
STEPS = (0, 1, 3)  # no checkpoint yet; one; both slots full
WITHIN, SEEDS = 16, 4


def tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    tell("network        step  instructions  cuts  distinct contents  boots  resumed equal  lost  corrupt accepted")
    good = True
    for network, vectors in NETWORKS:
        program = programmed(network, vectors)
        for step in STEPS:
            cuts = visit(program, step, within=WITHIN, seeds=SEEDS)
            verdicts = boot_each(program, cuts)
            good &= verdicts.all_resumed and verdicts.resumed == len(cuts.contents) > WITHIN
            tell(
                f"{network:14} {step:4}  {cuts.instructions:12}  {cuts.moments:4}  {len(cuts.contents):17}  "
                f"{len(cuts.contents):5}  {verdicts.resumed:13}  {verdicts.lost:4}  {verdicts.corrupt:16}",
            )
            if verdicts.first:
                tell(f"  {verdicts.first}")
    tell(
        f"a cut at every instruction, at {WITHIN} moments of each wait for the EEPROM, of which each tears the word at "
        f"work in {SEEDS} ways; cuts that leave the same bytes share one boot"
    )
    tell("good: every boot resumes equal in every bit" if good else "BAD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
