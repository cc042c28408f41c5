"""The quarantine file: what it covers, when it ends, and what is wrong with it in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hil.errors import InputError
from hil.quarantine import Quarantined, add_quarantined, load_quarantine

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.date(2026, 11, 29)
TEXT = """\
# known bad
quarantine:
  - board: desk   # the one at the window
    reason: the probe drops off the hub
    since: 2026-11-20
    until: 2026-11-29
  - {board: desk, case: bridge, reason: "a golden of another part", since: 2026-11-01, until: 2026-12-31}
  - {board: other, reason: mended, since: 2026-11-01, until: 2026-11-28}
  - {board: later, reason: goes away for repair, since: 2026-12-01, until: 2026-12-31}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "quarantine.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("board", "case", "reason"),
    [
        ("desk", "lane", "the probe drops off the hub"),
        ("desk", "bridge", "a golden of another part"),
        ("other", "bridge", None),
        ("later", "bridge", None),
        ("desk-2", "bridge", None),
    ],
)
def test_a_board_or_a_case_is_covered_on_its_days(path: Path, board: str, case: str, reason: str | None) -> None:
    found = load_quarantine(path, TODAY).find(board, case)
    assert (found.reason if found else None) == reason


def test_it_ends_with_its_last_day(path: Path) -> None:
    tomorrow = load_quarantine(path, TODAY + dt.timedelta(days=1))
    assert tomorrow.find("desk", "lane") is None
    assert tomorrow.find("desk", "bridge") is not None
    (sentence,) = tomorrow.expired_for(["desk"])
    assert f"quarantine file {path}, line 6, key 'quarantine.0.until'" in sentence
    assert (
        "the quarantine of desk (the probe drops off the hub) ended on 2026-11-29, its failures count again" in sentence
    )
    assert "hint: mend the board and take the entry out" in sentence


def test_an_entry_that_ended_is_told_for_its_own_board_alone(path: Path) -> None:
    quarantine = load_quarantine(path, TODAY)
    assert quarantine.expired_for(["desk", "later"]) == []
    assert len(quarantine.expired_for(["other"])) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "quarantine: [{board: a, since: 2026-01-01, until: 2026-01-02}]",
            "line 1, key 'quarantine.0.reason': missing",
        ),
        (
            "quarantine:\n- {board: a, reason: x, since: 2026-01-03, until: 2026-01-02}",
            "line 2, key 'quarantine.0': until 2026-01-02 is before since 2026-01-03",
        ),
        ("quarantine: [{board: a, reason: ' ', since: 2026-01-01, until: 2026-01-02}]", "reason': is empty"),
        ("quarantine: [{board: a, reason: x, since: soon, until: 2026-01-02}]", "key 'quarantine.0.since'"),
        ("quarantine: [{board: a, reason: x, since: 2026-01-01, til: 2026-01-02}]", "til': unknown key"),
        ("quarantined: []", "key 'quarantined': unknown key"),
        ("- board", "must hold keys and values"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_key(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_quarantine(path, TODAY)
    assert str(path) in caught.value.message
    assert said in caught.value.message


def fresh(board: str) -> Quarantined:
    return Quarantined(board=board, reason="it's flaky: 3 of 14", since=TODAY, until=TODAY + dt.timedelta(days=14))


def test_entries_are_added_and_what_people_wrote_stays(path: Path) -> None:
    add_quarantined(path, [fresh("new")])
    assert path.read_text().startswith(TEXT)
    found = load_quarantine(path, TODAY).find("new", "bridge")
    assert found == fresh("new")


FLOW = "quarantine: [{board: old, reason: x, since: 2026-11-01, until: 2026-12-31}]"
TIGHT = "quarantine:\n- board: old\n  reason: x\n  since: 2026-11-01\n  until: 2026-12-31"  # without a line's end


@pytest.mark.parametrize(
    ("text", "old"), [(None, 0), ("quarantine: []\n", 0), ("quarantine:\n  []\n", 0), (FLOW, 1), (TIGHT, 1)]
)
def test_entries_are_added_to_a_list_however_it_is_written(path: Path, text: str | None, old: int) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
    add_quarantined(path, [])
    assert (path.read_text() if path.exists() else None) == text
    add_quarantined(path, [fresh("new"), fresh("newer")])
    entries = load_quarantine(path, TODAY).entries
    assert entries[old:] == (fresh("new"), fresh("newer"))
    assert [each.board for each in entries[:old]] == ["old"] * old


def test_a_damaged_file_is_not_added_to(path: Path) -> None:
    path.write_text("quarantine: nothing")
    with pytest.raises(InputError):
        add_quarantined(path, [fresh("new")])
    assert path.read_text() == "quarantine: nothing"
