"""The quarantine file: what it covers, when it ends, and what is wrong with it in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hil.errors import InputError
from hil.quarantine import Quarantined, add_quarantined, check_boards, load_quarantine, unmatched_cases

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


def again(*entries: str) -> str:
    """A file whose first entry ended on the 15th, with more entries."""
    old = "{board: desk, reason: flaky in October, since: 2026-11-01, until: 2026-11-15}"
    return "\n".join(["quarantine:", f"- {old}", *(f"- {{{each}, reason: again}}" for each in entries), ""])


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (("board: desk, since: 2026-11-16, until: 2026-12-15",), False),
        (("board: desk, since: 2026-11-29, until: 2026-11-29",), False),
        (("board: desk, since: 2026-11-30, until: 2026-12-15",), True),  # not yet
        (("board: desk, case: bridge, since: 2026-11-16, until: 2026-12-15",), True),  # its other cases count again
        (("board: other, since: 2026-11-16, until: 2026-12-15",), True),
    ],
)
def test_an_entry_of_today_stands_for_one_that_ended(path: Path, entries: tuple[str, ...], told: bool) -> None:
    path.write_text(again(*entries))
    assert len(load_quarantine(path, TODAY).expired_for(["desk"])) == told


def test_an_entry_about_a_board_stands_for_one_about_its_case_that_ended(path: Path) -> None:
    text = again("board: desk, since: 2026-11-16, until: 2026-12-15")
    path.write_text(text.replace("board: desk, reason: flaky in", "board: desk, case: bridge, reason: flaky in"))
    assert load_quarantine(path, TODAY).expired_for(["desk"]) == []


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


RENEWED = """\
# known bad
quarantine:
  # the bench at the window
  - board: desk   # its hub is old
    reason: >
      the probe drops
      off the hub
    until: 2026-11-15  # the last day
    since: 2026-11-01
  # behind it
  - {board: desk, case: bridge, reason: 'ended too', since: 2026-11-01, until: 2026-11-02}
  - {board: other, reason: mended, since: 2026-11-01, until: 2026-11-28}
"""


def test_an_entry_that_ended_is_renewed_where_it_stands_and_all_else_stays(path: Path) -> None:
    path.write_text(RENEWED)
    add_quarantined(path, [fresh("desk"), fresh("new")])
    expected = RENEWED.replace(">\n      the probe drops\n      off the hub\n", '"it\'s flaky: 3 of 14"\n')
    expected = expected.replace("2026-11-15", "2026-12-13").replace("    since: 2026-11-01", f"    since: {TODAY}")
    assert path.read_text().startswith(expected)
    quarantine = load_quarantine(path, TODAY)
    assert quarantine.entries == (fresh("desk"), fresh("new"))
    assert [each.entry.board for each in quarantine.expired] == ["other"]

    add_quarantined(path, [fresh("desk").model_copy(update={"case": "bridge"})])
    assert load_quarantine(path, TODAY).find("desk", "bridge").reason == "it's flaky: 3 of 14"  # type: ignore[union-attr]
    assert path.read_text().count("board: desk") == 2


def test_an_entry_that_holds_is_not_renewed(path: Path) -> None:
    add_quarantined(path, [fresh("later")])
    assert path.read_text().startswith(TEXT)
    assert path.read_text().count("board: later") == 2


def test_a_reason_that_is_written_elsewhere_stays_there(path: Path) -> None:
    path.write_text(
        "quarantine:\n- {board: old, reason: &why the hub, since: 2026-11-01, until: 2026-12-31}\n"
        "- {board: desk, reason: *why, since: 2026-11-01, until: 2026-11-15}\n"
    )
    add_quarantined(path, [fresh("desk")])
    old, new = load_quarantine(path, TODAY).entries
    assert (old.reason, new) == ("the hub", fresh("desk"))


@pytest.mark.parametrize(
    ("board", "given", "said"),
    [
        ("microbit", (), None),
        ("microbyte", (), "line 2, key 'quarantine.0.board': there is no board 'microbyte'"),
        ("mine", ("{}/mine.yaml",), None),
        ("other", ("{}/mine.yaml",), None),
        ("another", ("{}/mine.yaml",), "there is no board 'another'"),
        ("other", ("microbit",), "there is no board 'other'"),
    ],
)
def test_a_board_that_is_none_is_told_by_line(path: Path, board: str, given: tuple[str, ...], said: str | None) -> None:
    (path.parent / "other.yaml").touch()
    path.write_text(f"quarantine:\n- {{board: {board}, reason: x, since: 2026-11-01, until: 2026-11-15}}\n")
    boards = [each.format(path.parent) for each in given]
    if said is None:
        check_boards(path, boards)
        return
    with pytest.raises(InputError, match=said) as caught:
        check_boards(path, boards)
    assert "known boards: " in (caught.value.hint or "")


def test_a_case_that_no_test_was_of_is_told(path: Path) -> None:
    ran = [("desk", "bridges"), ("desk", "lane"), ("later", "lane")]
    (told,) = unmatched_cases(path, TODAY, ran)
    assert "line 7, key 'quarantine.1.case': no test on desk was of a case 'bridge'; did you mean 'bridges'?" in told
    assert unmatched_cases(path, TODAY, [("desk", "bridge")]) == unmatched_cases(path, TODAY, [("later", "x")]) == []
    assert unmatched_cases(path, dt.date(2027, 1, 1), ran) == []


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
