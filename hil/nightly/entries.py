"""What a pytest run wrote into results.json, as entries of the history: one for each board, case and vectors. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hil.nightly.entry import LARGEST_FIGURE, Entry, Outcome, Place
from hil.nightly.flaky import NO_END
from hil.nightly.verdict import excuse

if TYPE_CHECKING:
    import datetime as dt

    from hil.nightly.board_run import BoardRun
    from hil.quarantine import Quarantine

_WORST_FIRST: Final[tuple[Outcome, ...]] = ("error", "failed", "quarantined", "passed", "skipped")

Test = dict[str, Any]
Run = dict[str, Any]


def entries_of_run(run: BoardRun, quarantine: Quarantine, time: dt.datetime, commit: str) -> list[Entry]:
    """Entries of a board's run in a night; where it did not come to its end, or has none, with one that says so.

    Args:
        run: the run.
        quarantine: of its day.
        time: when the night began.
        commit: what was tested; empty where nobody knows.
    """
    found = entries_of(run.results, time, commit)
    if run.stopped or not run.said or (found and not run.had_to_be_ended):
        return found
    outcome: Outcome = "quarantined" if excuse(run, quarantine) else "error"
    verdict = NO_END if run.had_to_be_ended else "internal"
    whole = Entry(
        time=time, board=run.board, case="", outcome=outcome, verdict=verdict, message=run.said, commit=commit
    )
    return [*found, whole]


def entries_of(results: dict[str, Any], time: dt.datetime, commit: str) -> list[Entry]:
    """Entries of one run.

    Args:
        results: contents of results.json.
        time: when the night began.
        commit: what was tested; empty where nobody knows.
    """
    groups: dict[tuple[str, ...], list[Test]] = {}
    for test in results["tests"]:
        if test.get("board") and "case" in test:
            groups.setdefault((test["board"], test["file"], *_names(test)), []).append(test)
    return [_entry(subject, tests, results["runs"], time, commit) for subject, tests in groups.items()]


def _names(test: Test) -> tuple[str, str]:
    """Case and vectors; a test in Python is its own case, whatever vectors it took."""
    return (test["case"], test["vectors"]) if "promise" in test else (test["nodeid"].partition("::")[2], "")


def _entry(subject: tuple[str, ...], tests: list[Test], runs: dict[str, Run], time: dt.datetime, commit: str) -> Entry:
    board, file, case, vectors = subject
    worst = min(tests, key=lambda test: _WORST_FIRST.index(test["outcome"]))
    run = next((runs[test["run"]] for test in tests if test["run"] in runs), None)
    failed = worst["outcome"] in {"error", "failed", "quarantined"}
    return Entry(
        time=time,
        board=board,
        file=file,
        case=case,
        vectors=vectors,
        outcome=worst["outcome"],
        verdict=(worst["verdict"] or "") if failed else "",
        message=(worst["message"] or "") if failed else "",
        commit=commit,
        firmware=(run or worst).get("firmware", ""),
        image=(run or worst).get("image", ""),
        place=_place(run) if run else None,
        figures=_figures(run) if run else {},
    )


def _place(run: Run) -> Place:
    energy = run.get("energy") or {"kind": "unknown"}
    known = energy["kind"] != "unknown"
    return Place(
        backend=run["backend"],
        emulated=run["emulated"],
        compiler=run["compiler"],
        flags=run["flags"],
        link=run["link"],
        cycles=run["cycles"]["source"] or "",
        energy=_energy_source(energy) if known else "",
    )


def _energy_source(energy: dict[str, Any]) -> str:
    """What the figures rest on: with another peripheral in them they are others."""
    without = f"; without {', '.join(energy['without'])}" if energy["without"] else ""
    return f"{energy['kind']}: {energy['source']}{without}"


def _figures(run: Run) -> dict[str, float]:
    """Those that there are, but for what is too large to be one."""
    cycles, size, energy = run["cycles"], run["size"] or {}, run.get("energy") or {}
    found = {
        "max_error": run["max_error"],
        "outputs_error": run.get("outputs_error"),
        "cycles_min": cycles.get("min"),
        "cycles_median": cycles.get("median"),
        "cycles_max": cycles.get("max"),
        "average_uA": energy.get("average_uA"),
        "energy_median_uJ": energy.get("median_uJ"),
        "energy_max_uJ": energy.get("max_uJ"),
        "flash_bytes": size.get("flash_bytes"),
        "ram_bytes": size.get("ram_bytes"),
    }
    return {name: float(value) for name, value in found.items() if value is not None and abs(value) <= LARGEST_FIGURE}
