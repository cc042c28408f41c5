from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hil.board import board_label, board_names, board_schema, load_board, load_board_file
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


def test_the_published_schema_is_that_of_this_version() -> None:
    """``hil boards --schema > boards/schema.json`` makes it."""
    published = json.loads((boards_dir() / "schema.json").read_text(encoding="utf-8"))
    assert published == board_schema()


@pytest.mark.parametrize("name", board_names())
def test_a_shipped_board_offers_the_schema_to_editors(name: str) -> None:
    text = (boards_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")


def test_every_key_of_a_board_is_explained() -> None:
    definitions = board_schema()["$defs"]
    for definition in (*definitions.values(), board_schema()):
        assert definition["description"]
    for key in ("marker", "image_slot", "clock_hz", "pyocd_target"):
        assert board_schema()["properties"][key]["description"]


def test_a_current_that_nobody_looked_up_is_unknown_in_words() -> None:
    stop = next(each for each in load_board("nucleo-l031").currents if each.state == "stop")
    assert stop.typical_uA == pytest.approx(0.35)
    assert stop.maximum_uA == "unknown"


def test_an_unknown_board_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError) as caught:
        load_board("micro-bit")
    assert str(caught.value).startswith(
        "there is no board 'micro-bit'\n  hint: did you mean 'microbit'? known boards: "
    )


def test_a_board_of_ones_own_is_found_by_path_and_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "my-board.yaml"
    path.write_text(GOOD.replace("name: microbit", "name: my-board", 1), encoding="utf-8")
    assert load_board(str(path)).name == board_label(str(path)) == "my-board"
    monkeypatch.chdir(tmp_path)
    assert load_board("./my-board.yaml").name == load_board("my-board.yaml").name == "my-board"
    with pytest.raises(InputError, match="there is no board 'my-board'"):
        load_board("my-board")
    monkeypatch.setenv("HIL_BOARDS", f"{tmp_path / 'absent'}:{tmp_path}")
    assert load_board("my-board").name == "my-board"
    assert {"my-board", "microbit"} <= set(board_names())


def test_a_board_file_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"board file .*absent\.yaml cannot be read"):
        load_board(str(tmp_path / "absent.yaml"))
    path = tmp_path / "other.yaml"
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(InputError, match="describes board 'microbit'") as caught:
        load_board(str(path))
    assert caught.value.hint == "name the file microbit.yaml, or the board so"


def test_what_is_missing_is_told_with_what_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "microbit.yaml"
    path.write_text(GOOD.replace("part: nRF51822-QFAA\n", ""), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_board_file(path)
    assert str(caught.value) == f"board file {path}, line 1, key 'part': missing\n  hint: part: Its microcontroller."
    path.write_text(GOOD.replace("  ram: ", "  rom: "), encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'ram'"):
        load_board_file(path)
    path.write_text(GOOD.replace("part: nRF", "prat: nRF"), encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'part'"):  # 'port' is as near, and is there
        load_board_file(path)


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("core: cortex-m0", "core: cortex-m7", "core", "'cortex-m0'"),
        ("core: cortex-m0", "cor: cortex-m0", "cor", "did you mean 'core'"),
        ("clock_hz: 16000000", "clock_hz: fast", "clock_hz", "integer"),
        ("{baud: 115200,", "{bauds: 115200,", "links.uart.bauds", "did you mean 'baud'"),
        ("backend: qemu", "backend: bochs", "emulators.0.backend", "'qemu'"),
        ("bytes: 0x4000}", "bytes: 0}", "memory.ram.bytes", "greater than 0"),
        ("bytes: 0x4000}", "bytes: true}", "memory.ram.bytes", "integer"),
        ("bytes: 0x4000}", "bytes: 0x100000000000000000000}", "memory.ram.bytes", "less than or equal to"),
        ("page_bytes: 0x400}", "page_bytes: 0x100000000000}", "memory.flash.page_bytes", "less than or equal to"),
        ("clock_hz: 16000000", "clock_hz: -1", "clock_hz", "greater than 0"),
        ("clock_hz: 16000000", "clock_hz: .nan", "clock_hz", "integer"),
        ("clock_hz: 16000000", "clock_hz: '16000000'", "clock_hz", "integer"),
        ("clock_hz: 16000000", "clock_hz: 16000000000000", "clock_hz", "less than or equal to"),
        ("{origin: 0x00020000, bytes: 0x20000}", "{origin: 0x30000, bytes: 0x20000}", "image_slot", "within the flash"),
        (
            "page_bytes: 0x400}",
            "page_bytes: 0x400, fetch_wait_states: [{up_to_hz: 32000000, cycles: 1}, {up_to_hz: 16000000, cycles: 0}]}",
            "memory.flash.fetch_wait_states",
            "from the slowest clock to the fastest",
        ),
        (
            "page_bytes: 0x400}",
            "page_bytes: 0x400, fetch_wait_states: 1}",
            "memory.flash.fetch_wait_states",
            "tuple",
        ),
        ("multiply_cycles: 1", "multiply_cycles: true", "timing.multiply_cycles", "1 or 32"),
        ("multiply_cycles: 1", "multiply_cycles: 1.0", "timing.multiply_cycles", "1 or 32"),
        ("multiply_cycles: 1", "multiply_cycles: 2", "timing.multiply_cycles", "1 or 32"),
        ("baud: 115200", "baud: .inf", "links.uart.baud", "integer"),
        ("baud: 115200", "baud: 10000000000", "links.uart.baud", "less than or equal to"),
        ("tolerance: 0.01", "tolerance: .nan", "counter.tolerance", "finite"),
        ("tolerance: 0.01", "tolerance: 1", "counter.tolerance", "less than 1"),
        ("tolerance: 0.01", "tolerance: -0.1", "counter.tolerance", "greater than or equal to 0"),
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
    assert "\n  hint: " in said


def test_a_clock_that_is_too_fast_for_a_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "microbit.yaml"

    def written(limit: int) -> str:
        steps = f"[{{up_to_hz: 8000000, cycles: 0}}, {{up_to_hz: {limit}, cycles: 2}}]"
        text = GOOD.replace("page_bytes: 0x400}", f"page_bytes: 0x400, fetch_wait_states: {steps}}}")
        path.write_text(text, encoding="utf-8")
        return text

    written(16000000)
    flash = load_board_file(path).memory.flash
    assert [flash.fetch_waits(clock_hz) for clock_hz in (1, 8000000, 8000001, 16000000)] == [0, 0, 2, 2]
    text = written(15999999)
    with pytest.raises(InputError) as caught:
        load_board_file(path)
    where = f"board file {path}, line {line_of(text, 'memory:')}, key 'memory': "
    assert caught.value.message == f"{where}flash.fetch_wait_states ends at 15999999 Hz, and clock_hz is 16000000"
