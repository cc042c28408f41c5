"""Whether the core and the chip behind an open probe are those that a board's file says, before anything is erased."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

# pyOCD has annotations but no py.typed.
from pyocd.core.target import Target  # type: ignore[import-untyped]

from hil.errors import RigError
from hil.probe.pyocd_errors import pyocd_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.board import Board, ChipIds

_CORE_NAMES = {"cortex-m0": "Cortex-M0", "cortex-m0plus": "Cortex-M0+"}


class WrongChipError(RigError):
    """The probe hangs on another chip than the board has."""


def check_chip(board: Board, probe: str, target: Any) -> None:
    """Hold a core, and its chip where it tells, against a board's file.

    Args:
        board: the board that must be there.
        probe: uid of the probe, for the error.
        target: pyOCD's, connected.

    Raises:
        WrongChipError: another is there.
        RigError: the chip does not tell, and the board's file says where it would.
    """
    found = target.selected_core.name
    expected = _CORE_NAMES.get(board.core, board.core)
    if found != expected:
        raise WrongChipError(
            f"the core behind probe '{probe}' is a {found}, that of board '{board.name}' is a {expected}",
            hint="name the probe of the right board",
        )
    if board.chip_ids is None:
        return
    silent = f"the chip behind probe '{probe}' does not say what it is"
    with pyocd_errors(silent):
        chip = _chip_id(board.chip_ids, target)
    if not chip:
        raise RigError(silent, hint=f"is it the one of board '{board.name}'? Nothing was written")
    if chip not in board.chip_ids.values:
        expected = " or ".join(f"0x{value:x}" for value in board.chip_ids.values)
        raise WrongChipError(
            f"the chip behind probe '{probe}' says that it is 0x{chip:x}, that of board '{board.name}' is {expected}",
            hint="name the probe of the right board; nothing was written",
        )


def _chip_id(ids: ChipIds, target: Any) -> int:
    """What the chip says of itself; 0 where it says nothing."""
    if ids.clock is None:
        return int(target.read32(ids.address)) & ids.mask
    with _standing(target):  # the firmware may be about to write that register as well
        before = target.read32(ids.clock.address)
        target.write32(ids.clock.address, before | ids.clock.bits)
        try:
            return int(target.read32(ids.address)) & ids.mask
        finally:
            target.write32(ids.clock.address, before)


@contextmanager
def _standing(target: Any) -> Iterator[None]:
    """The core makes no step, if it did before."""
    goes = target.get_state() in {Target.State.RUNNING, Target.State.SLEEPING}
    if goes:
        target.halt()
    try:
        yield
    finally:
        if goes:
            target.resume()
