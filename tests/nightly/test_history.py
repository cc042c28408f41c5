"""The history: added to by several at a time and by some that are killed, it stays whole; what is damaged is told."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.errors import InputError
from hil.nightly.entry import LARGEST_FIGURE, Entry
from hil.nightly.history import append, load_history
from hil.nightly.trends import find_rows
from tests.nightly.made import entry

ADD_MANY = """
import sys
from pathlib import Path
from hil.nightly.history import append
from tests.nightly.made import entry
for number in range(int(sys.argv[3])):
    append(Path(sys.argv[1]), [entry(number, board=sys.argv[2]), entry(number, board=sys.argv[2], case="lane")])
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "history.jsonl"


def add_many(path: Path, board: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", ADD_MANY, str(path), board, str(count)], stdout=subprocess.PIPE, cwd=os.curdir
    )


def test_what_is_added_comes_back_in_the_order_of_time(path: Path) -> None:
    assert load_history(path).entries == ()
    append(path, [entry(2), entry(0)])
    append(path, [entry(1)])
    assert load_history(path).entries == (entry(0), entry(1), entry(2))
    assert load_history(path).skipped == ()


@settings(deadline=None)
@given(st.text(), st.floats(-LARGEST_FIGURE, LARGEST_FIGURE))
def test_any_words_and_figures_survive(words: str, value: float) -> None:
    made = entry(message=words, figures={"max_error": value})
    assert Entry.model_validate_json(json.dumps(made.model_dump(mode="json"))) == made


def test_a_file_of_the_first_version_is_read() -> None:
    """This file is never written anew: every later hil reads it."""
    history = load_history(Path(__file__).with_name("history_v1.jsonl"), dt.datetime(2026, 11, 30, tzinfo=dt.UTC))
    assert history.skipped == ()
    first, second = history.entries
    assert (first.board, first.outcome, first.verdict, first.night) == ("microbit", "failed", "numeric", "2026-11-29")
    assert first.place is not None
    assert first.place.emulated
    assert first.figures["cycles_median"] == 6436
    assert (second.outcome, second.place, second.figures) == ("error", None, {})


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"format": "hil history", "version": 1, "ti', "line 2 is left out: it is not JSON"),
        (b"\xff\xfe", "line 2 is left out: it is not JSON"),
        (b"[" * 100_000, "line 2 is left out: it is not JSON"),
        (b'{"a": 1}', "line 2 is left out: it does not say that its format is 'hil history'"),
        (
            b'{"format": "hil history", "version": 2}',
            "line 2 is left out: it has version 2, this hil reads versions up to 1",
        ),
        (b'{"format": "hil history", "version": true}', "line 2 is left out: it has version True"),
        (b'{"format": "hil history", "version": 1, "board": "x"}', "line 2 is left out: time: Field required"),
    ],
)
def test_a_damaged_line_is_told_and_stays_as_it_is(path: Path, line: bytes, why: str) -> None:
    append(path, [entry(0)])
    path.write_bytes(path.read_bytes() + line)  # without a line's end, as a writer that was killed leaves it
    append(path, [entry(1)])
    history = load_history(path)
    assert history.entries == (entry(0), entry(1))
    assert len(history.skipped) == 1
    assert why in history.skipped[0]
    assert path.read_bytes().split(b"\n")[1] == line


def test_a_figure_that_is_no_number_is_damage(path: Path) -> None:
    append(path, [entry(0)])
    path.write_text(path.read_text().replace("6436.0", "NaN"))
    assert "figures.cycles_median" in load_history(path).skipped[0]


@pytest.mark.parametrize("value", ["1e200", "-1e200", "1e999", "1.1e15"])
def test_a_figure_that_is_none_of_a_network_is_told_by_its_line(path: Path, value: str) -> None:
    append(path, [entry(0), entry(1), entry(2)])
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].replace("6436.0", value) + lines[2])
    history = load_history(path)
    assert history.entries == (entry(0), entry(2))
    assert f"history {path}, line 2 is left out: figures.cycles_median: Input should be " in history.skipped[0]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_date_at_the_end_of_the_calendar_is_told_by_its_line(path: Path, time: str) -> None:
    append(path, [entry(0), entry(1)])
    path.write_text(path.read_text().replace("2026-03-01T03:00:00Z", time))
    history = load_history(path)
    assert history.entries == (entry(1),)
    assert history.skipped == (
        f"history {path}, line 1 is left out: time: Value error, no date that can be told in UTC",
    )


def test_what_is_dated_in_the_future_is_told_by_its_line_and_left_out(path: Path) -> None:
    """A clock was wrong; a day is allowed, for nights that began elsewhere."""
    append(path, [entry(0), entry(1, board="other"), entry(2)])
    now = entry(0).time
    history = load_history(path, now)
    assert history.entries == (entry(0), entry(1, board="other"))
    assert history.skipped == (
        f"history {path}, line 3 is left out: it is dated 2026-03-03 and now is 2026-03-01: a clock was wrong",
    )
    assert load_history(path, entry(1).time).skipped == ()


def test_a_wrong_clock_of_one_board_silences_no_other(path: Path) -> None:
    step = [entry(night, figures={"flash_bytes": 15000.0 + 96 * (night >= 12)}) for night in range(20)]
    append(path, [*step, entry(3600, board="other")])
    history = load_history(path, entry(19).time)
    (row,) = find_rows(history.entries, entry(19).time)
    assert [change.began for change in row.changes] == [12]
    assert "line 21 is left out" in history.skipped[0]


def test_several_add_at_a_time(path: Path) -> None:
    writers = [add_many(path, name, 6) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    history = load_history(path)
    assert history.skipped == ()
    assert {name: sum(each.board == name for each in history.entries) for name in "abc"} == dict.fromkeys("abc", 12)
    assert sorted(each.name for each in path.parent.iterdir()) == [".history.jsonl.lock", "history.jsonl"]


def test_one_that_is_killed_leaves_all_or_nothing(path: Path) -> None:
    writer = add_many(path, "a", 10_000)
    assert writer.stdout is not None
    seen = 0
    deadline = time.monotonic() + 60
    while seen < 40 and time.monotonic() < deadline:
        writer.stdout.readline()
        seen += 1
        history = load_history(path)  # while it writes
        assert history.skipped == ()
        assert len(history.entries) % 2 == 0
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait(10)
    assert seen == 40
    history = load_history(path)
    assert history.skipped == ()
    assert len(history.entries) % 2 == 0
    append(path, [entry(1, board="next")], lock_timeout_s=5)  # the killed one's lock is gone with it
    assert load_history(path).entries[-1].board in {"next", "a"}
    assert any(each.board == "next" for each in load_history(path).entries)


def test_one_that_does_not_let_go_is_waited_for_and_told(path: Path) -> None:
    append(path, [entry(0)])
    with (
        FileLock(path.parent / ".history.jsonl.lock"),
        pytest.raises(InputError, match=r"is held by another run for more than 0.2 s"),
    ):
        append(path, [entry(1)], lock_timeout_s=0.2)
    assert load_history(path).entries == (entry(0),)


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    append(path, [entry(0)])
    link = tmp_path / "latest.jsonl"
    link.symlink_to(path)
    append(link, [entry(1)])
    assert link.is_symlink()
    assert len(load_history(path).entries) == 2


def test_a_place_where_nothing_can_be_written_is_told() -> None:
    with pytest.raises(InputError, match=r"history /proc/1/there/history.jsonl"):
        append(Path("/proc/1/there/history.jsonl"), [entry(0)])


def test_a_folder_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"history {tmp_path} cannot be read"):
        load_history(tmp_path)
