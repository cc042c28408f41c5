"""What stands in each section of a report, from the contents of results.json: words, rows and pictures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from hil.backends import HARDWARE
from hil.errors import InputError
from hil.report.facts import run_title
from hil.report.page_pictures import current_svg, difference_svg, series_svg, spark_svg, trend_svg
from hil.report.terminal import error_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.report.page import Trend

MOST_DRAWN: Final = 24
"""Runs whose steps are drawn; each picture takes a tenth of a second. All have their course in the table."""

_FAILED: Final = ("failed", "error", "quarantined")

Test = dict[str, Any]
Runs = dict[str, dict[str, Any]]

_COUNTED: Final = (
    ("passed", "promise held", "promises held"),
    ("failed", "broken", "broken"),
    ("error", "without a verdict", "without a verdict"),
    ("quarantined", "failed in quarantine", "failed in quarantine"),
    ("skipped", "skipped", "skipped"),
)


@dataclass(frozen=True)
class Card:
    """A picture with words.

    Attributes:
        title: its heading.
        words: sentences.
        picture: an ``<svg>`` element; empty where none could be drawn.
        missing: why there is none.
    """

    title: str
    words: Sequence[str] = ()
    picture: Markup = field(default_factory=Markup)
    missing: str = ""


@dataclass(frozen=True)
class Failure:
    """A test that failed: its place, class, sentences and picture."""

    nodeid: str
    verdict: str
    where: str
    kind: str
    sentence: str
    more: str
    picture: Card | None
    quarantine: str


def counts(tests: Sequence[Test]) -> str:
    """How many tests came to which end, in words."""
    found = Counter(test["outcome"] for test in tests)
    said = [f"{found[name]} {one if found[name] == 1 else many}" for name, one, many in _COUNTED if found[name]]
    return ", ".join(said) or "no test"


def kind_of(run: dict[str, Any] | None) -> str:
    """On what a result was got: ``hardware``, ``emulated`` or ``this computer``; empty where there is no result."""
    if run is None:
        return ""
    if run["backend"] == "native":
        return "this computer"
    return "emulated" if run["emulated"] else HARDWARE


def places(tests: Sequence[Test], runs: Runs) -> list[dict[str, str]]:
    """What ran where: a row for each board, backend and firmware; then boards that gave no result."""
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for run in runs.values():
        size = run["size"]
        row = {
            "board": run["board"],
            "kind": kind_of(run),
            "backend": " ".join(filter(None, (run["backend"], run["backend_version"]))),
            "probe": run["probe"] or "none",
            "link": run["link"],
            "firmware": run["firmware"],
            "compiler": run["compiler"],
            "flash": f"{size['flash_bytes']} of {size['flash_limit']}" if size else "not applicable",
            "ram": f"{size['ram_bytes']} of {size['ram_limit']}" if size else "not applicable",
            "reason": run["reason"] or "",
        }
        rows.setdefault(tuple(row.values()), row)
    there = {run["board"] for run in runs.values()}
    without = {test["board"]: None for test in tests if test.get("board") and test["board"] not in there}
    names = ("kind", "backend", "probe", "link", "firmware", "compiler", "flash", "ram", "reason")
    return [*rows.values(), *({"board": name} | dict.fromkeys(names, "") | {"kind": "no result"} for name in without)]


def failures(tests: Sequence[Test], runs: Runs) -> list[Failure]:
    """Everything that failed, what counts first."""
    failed = [test for test in tests if test["outcome"] in _FAILED]
    failed.sort(key=lambda test: _FAILED.index(test["outcome"]))
    return [_failure(test, runs.get(test["run"] or "")) for test in failed]


def _failure(test: Test, run: dict[str, Any] | None) -> Failure:
    verdict = test["verdict"] or "assertion"
    sentence, text = (test[name] or "" for name in ("message", "text"))
    more = text.removeprefix(sentence).removeprefix("\n")
    difference = test["difference"]
    picture = None
    if difference is not None:
        inside = "" if difference["sequence"] is None else f"sequence {difference['sequence']}, "
        title = f"first difference: {difference['array']}, {inside}step {difference['step']}"
        picture = _drawn(f"{title}, element {difference['element']}", (), partial(difference_svg, difference))
    return Failure(
        nodeid=test["nodeid"],
        verdict=verdict,
        where=f"{run['board']}, {run['where']}" if run else test.get("board", ""),
        kind=kind_of(run),
        sentence=sentence.removeprefix(f"{verdict}: "),
        more=more,
        picture=picture,
        quarantine=test["quarantine"] or "",
    )


def figures(runs: Runs) -> list[dict[str, str]]:
    """The table of figures, one row a run."""
    return [
        {
            "case": _case(run),
            "board": run["board"],
            "kind": kind_of(run),
            "steps": str(run["steps"]),
            "error": "not finite" if run["max_error"] is None else error_words(run["max_error"]),
            "bits": f"{run['bits_compared']} equal" if run["bits_equal"] else "DIFFER",
            "cycles": _cycles(run["cycles"]),
            "course": _course(run["cycles"]),
            "current": _current(run.get("energy")),
            "energy": _energy(run.get("energy")),
            "retries": str(run["retries"]),
        }
        for run in runs.values()
    ]


def _case(run: dict[str, Any]) -> str:
    return run_title(run["case"], run["vectors"])


def _cycles(cycles: dict[str, Any]) -> str:
    return "not measured" if cycles["source"] is None else f"{cycles['min']}-{cycles['median']}-{cycles['max']}"


def _course(cycles: dict[str, Any]) -> Markup:
    if cycles["source"] is None:
        return Markup()
    return Markup(spark_svg(cycles["per_step"]["median"]))  # noqa: S704 - numbers alone


def _current(energy: dict[str, Any] | None) -> str:
    if energy is None or energy["kind"] == "unknown":
        return "not measured"
    if energy["average_uA"] is None:
        return f"not known ({energy['how']})"
    return f"{energy['average_uA']:.4g} ({energy['how']})"


def _energy(energy: dict[str, Any] | None) -> str:
    if energy is None or energy["kind"] == "unknown":
        return "not measured"
    return f"{energy['min_uJ']:.4g}-{energy['median_uJ']:.4g}-{energy['max_uJ']:.4g} ({energy['how']})"


def run_cards(tests: Sequence[Test], runs: Runs) -> list[tuple[str, str, list[Card]]]:
    """Title, kind and pictures of runs: first those that a failure is about; up to a bound."""
    failed = dict.fromkeys(test["run"] for test in tests if test["run"] and test["outcome"] in _FAILED)
    found: list[tuple[str, str, list[Card]]] = []
    for name in dict.fromkeys([*failed, *runs]):
        cards = _cards(runs[name]) if name in runs and len(found) < MOST_DRAWN else []
        if cards:
            title = f"{_case(runs[name])} on {runs[name]['board']}, {runs[name]['where']}"
            found.append((title, kind_of(runs[name]), cards))
    return found


def _cards(run: dict[str, Any]) -> list[Card]:
    cards = []
    cycles, energy = run["cycles"], run.get("energy") or {}
    if cycles["source"] is not None:
        said = (f"cycles a step, counted by {cycles['source']}",)
        cards.append(_drawn("", said, partial(series_svg, cycles["per_step"], "core cycles a step")))
    if energy.get("per_step_uJ"):
        said = (_energy_words(energy),)
        cards.append(_drawn("", said, partial(series_svg, energy["per_step_uJ"], "energy of a step in uJ")))
    for number, columns in enumerate(run.get("current") or ()):
        words = f"current, {energy.get('how', '')}" if number == 0 else "some steps of it from near"
        cards.append(_drawn("", (words,), partial(current_svg, columns)))
    return cards


def _energy_words(energy: dict[str, Any]) -> str:
    without = f"; without {', '.join(energy['without'])}: not looked up" if energy["without"] else ""
    return f"energy of a step at {energy['supply_V']:g} V, {energy['how']}: {energy['source']}{without}"


def trend_cards(trends: Sequence[Trend]) -> list[Card]:
    """A card for each figure that changed over nights."""
    return [
        _drawn(each.title, each.words, partial(trend_svg, each.what, each.nights, each.values, each.began))
        for each in trends
        if each.began
    ]


def steady_rows(trends: Sequence[Trend]) -> list[dict[str, str]]:
    """A row for each figure that did not change."""
    return [
        {
            "title": each.title,
            "what": each.what,
            "nights": str(len(each.values)),
            "least": f"{min(each.values):.6g}",
            "most": f"{max(each.values):.6g}",
            "last": f"{each.values[-1]:.6g}",
            "picture": Markup(spark_svg(each.values)),  # noqa: S704 - numbers alone
        }
        for each in trends
        if not each.began
    ]


def _drawn(title: str, words: Sequence[str], draw: Callable[[], str]) -> Card:
    """A card with its picture, or with why there is none."""
    try:
        return Card(title, words, Markup(draw()))  # noqa: S704 - drawn by matplotlib, which escapes what it writes
    except InputError as error:
        return Card(title, words, missing=f"{error.message}: {error.hint}")
