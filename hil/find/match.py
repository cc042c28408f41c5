"""Whether a probe that is plugged in could be part of a board, by what is known of it without opening it."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from hil.board import board_names, load_board
from hil.errors import HilError

if TYPE_CHECKING:
    from hil.board import Board
    from hil.find.probes import Probe


class Fit(Enum):
    """What is known of a probe and a board."""

    YES = "it says that it is part of this board"
    ASK = "it is of the kind that the board carries, and its board is not known"
    STRAY = "it may hang on any board"
    NO = "it is part of another board"


def pluggable_boards() -> list[Board]:
    """All boards that can be plugged in, of files that can be read: 'hil boards' says what is wrong with others."""
    found = []
    for name in board_names():
        with suppress(HilError):
            found.append(load_board(name))
    return [board for board in found if board.pyocd_target is not None]


def lists(board: Board, board_id: str) -> bool:
    """Whether the board's file has the id that a probe's firmware tells, or the begin of it."""
    known = board.probe.board_ids if board.probe is not None else ()
    return board_id.casefold().startswith(tuple(each.casefold() for each in known))


def fit(board: Board, probe: Probe) -> Fit:
    """Hold a probe against a board's file.

    Where the file says nothing of a probe, the part decides that pyOCD knows the board with its id to have.
    """
    known = board.probe
    on_board = known is not None and any(
        (each.vid, each.pid) == (probe.usb.vendor, probe.usb.product_id) for each in known.usb
    )
    if known is not None and known.board_ids and probe.board_id:
        return Fit.YES if lists(board, probe.board_id) and on_board else Fit.NO
    if probe.target is not None:
        return Fit.YES if probe.target == board.pyocd_target else Fit.NO
    return Fit.ASK if on_board else Fit.STRAY
