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


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bytes: 0x4000}", "bytes: 0x8000}", "line 18, key 'memory.ram.bytes': the part has 0x4000 bytes"),
        ("P0.24", "PA2", "line 21, key 'links.uart.tx': port 'nrf51' cannot transmit on 'PA2'"),
        ("port: nrf51", "port: nrf5", "line 10, key 'port': there is no folder nrf5 in "),
    ],
)
def test_a_mistake_in_it_ends_the_run_before_anything_is_built(  # noqa: PLR0917
    project: pytest.Pytester, own_board: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(project.path / "cache"))
    own_board.write_text(own_board.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    project.makepyfile(DUT_TEST)
    result = project.runpytest("--board=shelf/my-board.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: board file shelf/my-board.yaml, {says}*", "  hint: *"])
    assert not (project.path / "cache").exists()
    assert not (project.path / "state").exists()
