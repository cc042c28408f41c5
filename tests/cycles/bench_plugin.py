"""What counting costs: QEMU's speed with the plugin and without, in turn, on the same steps of the same network.

python -m tests.cycles.bench_plugin [CASE]
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from tests.cycles.cases import load_case
from tests.cycles.programs import HERE, LTC_SOURCES, Run, build_program, run_qemu

CASE = "ncp19_lane"
STEPS = 200


@dataclass(frozen=True)
class Speeds:
    """Best of the runs, in millions of emulated instructions a second: of the clock, and of processor time."""

    plain: float
    counted: float
    plain_cpu: float
    counted_cpu: float

    @property
    def ratio(self) -> float:
        return self.counted / self.plain

    @property
    def cpu_ratio(self) -> float:
        """The same, undisturbed by what else the machine does."""
        return self.counted_cpu / self.plain_cpu


def measure(folder: Path, case_name: str = CASE, *, repeats: int, runs: int) -> Speeds:
    """Run the steps `repeats` times, in `runs` pairs; start-up, taken from a run of one step, is left out."""
    elf = build_program(folder / "steps.elf", HERE / "steps.c", *LTC_SOURCES)
    blob, short = folder / "blob", folder / "short"
    case = load_case(case_name, sequences=1, steps=STEPS, repeats=repeats)
    blob.write_bytes(case.blob)
    short.write_bytes(load_case(case_name, sequences=1, steps=1).blob)
    start: list[Run] = []
    plain: list[Run] = []
    counted: list[Run] = []
    instructions = 0
    for _ in range(runs):
        start.append(run_qemu(elf, blob=short))
        plain.append(run_qemu(elf, blob=blob))
        with CycleCounter(elf, TimingModel("cortex-m0")) as counter:
            counted.append(run_qemu(elf, blob=blob, counter=counter))
            instructions = counter.counts().totals.instructions
        assert plain[-1].result == counted[-1].result == case.checksum
    return Speeds(
        *(
            instructions / 1e6 / (min(seconds(run) for run in runs_of) - min(seconds(run) for run in start))
            for seconds in (lambda run: run.seconds, lambda run: run.cpu_seconds)
            for runs_of in (plain, counted)
        )
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        speeds = measure(Path(folder), *sys.argv[1:], repeats=60, runs=3)
    sys.stdout.write(
        f"QEMU without the plugin {speeds.plain:.0f} MIPS, counting {speeds.counted:.0f} MIPS: {speeds.ratio:.2f}; "
        f"by processor time {speeds.plain_cpu:.0f} and {speeds.counted_cpu:.0f}: {speeds.cpu_ratio:.2f}\n"
    )


if __name__ == "__main__":
    main()
