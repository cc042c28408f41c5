"""A probe of the right kind is asked for its board: by its own id, and where it has none by the chip behind it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pyocd.core import exceptions  # type: ignore[import-untyped] # has annotations but no py.typed
from pyocd.core.helpers import ConnectHelper  # type: ignore[import-untyped]

from hil.errors import FlashError, RigError
from hil.find.match import lists
from hil.probe.chip_check import WrongChipError
from hil.probe.lock import IMPATIENT, ProbeBusyError, ProbeLock, holder_of
from hil.probe.pyocd_errors import no_pyocd_log
from hil.probe.session import ProbeSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.board import Board
    from hil.find.probes import Probe


_ASKED: Final = "that asks which board it is part of"
_ASKING_S: Final = 20.0
_AGAIN_S: Final = 0.05


class Is(Enum):
    """What came out."""

    THE_BOARD = "it is part of this board"
    ANOTHER = "it is part of another"
    UNKNOWN = "nobody knows"


@dataclass(frozen=True)
class Identified:
    """What a probe is part of.

    Attributes:
        is_: whether it is the board.
        why: where that is not known, the reason.
    """

    is_: Is
    why: str = ""


def identify(board: Board, probe: Probe, wait: Callable[[float], None] = time.sleep) -> Identified:
    """Open a probe for a moment, and ask it, then its chip, whether they are a board. What runs there runs on.

    A probe that another run has is left alone: its record says as which board it is used. One that is only being asked
    is waited for.
    """
    deadline = time.monotonic() + _ASKING_S
    while True:
        try:
            with ProbeLock(probe.uid, "", IMPATIENT, _ASKED):
                return _ask(board, probe)
        except ProbeBusyError as busy:
            holder = holder_of(probe.uid)
            if holder is not None and holder.board:
                return Identified(Is.THE_BOARD if holder.board == board.name else Is.ANOTHER)
            if time.monotonic() > deadline or (holder is not None and holder.purpose != _ASKED):
                return Identified(Is.UNKNOWN, busy.message)
            wait(_AGAIN_S)


def _ask(board: Board, probe: Probe) -> Identified:
    with no_pyocd_log():
        said = _board_id(probe)
    known = board.probe.board_ids if board.probe else ()
    if said and known:
        return Identified(Is.THE_BOARD if lists(board, said) else Is.ANOTHER)
    if board.chip_ids is None:
        return Identified(Is.UNKNOWN, f"probe {probe.uid} does not say which board it is part of")
    try:
        with ProbeSession(board, probe.uid, locks=False, recovers=False):
            return Identified(Is.THE_BOARD)
    except WrongChipError:
        return Identified(Is.ANOTHER)
    except (RigError, FlashError) as error:
        why = f"{error.message} ({error.cause})" if error.cause else error.message
        return Identified(Is.UNKNOWN, why)


def _board_id(probe: Probe) -> str:
    """The id that the probe's own firmware tells; empty where it tells none."""
    try:
        found: list[Any] = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=probe.pyocd_uid)
        return str(getattr(found[0], "board_id", None) or "") if len(found) == 1 else ""
    except (exceptions.Error, OSError):
        return ""
