"""Thirty nights of a made-up lab: which changes are told with the night they began, and what is told without a cause.

`python -m tests.nightly.bench_thirty_nights`: boards of one seed as a table, then of more seeds in sum, then rows in
which more than one thing happens, then how often noise alone is told to have a change. Bars: steps exact, drifts within
3 nights, the flaky boards in quarantine, no false alarm, and no night red without a cause: firmware that breaks or
hangs, a run without an end of a board that is not yet in quarantine, and the one night on which a quarantine has ended,
as flaky boards are put there again (--add-flaky); rows of several changes as `tests.nightly.several_changes` has them;
of noise at most 2 of 1000 rows in a month.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

import numpy as np

from hil.nightly.change import CHANCE, find_changes
from hil.report.terminal import table
from tests.nightly.several_changes import COUNTED, DRIFT_NIGHTS_OFF, MEASURED, try_story
from tests.nightly.thirty_nights import FLAKY, NIGHTS, RED, Found, Told, compare, make_lab, run_nights

SEEDS = 12
ROWS = 1000
ALARMS = 2
SEVERAL = 200
HEADINGS = ("board", "figure", "case", "planted", "began", "told", "night told", "first told", "holds")
NUMBERS = frozenset({"began", "night told", "first told"})


def main() -> int:
    """Print the tables; 0 where every bar holds."""
    all_told = [_nights(seed) for seed in range(SEEDS)]
    good = True
    _say(*_one(all_told[0]))
    for holds, lines in (_sum_up(all_told), _several(), _noise()):
        _say(*lines, f"verdict: {'every bar holds' if holds else 'A BAR DOES NOT HOLD'}")
        good &= holds
    return 0 if good else 1


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201


def _nights(seed: int) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        return run_nights(make_lab(seed), Path(folder))


def _one(told: Told) -> list[str]:
    return [
        f"one lab of {len(make_lab(0).boards)} boards, {NIGHTS} nights (0 to {NIGHTS - 1}), seed 0:",
        *table(HEADINGS, [_row(each) for each in compare(told)], NUMBERS),
        *_sentences(told),
        *(f"put into quarantine: {board}, on night {_list(nights)}" for board, nights in told.quarantined.items()),
        *(f"red for {board} ({_cause(told, board)}): {_list(nights)}" for board, nights in told.red.items()),
        f"red nights: {told.codes.count(1)}, without a cause: {len(told.red_without_cause)}",
        *told.red_without_cause,
        f"nights without a verdict (10): {told.codes.count(10)}; green: {told.codes.count(0)}",
        f"told without a cause: {len(told.wrong)}",
        *told.wrong,
        "",
    ]


def _list(nights: list[int]) -> str:
    return ", ".join(map(str, nights))


def _cause(told: Told, board: str) -> str:
    """What made nights red for a board."""
    causes = {
        "its firmware": RED.get(board, set()),
        "no end": set(told.no_end.get(board, ())),
        "its quarantine ended": told.ended.get(board, set()),
    }
    return " and ".join(cause for cause, nights in causes.items() if nights & set(told.red[board])) or "no cause"


def _sentences(told: Told) -> list[str]:
    """What is said of one case."""
    changes = told.outlook.changes if told.outlook is not None else []
    return [row.words(change) for row, change in changes if row.entries[-1].case == "bridge"]


def _row(found: Found) -> list[str]:
    words = (found.board, found.figure, found.case, found.kind, found.began, found.said, found.said_began)
    return [*map(str, words), str(found.first_told), "yes" if found.holds else "NO"]


def _sum_up(all_told: list[Told]) -> tuple[bool, list[str]]:
    found = [each for told in all_told for each in compare(told)]
    lines = [f"{len(all_told)} such labs, each of another seed:"]
    for kind in ("step", "drift"):
        those = [each for each in found if each.kind == kind]
        off = [abs(each.said_began - each.began) for each in those if each.said_began is not None]
        late = [each.first_told - each.began + 1 for each in those if each.first_told is not None]
        lines.append(
            f"{kind}s told as such with the night: {sum(each.holds for each in those)} of {len(those)}; off by at most "
            f"{max(off)} nights; first told after {np.median(late):.0f} nights, at most {max(late)}"
        )
    wrong = [words for told in all_told for words in told.wrong]
    caught = sum(set(told.quarantined) == FLAKY for told in all_told)
    ended = [nights & set(told.red.get(board, ())) for told in all_told for board, nights in told.ended.items()]
    red = [words for told in all_told for words in told.red_without_cause]
    lines += [
        f"flaky boards, and no other, put into quarantine: {caught} of {len(all_told)} labs",
        f"boards put there again when it ended, after one red night: {sum(map(len, ended))}",
        f"red nights: {sum(told.codes.count(1) for told in all_told)} of {len(all_told) * NIGHTS}",
        f"red without a cause: {len(red)}",
        *red,
        f"told without a cause on any night: {len(wrong)}",
        *wrong,
    ]
    return all(each.holds for each in found) and not wrong and not red and caught == len(all_told), lines


def _several() -> tuple[bool, list[str]]:
    """What is told of rows in which more than one thing happens, or a slow one."""
    all_tried = [try_story(story, SEVERAL) for story in (*COUNTED, *MEASURED)]
    rows = [
        [
            "counted" if each.story.counted else "measured",
            each.story.words,
            *map(str, (each.rows, each.held, math.ceil(each.story.share * each.rows), each.told)),
            str(math.ceil(each.story.at_all * each.rows)),
            ", ".join(f"{count} {kinds}" for kinds, count in each.kinds.most_common(3)) if each.rows > 1 else "",
        ]
        for each in all_tried
    ]
    headings = ("figure", "what happens", "rows", "all of it told", "bar", "anything told", "bar", "told most")
    return all(each.holds for each in all_tried), [
        "",
        f"rows of {NIGHTS} nights in which several things happen; told: every change with its night (a drift's within",
        f"{DRIFT_NIGHTS_OFF}), and no other; noise of what is measured: 0.6 % with 0.3 of the night before, and 0.3 %:",
        *table(headings, rows, frozenset({"rows", "all of it told", "bar", "anything told"})),
    ]


def _noise() -> tuple[bool, list[str]]:
    """How often a row of nothing but noise is told to have a change, on any of its nights."""
    lines = ["", f"noise alone, {ROWS} rows of {NIGHTS} nights each, looked at every night, told to have a change:"]
    rng = np.random.default_rng(99)
    normal = rng.normal(size=(ROWS, NIGHTS))
    alike = normal.copy()
    for night in range(1, NIGHTS):
        alike[:, night] += 0.4 * alike[:, night - 1]
    heavy = rng.standard_t(3, (ROWS, NIGHTS))
    kinds = {"normal": normal, "with 0.4 of the night before": alike, "of heavy tails (t, 3)": heavy}
    alarms = {
        name: sum(any(find_changes(100 + row[:night]) for night in range(1, NIGHTS + 1)) for row in noise)
        for name, noise in kinds.items()
    }
    lines += [f"  {name}: {count} rows" for name, count in alarms.items()]
    lines.append(f"  (for one look at normal noise the bound is {CHANCE:g})")
    return all(count <= ALARMS for count in alarms.values()), lines


if __name__ == "__main__":
    sys.exit(main())
