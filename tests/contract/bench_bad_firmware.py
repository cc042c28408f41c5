"""How runs on bad firmware end: their class, time over budget, what is told post mortem, and whether the next test ran.

python -m tests.contract.bench_bad_firmware
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from hil.report.terminal import table
from tests.contract.bad_firmware import BOARD, WAYS, end_of, patient_for_short
from tests.hil.defects import Workshop

BAR = 2.0


def main() -> int:
    """Print a line for each; returns the exit code."""
    rows, failed = [], []
    with tempfile.TemporaryDirectory() as folder, patient_for_short():
        workshop = Workshop(Path(folder), BOARD)
        os.environ |= {"HIL_CACHE_DIR": str(workshop.cache), "HIL_STATE_DIR": f"{folder}/state"}
        for bad in WAYS:
            ended = end_of(bad, workshop, Path(folder))
            told = str(ended.error)
            if "-v" in sys.argv:
                print(f"{bad.name}:\n{told}\n{ended.recovered}\n")  # noqa: T201
            missing = [words for words in bad.tells if words not in told]
            held = {
                "class": ended.error.verdict == bad.verdict,
                "time": ended.ratio <= BAR,
                "post-mortem": not missing,
                "next": ended.next_ran,
            }
            failed += [f"{bad.name}: {name}" for name, ok in held.items() if not ok]
            rows.append(
                (
                    bad.name,
                    ended.error.verdict,
                    f"{ended.ratio:.2f}",
                    "there" if not missing else f"lacks {missing[0]!r}",
                    "ran" if ended.next_ran else "did not run",
                    f"{len(ended.recovered)}",
                )
            )
    headings = ("firmware", "class", "time/budget", "post-mortem", "next test", "recoveries told")
    lines = table(headings, rows, frozenset({"time/budget", "recoveries told"}))
    lines.append(f"bar: the expected class, at most {BAR:g} times the budget, post-mortem there, next test ran")
    lines.append(f"missed: {', '.join(failed)}" if failed else "all of them held")
    print("\n".join(lines))  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
