from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import board_names, load_board, load_board_file
from hil.errors import InputError
from hil.resources import boards_dir

if TYPE_CHECKING:
    from pathlib import Path

GOOD = (boards_dir() / "microbit.yaml").read_text(encoding="utf-8")


def line_of(text: str, part: str) -> int:
    return 1 + next(number for number, line in enumerate(text.splitlines()) if part in line)


@pytest.mark.parametrize("name", board_names())
def test_every_shipped_board_loads_under_its_own_name(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    for emulator in board.emulators:
        assert board.emulator(emulator.backend) is emulator


def test_an_unknown_board_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError) as caught:
        load_board("micro-bit")
    assert str(caught.value).startswith(
        "there is no board 'micro-bit'\n  hint: did you mean 'microbit'? known boards: "
    )


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("core: cortex-m0", "core: cortex-m7", "core", "'cortex-m0'"),
        ("core: cortex-m0", "cor: cortex-m0", "cor", "did you mean 'core'"),
        ("clock_hz: 16000000", "clock_hz: fast", "clock_hz", "integer"),
        ("{baud: 115200,", "{bauds: 115200,", "links.uart.bauds", "did you mean 'baud'"),
        ("backend: qemu", "backend: bochs", "emulators.0.backend", "'qemu'"),
        ("bytes: 0x4000}", "bytes: 0}", "memory.ram.bytes", "greater than 0"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(tmp_path: Path, old: str, new: str, key: str, words: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    path = tmp_path / "microbit.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_board_file(path)
    said = str(caught.value)
    assert said.startswith(f"board file {path}, line {line_of(text, new)}, key '{key}': ")
    assert words in said
