"""What an instrument that measures current must offer. One file a kind of instrument beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from hil.power.accuracy import Accuracy
    from hil.power.trace import Trace


@dataclass(frozen=True)
class MeterIdentity:
    """Which instrument measures, and how well.

    Attributes:
        name: its kind, e.g. ``PPK2``.
        serial: its serial number; empty where it tells none.
        firmware: its firmware's version; empty where it tells none.
        accuracy: what its maker states, by its range; range 0 for an instrument that does not tell its ranges.
        stated: where that stands, and whether it is typical or a limit.
    """

    name: str
    serial: str
    firmware: str
    accuracy: Mapping[int, Accuracy]
    stated: str


class Meter(Protocol):
    """An open instrument. Every call is bounded in time.

    Attributes:
        address: as it was given, for messages.
    """

    address: str

    def identify(self) -> MeterIdentity:
        """What it is.

        Raises:
            RigError: it does not answer as it should.
        """

    def supply(self, voltage_V: float | None) -> None:
        """Power the board at a voltage, in V; None takes its power away.

        Raises:
            RigError: the instrument does not supply, not at this voltage, or not while it measures.
        """

    def start(self) -> None:
        """Begin to measure; returns when samples come.

        Raises:
            RigError: it measures already, or no samples come.
        """

    def stop(self) -> Trace:
        """End the measurement, and what was measured from `start` on to this call.

        Raises:
            RigError: it was not measuring, went away, fell silent or sent nonsense meanwhile: then nothing is returned.
        """

    def close(self) -> None:
        """Stop, take away the power that it gave, and release it; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
