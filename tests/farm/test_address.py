"""What a person writes after --farm, and what is asked for with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.board import load_board
from hil.dut.options import DutOptions
from hil.errors import InputError
from hil.farm.address import FarmAddress

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9]{0,9})?", fullmatch=True)


@given(host=NAMES, port=st.none() | st.integers(1, 65535), place=st.text("abc/-_. 1", max_size=9))
def test_an_address_is_read_as_it_is_written(host: str, port: int | None, place: str) -> None:
    text = host + (f":{port}" if port else "") + (f"/{place}" if place else "")
    address = FarmAddress.parse(text)
    assert address == FarmAddress(f"{host}:{port or 20408}", place)
    assert FarmAddress.parse(str(address)) == address


def test_an_address_of_the_sixth_version() -> None:
    assert FarmAddress.parse("[::1]/desk") == FarmAddress("[::1]:20408", "desk")


@pytest.mark.parametrize("text", ["", "/desk", ":20408", "lab:", "lab:port", "lab:99999", "me@lab:1", "a:b:c"])
def test_what_is_no_address_is_said_so(text: str) -> None:
    with pytest.raises(InputError, match=r"is no address of a farm") as caught:
        FarmAddress.parse(text)
    assert "HOST:PORT/PLACE" in caught.value.hint


@pytest.mark.parametrize(
    ("board", "more", "words"),
    [
        ("nucleo-l031", {"probe": "1"}, "--farm finds probe and port by itself"),
        ("nucleo-l031", {"port": "/dev/ttyACM0"}, "--farm finds probe and port by itself"),
        ("nucleo-l031", {"may_erase": True}, "a board of a farm is not erased whole: it is others' as well"),
        ("nucleo-l031", {"meter": "ppk2:/dev/ttyACM0"}, "no analyzer of this computer measures a board of a farm"),
        ("nucleo-l031", {"link": "spi"}, "a farm's places have no link over SPI"),
        ("host", {}, "board 'host' is a process on this computer: no farm has it"),
        ("nucleo-l031", {"farm": "lab:"}, "is no address of a farm"),
    ],
)
def test_options_that_do_not_go_with_a_farm(board: str, more: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        DutOptions(**{"farm": "lab", **more}).check(load_board(board))
