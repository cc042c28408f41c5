"""``hil build``: the firmware of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.board import load_board
from hil.build import build
from hil.dut.board_check import check_board
from hil.dut.options import DutOptions

if TYPE_CHECKING:
    from rich.console import Console


def build_board(name: str, link: str, console: Console) -> None:
    """Build a board's firmware, unless it is in the cache, and print its sizes and where it is.

    Raises:
        InputError: an unknown board, a link that it has not, or a file that does not fit its port or its part.
        BuildError: the firmware cannot be built.
    """
    board = load_board(name)
    DutOptions(link=link).check(board)
    check_board(board)
    artefact = build(board, link=link, progress=console.print)
    console.print(artefact.size_report())
    console.print(f"  {'from the cache' if artefact.cached else 'built'}: {artefact.hex or artefact.elf}")
