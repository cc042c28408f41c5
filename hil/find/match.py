"""Whether a probe that is plugged in could be part of a board, by what is known of it without opening it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.board import Board
    from hil.find.probes import Probe


class Fit(Enum):
    """What is known of a probe and a board."""

    YES = "it says that it is part of this board"
    ASK = "it is of the kind that the board carries, and its board is not known"
    STRAY = "it may hang on any board"
    NO = "it is part of another board"


def fit(board: Board, probe: Probe) -> Fit:
    """Hold a probe against a board's file.

    Where the file says nothing of a probe, the part decides that pyOCD knows the board with its id to have.
    """
    known = board.probe
    on_board = known is not None and any(
        (each.vid, each.pid) == (probe.usb.vendor, probe.usb.product_id) for each in known.usb
    )
    if known is not None and known.board_ids and probe.board_id:
        listed = probe.board_id.casefold().startswith(tuple(each.casefold() for each in known.board_ids))
        return Fit.YES if listed and on_board else Fit.NO
    if probe.target is not None:
        return Fit.YES if probe.target == board.pyocd_target else Fit.NO
    return Fit.ASK if on_board else Fit.STRAY
