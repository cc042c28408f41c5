"""The firmware of every board, built once and side by side; from hil's own cache where it is there already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from hil.board import Board, board_names, load_board
from hil.build import build

if TYPE_CHECKING:
    from hil.build import Artefact

BUILDS_AT_ONCE = 2


def chips() -> list[Board]:
    """All boards but the host."""
    return [board for board in map(load_board, board_names()) if board.core != "host"]


@cache
def firmwares() -> dict[str, Artefact]:
    """By the board's name, with the link over a UART."""
    with ThreadPoolExecutor(BUILDS_AT_ONCE) as pool:
        return {artefact.board_name: artefact for artefact in pool.map(build, chips())}


def image(name: str) -> bytes:
    """What is flashed from the flash's first address on."""
    binary = firmwares()[name].bin
    assert binary is not None
    return binary.read_bytes()
