"""Energy of every step of a run and its average current, measured or modelled: pure data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.errors import HilError

Kind = Literal["measured", "modelled", "simulated"]
Energies = NDArray[np.float64]


@dataclass(frozen=True)
class Instrument:
    """Which instrument measured, as far as a golden's tolerance depends on it.

    Attributes:
        name: its kind, e.g. ``PPK2``.
        serial: its serial number; empty where it tells none.
        ranges: those that it measured in, by their numbers.
    """

    name: str
    serial: str = ""
    ranges: tuple[int, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether another run can be known to be by the same unit."""
        return bool(self.serial)

    def __str__(self) -> str:
        ranges = f", range {', '.join(map(str, self.ranges))}" if self.ranges else ""
        return f"{self.name} {self.serial or 'without a serial number'}{ranges}"


@dataclass(frozen=True)
class Repeats:
    """By how much runs of one program differ on one unit in the same ranges, where an error of its gain cancels.

    Attributes:
        runs: from how many that was seen.
        step: share of a step's energy: where its window is cut, and twice the spread that was seen.
        average: share of the average current, likewise.
    """

    runs: int = 1
    step: float = 0.0
    average: float = 0.0


@dataclass(frozen=True, eq=False)
class StepEnergy:
    """What one source says of a run: S sequences of T steps.

    Attributes:
        kind: ``measured`` by an instrument on silicon, ``modelled`` from an emulator's activity and a data sheet; or
            ``simulated``: by an instrument that is as little real as the board, in tests of hil itself.
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
        instrument: what measured; None where it was modelled.
        repeats: by how much runs differ.
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
    instrument: Instrument | None = None
    repeats: Repeats = Repeats()

    @property
    def how(self) -> str:
        """How it was obtained, for people, without the instrument or model."""
        return {"simulated": "simulated instrument, emulated board"}.get(self.kind, self.kind)


@dataclass(frozen=True, eq=False)
class RunEnergy:
    """Energy of a run's steps, or why nobody knows it.

    Attributes:
        found: what a source says, if any does.
        missing: of each source that says nothing, why, in words.
        silent: the source that looked at the run and has no figure for what the board did; empty where none could look.
        failure: what kept an instrument from measuring, or that the device computed something else meanwhile; for who
            was promised a figure, an error and no skip.
    """

    found: StepEnergy | None = None
    missing: tuple[str, ...] = ()
    silent: str = ""
    failure: HilError | None = None

    @property
    def kind(self) -> Kind | Literal["unknown"]:
        """How it was obtained."""
        return self.found.kind if self.found is not None else "unknown"

    @property
    def source(self) -> str:
        """Which source looked at the run; empty where none could."""
        return self.found.source if self.found is not None else self.silent

    @property
    def reason(self) -> str:
        """Why nothing was measured; of a run that was, what else has nothing to say."""
        return "; ".join(self.missing)


NO_AVERAGE: Final = "no average current: "
"""How a note of `StepEnergy` begins that says why it has none."""

NOT_ASKED: Final = RunEnergy(missing=("not asked for",))


def combined(runs: Sequence[StepEnergy]) -> StepEnergy:
    """The mean of several runs of one program, and how far they were apart.

    Args:
        runs: at least one, all alike but for their figures.
    """
    first = runs[0]
    if len(runs) == 1:
        return first
    steps = np.stack([each.per_step_uJ for each in runs])
    averages = [each.average_uA for each in runs if each.average_uA is not None]
    whole = len(averages) == len(runs)
    return replace(
        first,
        per_step_uJ=steps.mean(axis=0),
        uncertainty_uJ=np.stack([each.uncertainty_uJ for each in runs]).max(axis=0),
        average_uA=float(np.mean(averages)) if whole else None,
        average_uncertainty_uA=max(each.average_uncertainty_uA for each in runs),
        without=tuple(sorted({name for each in runs for name in each.without})),
        instrument=_all_ranges(runs),
        repeats=Repeats(
            len(runs),
            max(each.repeats.step for each in runs) + 2 * _spread(steps),
            max(each.repeats.average for each in runs) + (2 * _spread(np.array(averages)) if whole else 0.0),
        ),
    )


def _all_ranges(runs: Sequence[StepEnergy]) -> Instrument | None:
    instrument = runs[0].instrument
    if instrument is None:
        return None
    ranges = {number for each in runs if each.instrument is not None for number in each.instrument.ranges}
    return replace(instrument, ranges=tuple(sorted(ranges)))


def _spread(values: Energies) -> float:
    """Largest distance of two runs, the first axis, as a share of their mean."""
    mean = np.abs(values.mean(axis=0))
    apart = values.max(axis=0) - values.min(axis=0)
    return float(np.max(apart / np.where(mean > 0, mean, 1.0)))
