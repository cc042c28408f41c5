"""What hil asks of a debug probe beyond what every probe of pyOCD can: its own kinds answer, for all others nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_STARVED_S: Final = 60.0

PATIENT: Final[Mapping[str, Any]] = {
    f"flash.timeout.{step}": _STARVED_S for step in ("init", "erase_sector", "program")
}
"""pyOCD's options for a core that may be emulated: it is as fast as its computer lets it be."""


class OwnProbe:
    """Mixed into the probes that hil brings; what is here is the answer for one that knows nothing of its board.

    Attributes:
        session_options: pyOCD's options for sessions on it.
    """

    session_options: ClassVar[Mapping[str, Any]] = {}

    def check_power(self) -> None:
        """Raise EmulatorEndedError if the board has lost its power."""

    def stopped_by(self) -> str:
        """What stopped the core, in words; empty where nobody knows it. To be asked before the core is halted."""
        return ""

    def noticed(self) -> tuple[str, ...]:
        """What was noticed of the firmware, a sentence each; nothing on silicon."""
        return ()

    @property
    def behind(self) -> str:
        """The uid of the probe itself: for one behind a network, what its server calls it; it must be open."""
        raise NotImplementedError


class _Foreign(OwnProbe):
    """A probe of pyOCD's."""

    def __init__(self, probe: Any) -> None:
        self._probe = probe

    @property
    def behind(self) -> str:
        """It is the probe itself."""
        return str(self._probe.unique_id)


def as_own(probe: Any) -> OwnProbe:
    """Who answers for a probe."""
    return probe if isinstance(probe, OwnProbe) else _Foreign(probe)
