"""What all instruments do the same way: they are closed at the end of a `with`, and measure one thing at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self, final

from hil.errors import RigError

if TYPE_CHECKING:
    from types import TracebackType

    from hil.power.meter import MeterIdentity
    from hil.power.trace import Trace


class ManagedMeter(ABC):
    """A `hil.power.meter.Meter` but for what is the instrument's own.

    Args:
        address: as it was given, for messages.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._measures = False
        self._closed = False

    @abstractmethod
    def identify(self) -> MeterIdentity:
        """What it is."""

    @final
    def supply(self, voltage_V: float | None) -> None:
        """Power the board at a voltage, in V; None takes its power away.

        Raises:
            RigError: the instrument is closed, measures, does not supply, or not at this voltage.
        """
        self._check_open()
        if self._measures:
            raise RigError(
                f"the supply of {self.address} cannot be changed while it measures",
                hint="stop it before, or supply first",
            )
        self._supply(voltage_V)

    @final
    def start(self) -> None:
        """Begin to measure; returns when samples come.

        Raises:
            RigError: it is closed, measures already, or no samples come.
        """
        self._check_open()
        if self._measures:
            raise RigError(f"{self.address} measures already", hint="stop it before it is started again")
        self._begin()
        self._measures = True

    @final
    def stop(self) -> Trace:
        """End the measurement, and what was measured from `start` on to this call.

        Raises:
            RigError: it was not measuring, went away, fell silent or sent nonsense meanwhile.
        """
        self._check_open()
        if not self._measures:
            raise RigError(f"{self.address} does not measure", hint="start it before it is stopped")
        self._measures = False
        return self._end()

    @final
    def close(self) -> None:
        """Stop, take away the power that it gave, and release it; may be called twice."""
        if not self._closed:
            self._closed = True
            self._measures = False
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _supply(self, voltage_V: float | None) -> None:
        """`supply`, while nothing is measured."""

    @abstractmethod
    def _begin(self) -> None:
        """`start`, while nothing is measured."""

    @abstractmethod
    def _end(self) -> Trace:
        """`stop`, while something is measured."""

    @abstractmethod
    def _release(self) -> None:
        """`close`, once; whatever it is doing, and without an error."""

    def _check_open(self) -> None:
        if self._closed:
            raise RigError(f"{self.address} is closed", hint="open it again")
