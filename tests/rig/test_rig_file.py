"""The rig file: written by a scan, edited by people, and what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from hil.board import load_board
from hil.cli import app
from hil.dut import attached, rig_scan
from hil.dut.options import DutOptions
from hil.dut.selection import Selection, select
from hil.errors import InputError, RigError
from hil.probe.identify import Identified, Is
from hil.rig import load_rig, rig_path
from tests.rig.trees import FTDI_CABLE, MICROBIT, STLINK_V2, STLINK_V21, Device

if TYPE_CHECKING:
    from pathlib import Path

    from tests.rig.trees import Computer

NUCLEO = load_board("nucleo-l031")
FIRST = STLINK_V21.with_page("0790")
SECOND = STLINK_V21.with_serial("0672FF485550755187121724").with_page("0790")
PPK2 = Device(0x1915, 0xC00A, "D1A2B3C4", "Nordic", "PPK2", ("CDC", "CDC Data"), tty=((0, "ttyACM"),))
FT232H = Device(0x0403, 0x6014, "FT5X1", "FTDI", "C232HM", ("C232HM",))
EDITED = """\
# bench of Anna
boards:
  nucleo-l031:      # the one with the blue dot
    probe: 0672ff485550755187121724
    port: /dev/ttyUSB7   # by a cable
    bridge: spidev:/dev/spidev0.0
  other:
    probe: "1234"
