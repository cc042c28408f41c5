"""``hil boards``: what can be named with ``--board``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hil.board import board_names, board_schema, load_board
from hil.report.terminal import table

if TYPE_CHECKING:
    from rich.console import Console

    from hil.board import Board

_HEADINGS = ("board", "part", "core", "MHz", "flash KiB", "RAM KiB", "port", "links", "emulators", "run on silicon")
_NUMBERS = frozenset({"MHz", "flash KiB", "RAM KiB"})


def list_boards(console: Console) -> None:
    """Print one line a board."""
    for line in table(_HEADINGS, [_row(load_board(name)) for name in board_names()], _NUMBERS):
        console.print(line)


def print_schema() -> None:
    """Print the JSON schema of a board's file, for editors and for boards of one's own."""
    print(json.dumps(board_schema(), indent=2))  # noqa: T201 # no terminal's width may break it


def _row(board: Board) -> list[str]:
    links = [name for name in type(board.links).model_fields if getattr(board.links, name) is not None]
    return [
        board.name,
        board.part,
        board.core,
        f"{board.clock_hz / 1e6:g}",
        f"{board.memory.flash.bytes / 1024:g}",
        f"{board.memory.ram.bytes / 1024:g}",
        board.port,
        ", ".join(links),
        ", ".join(emulator.backend for emulator in board.emulators) or "none",
        _silicon(board),
    ]


def _silicon(board: Board) -> str:
    if board.core == "host":
        return "-"
    return "yes" if board.run_on_silicon else "no"
