"""What comes of faults while a run is measured: ``python -m tests.power.bench_instrument_faults``.

A run of the twin, steps sent over UART, is measured through each real driver (an LPM01A in ASCII, at 5 kHz, measures
steps that a node makes by itself) while its simulated instrument loses or doubles samples or bytes, falls silent, is
unplugged, or sees a current beyond its range, and while the wire of the mark is loose or bounces.

A fault is said, in the recording or as an error; or it does no harm, as every average and charge of the whole and of
each step is still within what is told of it; or a number is wrong, which must not be. The cycles of the steps are
known, as in a run that counts them: what is cut at marks is held against them. Where nothing can tell, that is printed
with its reason, as what it is, and is not counted as said.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hil.report.terminal import table
from tests.power.faulting import Came, come_of
from tests.power.faults import NO_FAULT, all_faults
from tests.power.twin_runs import stopped_run, streamed_run

_HEADINGS = ("instrument", "faults", "said", "harmless", "cannot be told", "wrong")


def main() -> int:
    """Print counts, what is said, and what cannot be; 0 where no average is wrong that could have been told."""
    with tempfile.TemporaryDirectory() as folder:
        stopped = stopped_run(Path(folder))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    untold: dict[tuple[str, str], list[str]] = defaultdict(list)
    wrong = []
    for fault, run in all_faults(streamed_run(), stopped):
        name, outcome = fault.instrument.name, come_of(fault, run)
        if fault.name == NO_FAULT:
            if outcome.came is not Came.HARMLESS:
                wrong.append(f"{name}, without a fault: {outcome.words}")
            continue
        came = "cannot be told" if outcome.came is Came.WRONG and fault.untold else outcome.came.value
        counts[name][came] += 1
        if came == Came.WRONG:
            wrong.append(f"{name}, {fault.name}: {outcome.words}")
        elif outcome.came is Came.WRONG:
            untold[name, fault.untold].append(fault.name)
    rows = [
        (name, str(each.total()), *(str(each[heading]) for heading in _HEADINGS[2:])) for name, each in counts.items()
    ]
    total = sum(counts.values(), Counter())
    rows.append(("all", str(total.total()), *(str(total[heading]) for heading in _HEADINGS[2:])))
    print(*table(_HEADINGS, rows, frozenset(_HEADINGS[1:])), sep="\n")  # noqa: T201
    for (name, reason), faults in untold.items():
        print(f"cannot be told by {name}, as {reason}: {', '.join(faults)}")  # noqa: T201
    print(*(f"WRONG: {each}" for each in wrong), sep="\n", end="\n" if wrong else "")  # noqa: T201
    print(f"{len(wrong)} wrong averages of what can be told; simulated instruments, modelled current")  # noqa: T201
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
