"""A new board of a family that there is a port for is one file, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build
from hil.dut.board_check import check_board
from hil.errors import InputError
from hil.resources import boards_dir, firmware_dir
from tests.boards.firmwares import chips

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, like: str, *changes: tuple[str, str]) -> str:
    text = (boards_dir() / f"{like}.yaml").read_text(encoding="utf-8")
    for old, new in (*changes, (f"name: {like}", "name: my-board")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "my-board.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_copy_with_another_name_and_part_builds(tmp_path: Path) -> None:
    """An STM32L072RZ: an L073 without its LCD. Its pyOCD target comes from a pack, so a copy without names none."""
    path = written(
        tmp_path, "nucleo-l073", ("part: STM32L073RZ", "part: STM32L072RZ"), ("pyocd_target: stm32l073rztx", "#")
    )
    board = load_board(path)
    check_board(board)
    artefact = build(board)
    assert artefact.board_name == "my-board"
    assert artefact.bin is not None
    assert b"my-board" in artefact.bin.read_bytes()
    assert 0 < artefact.flash_bytes < artefact.flash_limit


def test_a_target_that_only_a_pack_has_is_asked_for_in_words(tmp_path: Path) -> None:
    path = written(tmp_path, "nucleo-l073", ("pyocd_target: stm32l073rztx", "pyocd_target: stm32l072rztx"))
    with pytest.raises(InputError, match=r"key 'pyocd_target': pyOCD knows no target 'stm32l072rztx'") as caught:
        check_board(load_board(path))
    assert "'pyocd pack find' what can be installed" in str(caught.value)


def test_every_port_has_a_board() -> None:
    ports = {path.parent.name for path in (firmware_dir() / "port").glob("*/port.cmake")}
    assert ports == {board.port for board in chips()} | {"host"}
    assert {path.parent.name for path in (firmware_dir() / "port").glob("*/port.yaml")} == ports - {"host"}


def test_nothing_is_said_to_have_run_on_silicon() -> None:
    """No board is attached to the machines that this is developed on. Who has run one writes so, with this list."""
    assert [board.name for board in chips() if board.run_on_silicon] == []


def test_the_readme_lists_every_board_and_where_it_runs() -> None:
    text = (boards_dir().parent / "README.md").read_text(encoding="utf-8")
    lines = {line.split("|")[1].strip(): line for line in text.partition("## Boards")[2].splitlines() if "|" in line}
    for board in chips():
        line = lines[board.name]
        assert board.part in line
        for backend, words in (("twin", "twin"), ("qemu", "QEMU")):
            assert (board.emulator(backend) is not None) == (words in line), line
        assert ("no, emulated only" if board.emulators else "no, built only") in line
