"""What an instrument's address says beside what its kind heeds: how a board is measured with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hil.power.address import parse_address

if TYPE_CHECKING:
    from hil.power.address import MeterAddress

TOLERANCE: Final = 0.01
"""Share of a result that where its window is cut may make: a tenth of the best that a PPK2 states."""

_MARKER, _SUPPLY, _TOLERANCE, _SIMULATED = "marker", "supply", "tolerance", "simulated"
_SUPPLY_TOLERANCE = "supply_tolerance"
_COMMON = (_MARKER, _SUPPLY, _SUPPLY_TOLERANCE, _TOLERANCE, _SIMULATED)


@dataclass(frozen=True)
class MeterPlan:
    """How a board is to be measured.

    Attributes:
        address: what opens the instrument, without the options that are heeded here.
        marker: the digital channel that the board's marker pin is wired to; empty where it is wired to none.
        supply_V: of the board, in V; None where the address does not say.
        tolerance: share of a result that where its window is cut may make.
        simulated: the instrument is a simulated one, so what it measures is no silicon.
        supply_tolerance: share by which the supply may be off; 0 where it is taken as exact.
    """

    address: MeterAddress
    marker: str = ""
    supply_V: float | None = None
    tolerance: float = TOLERANCE
    simulated: bool = False
    supply_tolerance: float = 0.0

    @classmethod
    def of(cls, text: str) -> MeterPlan:
        """From an address: ``ppk2:/dev/ttyACM0?voltage=3.0&marker=D0``.

        Options of every kind: ``marker``; ``supply`` in V, for instruments that do not supply; ``supply_tolerance`` and
        ``tolerance`` in %; ``simulated=yes``, for tests of hil itself.

        Raises:
            InputError: it is no address.
            RigError: an option cannot be heeded.
        """
        given = parse_address(text)
        for name in _COMMON:
            if given.options.get(name) == "":
                raise given.bad(f"option '{name}' has no value", f"write {name}=…")
        supply_V = given.number(_SUPPLY, least=0.5, most=60)
        if supply_V is not None and "voltage" in given.options:
            raise given.bad("both 'voltage' and 'supply' are given", "'voltage' is the supply, where there is one")
        percent = given.number(_TOLERANCE, least=0.001, most=50)
        supply_percent = given.number(_SUPPLY_TOLERANCE, least=0, most=50)
        simulated = _SIMULATED in given.options and given.choice(_SIMULATED, ("yes",)) == "yes"
        own = {name: value for name, value in given.options.items() if name not in _COMMON}
        if supply_V is None:
            supply_V = _number(own.get("voltage", ""))
        return cls(
            replace(given, options=own),
            given.options.get(_MARKER, ""),
            supply_V,
            TOLERANCE if percent is None else percent / 100,
            simulated,
            (supply_percent or 0.0) / 100,
        )


def _number(text: str) -> float | None:
    """None for what is none: the kind of instrument whose option it is says so."""
    try:
        return float(text)
    except ValueError:
        return None
