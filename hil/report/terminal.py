"""Lines for the terminal: plain text, the same in a terminal, a CI log and a file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hil.report.facts import run_title
from hil.report.quarantined import not_counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.report.properties import Property
    from hil.report.tally import Tally
    from hil.step_cycles import RunCycles

_HEADINGS = ("case", "board", "on", "image", "steps", "worst error", "bits", "cycles/step", "vectors/s", "retries")
_ENERGY_HEADINGS = ("case", "board", "average current", "costliest step", "how")
_NUMBERS = frozenset({"steps", "worst error", "bits", "cycles/step", "vectors/s", "retries"})


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[str] = frozenset()) -> list[str]:
    """A table with two spaces between its columns; the columns named in ``numbers`` stand to the right."""
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        placed = (
            cell.rjust(width) if heading in numbers else cell.ljust(width)
            for cell, width, heading in zip(cells, widths, headings, strict=True)
        )
        return "  ".join(placed).rstrip()

    return [line(headings), *(line(row) for row in rows)]


def error_words(share: float) -> str:
    """An error as a share of the state bound, in two digits: ``1.9e-05``."""
    return f"{share:.1e}"


def summary_lines(tally: Tally) -> list[str]:
    """The runs' figures, their provenance, and what was not measured; empty where hil had no part."""
    runs = tally.figures
    lines = []
    if runs:
        lines += table(_HEADINGS, [_row(run) for run in runs], _NUMBERS)
        lines += sorted({str(run["hil_origin"]) for run in runs})
        lines.append("worst error: to float64, as a share of the state bound; bits: device against the integer model")
        lines += _cycles_lines(runs)
        lines += _energy_lines(runs)
        lines += _recovery_lines(runs)
    for words, count in sorted(Counter(tally.golden_words).items()):
        lines.append(f"{words} ({_promises(count)})")
    lines += [f"harvest: {words}" for words in tally.harvest_words]
    for reason, count in sorted(Counter(tally.not_measured).items()):
        lines.append(f"{reason} ({_promises(count)})")
    return lines + quarantine_lines(tally)


def quarantine_lines(tally: Tally) -> list[str]:
    """What is in quarantine and why, and how many of its tests failed; a line each."""
    return sorted(not_counted((entry.quarantine, entry.outcome) for entry in tally.entries))


def _recovery_lines(runs: Sequence[dict[str, Property]]) -> list[str]:
    """How often each board had to be got hold of again; what failed before that has failed."""
    most: dict[str, int] = {}
    for run in runs:
        board = str(run["hil_board"])
        most[board] = max(most.get(board, 0), int(run.get("hil_recoveries", 0)))
    return [
        f"recovered: board {board}, {count} {'time' if count == 1 else 'times'}, as told above"
        for board, count in sorted(most.items())
        if count
    ]


def _promises(count: int) -> str:
    return f"{count} {'promise' if count == 1 else 'promises'}"


def cycles_sentences(cycles: RunCycles) -> list[str]:
    """Cycles of one run: min-median-max by each source, how they differ, and what did not count and why."""
    lines = [f"cycles a step (min-median-max): {each.spread}, {each.source}" for each in cycles.sources]
    if cycles.difference:
        lines.append(cycles.difference)
    lines += [f"cycles not measured: {why}" if not lines else f"not counted: {why}" for why in cycles.missing]
    return lines


def _cycles_lines(runs: Sequence[dict[str, Property]]) -> list[str]:
    """What counted the cycles on each board, and what did not and why; a line for each board and source."""
    lines = []
    for run in runs:
        board = run["hil_board"]
        counted = f"by {run['hil_cycles_source']}" if "hil_cycles_source" in run else "not measured"
        also = "".join(f"; {run[name]}" for name in ("hil_cycles_difference", "hil_cycles_missing") if name in run)
        lines.append(f"cycles/step on {board}: min-median-max of ltc_step, {counted}{also}")
    return sorted(set(lines))


def _energy_lines(runs: Sequence[dict[str, Property]]) -> list[str]:
    """A table of current and energy of the runs whose energy was asked for and is known, and what they rest on."""
    known = [run for run in runs if "hil_energy_words" in run]
    if not known:
        return []
    rows = [
        [
            _name(run),
            str(run["hil_board"]),
            str(run.get("hil_average_words", "not known")),
            str(run["hil_energy_words"]),
            str(run["hil_energy_how"]),
        ]
        for run in known
    ]
    rests = {
        f"current and energy on {run['hil_board']}: {run['hil_energy_how']} at {float(run['hil_supply_V']):g} V, "
        f"{run['hil_energy_source']}"
        + (f"; without {run['hil_energy_without']}: not looked up" if "hil_energy_without" in run else "")
        for run in known
    }
    return [*table(_ENERGY_HEADINGS, rows), *sorted(rests)]


def _name(run: dict[str, Property]) -> str:
    return run_title(str(run["hil_case"]), str(run["hil_vectors"]))


def _row(run: dict[str, Property]) -> list[str]:
    return [
        _name(run),
        str(run["hil_board"]),
        str(run["hil_where"]),
        str(run["hil_image"]),
        str(run["hil_steps"]),
        error_words(float(run["hil_max_error"])),
        f"{run['hil_bits_compared']} equal" if run["hil_bits_equal"] else "DIFFER",
        f"{run['hil_cycles_min']}-{run['hil_cycles_median']}-{run['hil_cycles_max']}"
        if "hil_cycles_source" in run
        else "not measured",
        f"{float(run['hil_vectors_per_second']):.0f}",
        str(run["hil_retries"]),
    ]
