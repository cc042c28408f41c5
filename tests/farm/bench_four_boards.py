"""The public vector cases on one board of a farm, and on four at once: ``python -m tests.farm.bench_four_boards``.

Through a real coordinator and exporter, with emulated boards: once as fast as they can, where this computer's cores are
what they share, and once no faster than silicon (``paced``), where it is the farm. Opening a board is not timed. What
the cores allow is reckoned from the processor time of the run on one board: of every process of the lab and of the run.
Where other programs had much of the cores meanwhile, nothing is concluded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.resources import examples_dir
from tests.cycles.cases import public_cases
from tests.farm.lab import BOARD, Lab, open_lab

BOARDS = 4
BAR = 0.8  # of as many boards, which is 3.2, or of what the cores allow
OTHERS = 0.1  # of the cores: more than that in the hands of other programs, and nothing is concluded
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Timed:
    """Runs that began together.

    Attributes:
        seconds: until the last had ended.
        processor_s: of all processes that took part.
        others: share of this computer's cores that other programs had.
    """

    seconds: float
    processor_s: float
    others: float


def use(farm: str) -> int:
    """One board's run: says ``open``, waits for a line, runs every case, says how many bits were equal."""
    folder = examples_dir() / "networks"
    with open_dut(load_board(BOARD), DutOptions(farm=farm)) as dut:
        print("open", flush=True)  # noqa: T201
        sys.stdin.readline()
        bits = 0
        for name in public_cases():
            model = folder / f"{name}.model.npz"
            if model.exists():
                bits += dut.run(model, folder / f"{name}.vectors.npz").bits_compared
        print(bits, flush=True)  # noqa: T201
        sys.stdin.readline()
    return 0


def processor_s(lab: Lab) -> float:
    """Processor time of a lab's processes and of the runs in it: those with its folder in their environment."""
    total = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(lab.folder).encode() in (process / "environ").read_bytes():
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        except OSError:
            continue  # it has ended
    return total / TICKS


def busy_s() -> float:
    """Processor time of all programs of this computer, since it was started."""
    user, nice, system = Path("/proc/stat").read_text().splitlines()[0].split()[1:4]
    return (int(user) + int(nice) + int(system)) / TICKS


def timed(lab: Lab, number: int) -> Timed:
    """The cases on so many boards at once."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.farm.bench_four_boards", f"{lab.coordinator}/{place}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **lab.environ},
        )
        for place in lab.places[:number]
    ]
    try:
        said = [run.stdout.readline() for run in runs]
        if said != ["open\n"] * number:
            raise SystemExit(f"a board was not opened: {said}")
        ours, all_of_it, start = processor_s(lab), busy_s(), time.perf_counter()
        for run in runs:
            run.stdin.write("go\n")
            run.stdin.flush()
        bits = {run.stdout.readline() for run in runs}
        seconds, ours = time.perf_counter() - start, processor_s(lab) - ours
        others = max(0.0, busy_s() - all_of_it - ours) / seconds / (os.cpu_count() or 1)
        if len(bits) != 1 or bits == {""}:
            raise SystemExit(f"a run has failed: {bits}")
        for run in runs:
            run.communicate("end\n", timeout=60)
    finally:
        for run in runs:
            run.kill()
    return Timed(seconds, ours, others)


def main() -> int:
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores; {BOARDS} boards {BOARD}, emulated, at a labgrid coordinator; every bit of every run equal")  # noqa: T201
    head = f"{'boards':8}{'one, s':>8}{'processor, s':>14}{'four, s':>9}{'processor, s':>14}{'ratio':>7}"
    print(f"{head}{'cores allow':>13}{'others had':>12}")  # noqa: T201
    short, unsure = [], []
    for name in ("fast", "paced"):
        with tempfile.TemporaryDirectory() as folder, open_lab(Path(folder), BOARDS, paced=name == "paced") as lab:
            one, four = timed(lab, 1), timed(lab, BOARDS)
        ratio = BOARDS * one.seconds / four.seconds
        allowed = min(float(BOARDS), cores * one.seconds / one.processor_s)
        others = max(one.others, four.others)
        row = (
            f"{name:8}{one.seconds:8.1f}{one.processor_s:14.1f}{four.seconds:9.1f}{four.processor_s:14.1f}{ratio:7.2f}"
        )
        print(f"{row}{allowed:13.2f}{others:12.0%}", flush=True)  # noqa: T201
        if ratio < BAR * allowed:
            (unsure if others > OTHERS else short).append(name)
    print(f"{BAR * BOARDS:.1f} times one board, or {BAR:.0%} of what the cores allow: {verdict(short, unsure)}")  # noqa: T201
    return int(bool(short or unsure))


def verdict(short: list[str], unsure: list[str]) -> str:
    if short:
        return f"missed by {', '.join(short)}"
    if unsure:
        return f"not told for {', '.join(unsure)}, as other programs had the cores; run it on a quiet computer"
    return "reached"


if __name__ == "__main__":
    sys.exit(use(sys.argv[1]) if sys.argv[1:] else main())
