"""A board of the user's own, described in a file outside hil, is built, powered, flashed and run like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.resources import boards_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]

DUT_TEST = """
def test_name(board, dut):
    assert board.name == dut.provenance.board == "my-board"
"""


@pytest.fixture
def own_board(project: pytest.Pytester) -> Path:
    text = (boards_dir() / "microbit.yaml").read_text(encoding="utf-8")
    path = project.mkdir("shelf") / "my-board.yaml"
    path.write_text(text.replace("name: microbit", "name: my-board", 1), encoding="utf-8")
    return path


def test_a_board_is_given_by_its_file(
    project: pytest.Pytester, own_board: Path, write_case: Callable[[str], Path]
) -> None:
    write_case("boards: [my-board]\n")
    project.makepyfile(DUT_TEST)
    result = project.runpytest(f"--board={own_board}", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*bits?my-board? PASSED*", "*test_name?my-board? PASSED*"])


def test_a_folder_of_boards_is_known_by_their_names(
    project: pytest.Pytester, own_board: Path, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case("")
    monkeypatch.setenv("HIL_BOARDS", str(own_board.parent))
    result = project.runpytest("--board=my-board")
    result.assert_outcomes(passed=1)