"""


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def identify(_: object, probe: object) -> Identified:
        found.append(probe.uid)  # type: ignore[attr-defined]
        return Identified(Is.UNKNOWN, f"probe {probe.uid} is deaf")  # type: ignore[attr-defined]

    for module in (attached, rig_scan):
        monkeypatch.setattr(module, "identify", identify)
    return found


def hil(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def write(text: str) -> Path:
    path = rig_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_scan_writes_every_board_and_what_there_is_one_of(computer: Computer, tmp_path: Path) -> None:
    computer.plug("1-4", FIRST)
    computer.plug("1-2", FT232H)
    computer.plug("1-3", PPK2)
    printed = hil("rig", "scan")
    path = tmp_path / "config/hil/rig.yaml"
    assert rig_path() == path
    assert printed.splitlines() == [
        "added    nucleo-l031: probe 066DFF485550755187121723, USB 1-4",
        f"rig file {path}",
    ]
    entry = load_rig().of("nucleo-l031")
    assert entry.probe == FIRST.serial
    assert (entry.port, entry.bridge, entry.analyzer) == (None, "ftdi://ftdi:232h/1", "ppk2:/dev/ttyACM1")
    text = path.read_text()
    assert text.startswith("# What is plugged in on this bench")
    assert text.count("check that it is wired") == 2
    before = path.stat()
    assert hil("rig", "scan").startswith("known    nucleo-l031")
    assert path.read_text() == text
    assert path.stat().st_ino == before.st_ino  # not even written anew


def test_equal_boards_get_numbers_and_no_instrument(computer: Computer) -> None:
    computer.plug("1-1", PPK2)
    computer.plug("1-4", FIRST)
    computer.plug("1-2", SECOND)
    computer.plug("1-3", MICROBIT)
    hil("rig", "scan")
    boards = load_rig().boards
    assert {key: entry.probe for key, entry in boards.items()} == {
        "nucleo-l031": SECOND.serial,  # by their places
        "nucleo-l031.2": FIRST.serial,
        "microbit": MICROBIT.serial,
    }
    assert all(entry.analyzer is None for entry in boards.values())
    assert select(NUCLEO, DutOptions()).probe == SECOND.serial
    assert select(NUCLEO, DutOptions(probe="066D")).probe == FIRST.serial


def test_a_scan_keeps_what_a_person_wrote(computer: Computer) -> None:
    path = write(EDITED)
    computer.plug("1-4", FIRST)
    computer.plug("1-2", SECOND)
    computer.plug("1-3", STLINK_V2)
    printed = hil("rig", "scan")
    assert "added    nucleo-l031.2: probe 066DFF485550755187121723, USB 1-4" in printed
    assert "known    nucleo-l031: probe 0672FF485550755187121724, USB 1-2" in printed
    assert "absent   other: its probe is not plugged in; the entry stays" in printed
    assert "unknown  probe 606162636465666768696A6B (STMicroelectronics STM32 STLink) at USB 1-3: " in printed
    text = path.read_text()
    assert text.startswith(EDITED.rstrip("\n"))
    assert text[len(EDITED) :] == "  nucleo-l031.2:\n    probe: 066DFF485550755187121723\n"


def test_show_prints_what_is_understood_and_what_is_there(computer: Computer) -> None:
    write(EDITED.replace("boards:", "bench: lab 3\nboards:"))
    computer.plug("1-2", SECOND)
    lines = hil("rig", "show").splitlines()
    assert lines[0] == f"rig file {rig_path()}, bench lab 3"
    assert lines[2].split() == [
        "nucleo-l031",
        "0672ff485550755187121724",
        "USB",
        "1-2",
        "/dev/ttyUSB7",
        "spidev:/dev/spidev0.0",
        "-",
    ]
    assert lines[3].split() == ["other", "1234", "no", "-", "-", "-"]


def test_the_rig_file_tells_equal_boards_apart(computer: Computer, asked: list[str]) -> None:
    write(EDITED)
    computer.plug("1-4", FIRST)
    computer.plug("1-2", SECOND)
    given = select(NUCLEO, DutOptions())
    assert given == Selection("hardware", emulated=False, probe=str(SECOND.serial), port="/dev/ttyUSB7")
    assert select(NUCLEO, DutOptions(link="spi")).port == "spidev:/dev/spidev0.0"
    assert select(NUCLEO, DutOptions(port="/dev/x")).port == "/dev/x"
    other = select(NUCLEO, DutOptions(probe="066DFF"))  # the entry's port is not that one's
    assert (other.probe, other.port) == (FIRST.serial, "/dev/ttyACM0")
    assert select(NUCLEO, DutOptions(backend="twin")).emulated
    assert asked == []


def test_what_is_wired_to_a_board_whose_probe_is_found_by_itself(computer: Computer) -> None:
    write("boards: {nucleo-l031: {bridge: 'spidev:/dev/spidev0.0', analyzer: 'ppk2:/dev/ttyACM9'}}\n")
    computer.plug("1-4", FIRST)
    for probe in (None, str(FIRST.serial)):
        given = select(NUCLEO, DutOptions(probe=probe, link="spi"))
        assert (given.probe, given.port) == (FIRST.serial, "spidev:/dev/spidev0.0")
        assert load_rig().of("nucleo-l031", given.probe).analyzer == "ppk2:/dev/ttyACM9"
    assert load_rig().of("microbit", "066D").analyzer is None


def test_a_board_of_the_rig_file_that_is_not_plugged_in(computer: Computer) -> None:
    path = write(EDITED)
    computer.plug("1-4", FIRST)
    given = select(NUCLEO, DutOptions())
    assert given.emulated
    assert given.reason == (f"no board attached: probe 0672ff485550755187121724 of rig file {path} is not plugged in")
    with pytest.raises(RigError, match="no debug probe '0672ff485550755187121724' is attached") as caught:
        select(NUCLEO, DutOptions(backend="hardware"))
    assert caught.value.cause == f"rig file {path} names it"


def test_a_file_can_be_named_by_option_and_by_variable(
    computer: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.plug("1-4", FIRST)
    computer.plug("1-2", SECOND)
    for name, probe in (("a", FIRST), ("b", SECOND)):
        (tmp_path / name).write_text(f"boards: {{nucleo-l031: {{probe: {probe.serial}}}}}\n")
    monkeypatch.setenv("HIL_RIG", str(tmp_path / "a"))
    assert select(NUCLEO, DutOptions()).probe == FIRST.serial
    assert select(NUCLEO, DutOptions(rig=tmp_path / "b")).probe == SECOND.serial
    monkeypatch.setenv("HIL_RIG", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"there is no rig file .*none\n  hint: 'hil rig scan' writes one"):
        load_rig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("boards:\n  nucleo-l031:\n    prob: 1\n", r"line 3, key 'boards.nucleo-l031.prob': unknown key"),
        ("boards:\n  nucleo-l031:\n    probe: 066\n", r"line 3, key 'boards.nucleo-l031.probe': input should be"),
        ("boards:\n  Nucleo L031: {}\n", r"line 2, key 'boards.Nucleo L031.*': 'Nucleo L031' is no name of a board"),
        ("bords: {}\n", r"line 1, key 'bords': unknown key\n  hint: .*boards"),
        ("", "is empty"),
    ],
)
def test_mistakes_are_told_by_file_and_line(text: str, words: str) -> None:
    path = write(text)
    with pytest.raises(InputError, match=rf"rig file {path}.*{words}"):
        load_rig()


def test_a_scan_refuses_a_file_that_is_none(computer: Computer) -> None:
    path = write("boards: [1]\n")
    computer.plug("1-4", FIRST)
    with pytest.raises(InputError, match="rig file"):
        hil("rig", "scan")
    assert path.read_text() == "boards: [1]\n"


def test_nothing_plugged_in(computer: Computer) -> None:
    computer.plug("1-1", FTDI_CABLE)
    assert hil("rig", "scan").startswith("no debug probe is plugged in\n")
    with pytest.raises(InputError, match="there is no rig file"):
        load_rig(rig_path().with_name("x.yaml"))


def test_show_without_a_file(computer: Computer) -> None:
    with pytest.raises(InputError, match="there is no rig file"):
        hil("rig", "show")
    assert computer.ports() == []
