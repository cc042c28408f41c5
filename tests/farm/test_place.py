"""What is made of a place's tags and resources; nothing is connected to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import hil.dut.farm as dut_farm
from hil.board import load_board
from hil.dut.farm import check_kind, fitting_places
from hil.dut.options import DutOptions
from hil.dut.selection import select
from hil.errors import RigError
from hil.farm.place import Place, Resource, name_holder

BOARD = load_board("nucleo-l031")
SERIAL = {"name": "RawSerialPort", "cls": "NetworkSerialPort", "params": {"host": "h", "port": 7}}
PROBE = {"name": "NetworkService", "cls": "NetworkService", "params": {"address": "a", "port": 5}}


def place(*resources: dict[str, Any], **tags: str) -> Place:
    told = [{"available": True, **each} for each in resources]
    return Place.of({"name": "desk", "tags": tags, "holder": "", "resources": told})


def test_probe_and_port_are_where_the_resources_say() -> None:
    there = place(SERIAL, PROBE)
    assert there.probe_uid == "remote:a:5"
    assert there.port_url == "rfc2217://h:7?ign_set_control"
    raw = {**SERIAL, "params": {**SERIAL["params"], "protocol": "raw"}}
    assert place(raw).port_url == "socket://h:7"


def test_of_several_resources_of_a_kind_those_with_the_right_name() -> None:
    others = ({**SERIAL, "name": "console", "params": {"host": "x", "port": 1}}, {**PROBE, "name": "ssh"})
    there = place(*others, {**SERIAL, "name": "serial"}, {**PROBE, "name": "probe"})
    assert (there.probe_uid, there.port_url) == ("remote:a:5", "rfc2217://h:7?ign_set_control")
    with pytest.raises(RigError, match="no NetworkSerialPort called 'serial'"):
        _ = place(*others, {**SERIAL, "name": "other"}).port_url


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({**SERIAL, "params": {"host": "h", "port": None}}, "is not served by its exporter"),
        ({**SERIAL, "available": False}, "RawSerialPort of place 'desk' is not plugged in"),
        (PROBE, "no NetworkSerialPort called 'serial', a serial port"),
    ],
)
def test_a_port_that_is_not_there(resource: dict[str, Any], words: str) -> None:
    with pytest.raises(RigError, match=words):
        _ = place(resource).port_url


def test_a_probe_that_is_not_there() -> None:
    with pytest.raises(RigError, match="no NetworkService called 'probe'") as caught:
        _ = place(SERIAL).probe_uid
    assert "its resources: RawSerialPort (NetworkSerialPort)" in caught.value.hint


def test_holders_in_words() -> None:
    assert name_holder("desk7/ann.lee.hil-4026531836-12-13") == "process 12 of ann.lee on desk7"
    assert name_holder("desk7/ann") == "ann on desk7"
    assert name_holder("ann") == "ann"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    places = [
        Place("a", "nucleo-l031", "twin"),
        Place("b", "nucleo-l031", "hardware"),
        Place("c", "microbit", "qemu"),
        Place("d", "nucleo-l031", "hardware"),
        Place("e", "", "hardware"),
    ]
    monkeypatch.setattr(dut_farm, "list_places", lambda _: places)
    return places


@pytest.mark.parametrize(
    ("farm", "backend", "names", "emulated", "shared"),
    [
        ("lab", "auto", ("b", "d"), False, False),
        ("lab", "hardware", ("b", "d"), False, False),
        ("lab", "twin", ("a",), True, True),
        ("lab/d", "auto", ("d",), False, True),
        ("lab/a", "auto", ("a",), True, True),
    ],
)
def test_which_places_fit(
    there: list[Place], farm: str, backend: str, names: tuple[str, ...], *, emulated: bool, shared: bool
) -> None:
    assert there
    selection = select(BOARD, DutOptions(farm=farm, backend=backend))
    assert (selection.farm.names, selection.emulated, selection.shared) == (names, emulated, shared)
    assert selection.backend == ("twin" if emulated else "hardware")


@pytest.mark.parametrize(
    ("farm", "board", "backend", "words"),
    [
        ("lab/x", "nucleo-l031", "auto", "the farm lab:20408 has no place 'x'"),
        ("lab/e", "nucleo-l031", "auto", "place 'e' does not have board 'nucleo-l031': it has no tag 'board'"),
        ("lab/c", "nucleo-l031", "auto", "its tag 'board' is 'microbit'"),
        ("lab", "microbit", "hardware", "no place of the farm lab:20408 has board 'microbit' with backend 'hardware'"),
        ("lab/b", "nucleo-l031", "twin", "has board 'nucleo-l031' with backend 'twin'"),
    ],
)
def test_no_place_fits(there: list[Place], farm: str, board: str, backend: str, words: str) -> None:
    assert there
    with pytest.raises(RigError, match=words):
        fitting_places(load_board(board), DutOptions(farm=farm, backend=backend))


def test_no_place_has_the_board(there: list[Place]) -> None:
    there[:] = [each for each in there if each.board != "microbit"]
    with pytest.raises(RigError, match="no place with board 'microbit': it has places with nucleo-l031") as caught:
        fitting_places(load_board("microbit"), DutOptions(farm="lab"))
    assert "-p PLACE set-tags board=microbit" in caught.value.hint


@dataclass
class _Held:
    place: Place


@pytest.mark.parametrize(
    ("backend", "behind", "words"),
    [
        ("hardware", "emulated:nucleo-l031", "an emulated board, and no tag of the place says so"),
        ("twin", "066DFF303435", "says that its board is emulated by 'twin', but its probe is '066DFF303435'"),
        ("hardware", "066DFF303435", ""),
        ("twin", "emulated:nucleo-l031.2", ""),
    ],
)
def test_a_probe_of_another_kind_than_its_place_says_is_refused(backend: str, behind: str, words: str) -> None:
    held = _Held(Place("desk", "nucleo-l031", backend, resources=(Resource("x", "y", {}),)))
    if not words:
        check_kind(held, behind)
        return
    with pytest.raises(RigError, match=words):
        check_kind(held, behind)
