"""How a board is got hold of again that cannot be reached: a ladder, from what harms nothing to what erases.

Each rung is climbed at most once for a piece of work, only where it fits, and is told in a sentence. It gives the next
attempt a board to talk to; what has failed before stays failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from hil.probe import usb_power

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.board import Board
    from hil.find.probes import Probe


class Trouble(Protocol):
    """What a rung must know of a session that does not open: `hil.probe.session.ProbeSession`."""

    board: Board
    may_erase: bool

    @property
    def plugged(self) -> Probe | None:
        """The probe on USB, as it was last seen there; None for one that is not on USB."""

    def use_force(self) -> None:
        """Connect from now on before the firmware can interfere."""

    def reopen(self) -> Any:
        """Open the session in that way; the pyOCD session."""


@dataclass(frozen=True)
class Rung:
    """One way to get hold of a board again.

    Attributes:
        name: in a word or two.
        words: how it is told, after the error that led to it.
        fits: whether it could help.
        act: does it; the session is opened afterwards.
    """

    name: str
    words: Callable[[Trouble], str]
    fits: Callable[[Trouble], bool]
    act: Callable[[Trouble], None]


def _is_there(trouble: Trouble) -> bool:
    return trouble.plugged is None or not usb_power.is_gone(trouble.plugged)


def _can_be_powered(trouble: Trouble) -> bool:
    return trouble.plugged is not None and usb_power.is_gone(trouble.plugged) and usb_power.can_cycle()


def _cycle_power(trouble: Trouble) -> None:
    if trouble.plugged is not None:
        usb_power.cycle(trouble.plugged)


def _mass_erase(trouble: Trouble) -> None:
    trouble.use_force()
    trouble.reopen().target.mass_erase()


def _forced(trouble: Trouble) -> str:
    return "tried again with the reset pin held" if trouble.board.reset_pin else "tried again with the core halted"


USB_POWER: Final = Rung(
    "USB power",
    lambda _: "it was gone from USB, and the power of its port was cut and given again",
    _can_be_powered,
    _cycle_power,
)
UNDER_RESET: Final = Rung("reset", _forced, _is_there, lambda trouble: trouble.use_force())
MASS_ERASE: Final = Rung(
    "mass erase",
    lambda _: "its whole flash was erased, as was allowed",
    lambda trouble: trouble.may_erase and _is_there(trouble),
    _mass_erase,
)
LADDER: Final = (USB_POWER, UNDER_RESET, MASS_ERASE)
