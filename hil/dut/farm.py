"""Which places of a farm can be a board: what `hil.dut.selection` chooses of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.backends import HARDWARE
from hil.emulator.power import PROBE_PREFIX
from hil.errors import RigError
from hil.farm.address import FarmAddress
from hil.farm.coordinator import list_places
from hil.nearest import offer

if TYPE_CHECKING:
    from hil.board import Board
    from hil.dut.options import DutOptions
    from hil.farm.coordinator import HeldPlace
    from hil.farm.place import Place


@dataclass(frozen=True)
class FittingPlaces:
    """Places of which any will do.

    Attributes:
        address: the farm.
        names: of the places.
        backend: what realises the board there: ``hardware``, or what emulates it.
        wait_s: how long to wait until one is free.
    """

    address: FarmAddress
    names: tuple[str, ...]
    backend: str
    wait_s: float

    @property
    def words(self) -> str:
        """Where the board will be, before a place is taken."""
        which = f"place {self.names[0]}" if len(self.names) == 1 else f"a place of {', '.join(self.names)}"
        return f"of {which} at the farm {self.address.coordinator}"


def fitting_places(board: Board, options: DutOptions) -> FittingPlaces:
    """The places of a farm that have a board, of one kind: silicon where there is any, unless another was asked for.

    Raises:
        InputError: the address is none.
        RigError: the farm has no such place, or does not answer.
    """
    address = FarmAddress.parse(options.farm or "")
    there = list_places(address)
    if address.place:
        there = [_named(there, address)]
    fitting = [place for place in there if place.board == board.name]
    if not fitting:
        raise _no_board(board, address, there)
    known = [HARDWARE, *(each.backend for each in board.emulators)]
    wanted = known if options.backend == "auto" else [options.backend]
    for backend in wanted:
        if names := tuple(sorted(place.name for place in fitting if place.backend == backend)):
            return FittingPlaces(address, names, backend, options.place_wait_s)
    kinds = ", ".join(f"'{place.name}' ({place.backend})" for place in fitting)
    raise RigError(
        f"no place of the farm {address} has board '{board.name}' with backend '{options.backend}'",
        hint=f"places that have it: {kinds}; backends of this board: {', '.join(known)}",
    )


def check_kind(held: HeldPlace, behind: str) -> None:
    """Refuse a probe that is not of the kind that its place says: nothing emulated is told as hardware.

    Args:
        held: the place.
        behind: the uid of its probe, as the server of it says.

    Raises:
        RigError: the place's tags and its probe contradict each other.
    """
    name, emulated = held.place.name, behind.startswith(PROBE_PREFIX)
    if emulated and held.place.backend == HARDWARE:
        raise RigError(
            f"the probe of place '{name}' is '{behind}', an emulated board, and no tag of the place says so",
            hint=f"labgrid-client -p {name} set-tags emulated=BACKEND, with the backend that 'hil emulate' told",
        )
    if not emulated and held.place.backend != HARDWARE:
        raise RigError(
            f"place '{name}' says that its board is emulated by '{held.place.backend}', but its probe is '{behind}'",
            hint=f"labgrid-client -p {name} set-tags emulated=",
        )


def _named(places: list[Place], address: FarmAddress) -> Place:
    for place in places:
        if place.name == address.place:
            return place
    known = [place.name for place in places]
    raise RigError(
        f"the farm {address.coordinator} has no place '{address.place}'", hint=offer(address.place, known, "places")
    )


def _no_board(board: Board, address: FarmAddress, there: list[Place]) -> RigError:
    tag = f"labgrid-client -x {address.coordinator} -p PLACE set-tags board={board.name}"
    if address.place:
        has = f"its tag 'board' is '{there[0].board}'" if there[0].board else "it has no tag 'board'"
        return RigError(f"place '{address.place}' does not have board '{board.name}': {has}", hint=tag)
    known = sorted({place.board for place in there if place.board})
    boards = f"it has places with {', '.join(known)}" if known else f"none of its {len(there)} places has a tag 'board'"
    return RigError(f"the farm {address} has no place with board '{board.name}': {boards}", hint=tag)
