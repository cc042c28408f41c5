"""Opens the current analyzer that an address names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import RigError
from hil.nearest import offer
from hil.power.address import EXAMPLES, MeterAddress
from hil.power.joulescope import JoulescopeMeter
from hil.power.lpm01a import Lpm01aMeter
from hil.power.otii import OtiiMeter
from hil.power.plan import MeterPlan
from hil.power.ppk2 import Ppk2Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.power.meter import Meter


class _Opens(Protocol):
    def __call__(self, address: MeterAddress, *, clock: Callable[[], float]) -> Meter: ...


_KINDS: Final[dict[str, _Opens]] = {
    "joulescope": JoulescopeMeter,
    "lpm01a": Lpm01aMeter,
    "otii": OtiiMeter,
    "ppk2": Ppk2Meter,
}


def open_meter(address: str, *, clock: Callable[[], float] = time.monotonic) -> Meter:
    """Open a current analyzer; nothing is powered or measured yet, but for a voltage that the address names.

    Args:
        address: kind, device and options, e.g. ``ppk2:/dev/ttyACM0?mode=source&voltage=3.0``; those that every kind
            has (`hil.power.plan`) are not the instrument's.
        clock: time in seconds, which recordings are held against.

    Raises:
        InputError: the address cannot be read.
        RigError: there is no such instrument, it is in use or not permitted, its package is not installed, something
            else answers in its place, or an option means nothing to it.
    """
    parsed = MeterPlan.of(address).address
    kind = _KINDS.get(parsed.kind)
    if kind is None:
        raise RigError(
            f"instrument address {address}: '{parsed.kind}' is no kind of current analyzer",
            hint=f"{offer(parsed.kind, list(_KINDS), 'kinds')}; addresses look so: {EXAMPLES}",
        )
    return kind(parsed, clock=clock)
