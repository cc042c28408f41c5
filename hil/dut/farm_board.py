"""A board at a place of a farm: the place is taken first, and a result counts only while it is held."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hil.dut.counting import Emulated
from hil.dut.farm import check_kind
from hil.dut.realised import ProbedBoard
from hil.errors import BoardGoneError, RigError
from hil.farm.coordinator import hold_place
from hil.flash import FlashSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.farm import FittingPlaces
    from hil.farm.coordinator import HeldPlace
    from hil.flash_mode import FlashMode


class FarmBoard(ProbedBoard):
    """A board behind a probe and a port that are both behind a network.

    Args:
        board: the board.
        artefact: its firmware.
        session: an open pyOCD session.
        held: the place, held.
        flash: when to write model images.
    """

    def __init__(
        self, board: Board, artefact: Artefact, session: FlashSession, held: HeldPlace, *, flash: FlashMode
    ) -> None:
        place = held.place
        reason = f"model: place '{place.name}' is of a farm, where nothing counts beside the board"
        super().__init__(
            board,
            artefact,
            session,
            place.probe_uid,
            lambda: place.port_url,
            flash=flash,
            counter=Emulated(reason=reason),
        )
        self.probe_uid = f"{place.probe_uid} (place {place.name})"
        self.pairing_hint = f"the exporter's file names another board's probe or port for place '{place.name}'"
        self._held = held

    def confirm(self) -> None:
        """See `Realised`."""
        self._held.check()

    def check(self) -> tuple[str, ...]:
        """See `Realised`; a probe that does not answer has gone with its exporter, or by itself."""
        self._held.check()
        try:
            return super().check()
        except RigError as error:
            self._held.check()
            if isinstance(error, BoardGoneError):
                raise
            raise BoardGoneError(
                f"the probe of place '{self._held.place.name}' does not answer any more",
                cause=f"{error.message} ({error.cause})" if error.cause else error.message,
                hint="look after its exporter, and after what serves the probe there",
            ) from error


@contextmanager
def realise_in_farm(
    board: Board, artefact: Artefact, places: FittingPlaces, flash: FlashMode, tell: Callable[[str], None]
) -> Iterator[FarmBoard]:
    """Take one of some places, and flash the firmware there.

    Args:
        board: the board.
        artefact: its firmware.
        places: of which any will do.
        flash: when to write firmware and model images.
        tell: called with a sentence before it waits for a place.

    Raises:
        RigError: no place is free in time, or it was lost meanwhile.
        FlashError: it cannot be flashed, or must be and ``flash`` is ``never``.
    """
    with ExitStack() as stack:
        held = stack.enter_context(hold_place(places.address, places.names, wait_s=places.wait_s, tell=tell))
        with held.blamed():
            session = stack.enter_context(FlashSession(board, held.place.probe_uid))
            check_kind(held, session.behind())
            farm_board = FarmBoard(board, artefact, session, held, flash=flash)
            farm_board.program()
        yield farm_board
