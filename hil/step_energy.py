"""Energy of every step of a run and its average current, measured or modelled: pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["measured", "modelled"]
Energies = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StepEnergy:
    """What one source says of a run: S sequences of T steps.

    Attributes:
        kind: ``measured`` by an instrument on silicon, or ``modelled`` from an emulator's activity and a data sheet.
        source: which instrument or model, in words.
        per_step_uJ: (S, T) of each step, while the marker is high; typical, where modelled. In a batch its mean.
        uncertainty_uJ: (S, T) by how much each may be off; zeros where modelled.
        maximum_uJ: (S, T) by the data sheet's maxima; None where it was measured, or they are not known.
        average_uA: average current from the begin of the first step to the end of the last, link and idling included;
            None where a part of that time has no current, as ``notes`` say.
        average_uncertainty_uA: by how much it may be off; 0 where modelled.
        maximum_average_uA: by the data sheet's maxima; None as above.
        supply_V: at which supply, in V.
        duration_s: from the begin of the first step to the end of the last, in s; None where nobody can tell.
        shares: of that duration by state (``run``, ``sleep``, ``stop`` …), 1 in all; empty where nobody can tell.
        without: what was on and is not in it, as nobody could look up what it draws.
        batch: steps in one window of the marker.
        notes: sentences for people: where the current comes from, page by page; what was assumed.
    """

    kind: Kind
    source: str
    per_step_uJ: Energies
    uncertainty_uJ: Energies
    maximum_uJ: Energies | None
    average_uA: float | None
    average_uncertainty_uA: float
    maximum_average_uA: float | None
    supply_V: float
    duration_s: float | None
    shares: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    batch: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RunEnergy:
    """Energy of a run's steps, or why nobody knows it.

    Attributes:
        found: what a source says, if any does.
        missing: of each source that says nothing, why, in words.
    """

    found: StepEnergy | None = None
    missing: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["measured", "modelled", "unknown"]:
        """How it was obtained."""
        return self.found.kind if self.found is not None else "unknown"

    @property
    def reason(self) -> str:
        """Why nothing was measured; of a run that was, what else has nothing to say."""
        return "; ".join(self.missing)
