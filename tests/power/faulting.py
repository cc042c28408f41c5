"""What comes of a fault: it is said, it does no harm, it gives a wrong number, or its instrument cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.errors import CurrentError, RigError
from hil.power.figures import average_A, charge_C
from hil.power.window import windows_between_marks, windows_in_current
from hil.power.window_cycles import Batches, check_lengths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.power.figures import Figure
    from hil.power.trace import Trace
    from tests.power.instruments.desk import Instrument
    from tests.power.instruments.recorded import Recorded
    from tests.power.runs import Run

_ROUNDING: Final = 1e-6
HZ: Final = 16e6
"""Of the core."""
BETWEEN: Final = 53
"""Cycles of a window that are none of its step (docs/energy.md)."""


class Came(StrEnum):
    """What came of a fault."""

    SAID = "said"
    HARMLESS = "harmless"
    """Every average and charge is still within what is told of it."""
    WRONG = "wrong"


@dataclass(frozen=True)
class Fault:
    """Attributes:
    name: for a table.
    instrument: that measures.
    device: what its simulation is told.
    wire: what the source is told: of the mark's wire.
    factor: times the run's current.
    untold: why the instrument's protocol cannot tell; empty where it must be said or do no harm.
    stops: whether no more samples are read before the run's end.
    counted: whether the cycles of its steps are known.
    """

    name: str
    instrument: Instrument
    device: Mapping[str, Any] = field(default_factory=dict)
    wire: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0
    untold: str = ""
    stops: bool = False
    counted: bool = True


@dataclass(frozen=True)
class Outcome:
    """Attributes:
    came: of the whole.
    words: what was said, or what is wrong.
    averages: that were given.
    refused: windows of which none was given.
    """

    came: Came
    words: str = ""
    averages: int = 0
    refused: int = 0


def come_of(fault: Fault, run: Run) -> Outcome:
    """Measure a run once, with a fault, as a run of steps is measured: so many windows must be there."""
    hungry = run.times(fault.factor)
    source = hungry.source(fault.instrument.channel, once=True, over_s=fault.instrument.over_s, **fault.wire)
    stops = {"stops": True} if fault.stops else {}
    try:
        made = fault.instrument.record(source, run.duration_s + 0.001, **stops, **_copied(fault.device))
        return _judge(made, fault, source, run)
    except (RigError, CurrentError) as error:
        cause = f": {error.cause}" if error.cause else ""
        return Outcome(Came.SAID, error.message + cause)


def _judge(made: Trace, fault: Fault, source: Recorded, run: Run) -> Outcome:
    instrument, steps = fault.instrument, len(run.windows_s)
    if instrument.channel:
        windows = windows_between_marks(made, instrument.channel, count=steps)
        true = source.windows_s
        if fault.counted:
            check_lengths(made.instrument, windows, _batches(source), HZ)
    else:
        windows = windows_in_current(made, least_s=run.least_s, count=steps)
        true = source.high_within(0.0, run.duration_s, run.least_s)
    given = refused = 0
    words = ""
    whole = (instrument.begins_s, instrument.begins_s + made.end_s)
    for window, (begin_s, end_s) in zip([None, *windows], [whole, *true.tolist()], strict=True):
        try:
            average, charge = average_A(made, window), charge_C(made, window)
        except RigError as error:
            refused += 1
            words = words or error.message
            continue
        given += 2
        average_true_A = source.average_A(begin_s, end_s)
        for what, figure, exact in (
            ("average", average, average_true_A),
            ("charge", charge, average_true_A * (end_s - begin_s)),
        ):
            if _differs(figure, exact):
                where = "of the whole" if window is None else f"of the window from {begin_s:.6f} s on"
                return Outcome(
                    Came.WRONG, f"{what} {where} is {figure.value:.4g} instead of {exact:.4g}", given, refused
                )
    return Outcome(Came.SAID if refused else Came.HARMLESS, words, given, refused)


def _batches(source: Recorded) -> Batches:
    """As a board counts its cycles: the work before and behind a step is not in them."""
    lengths_s = source.windows_s[:, 1] - source.windows_s[:, 0]
    return Batches(lengths_s * HZ - BETWEEN, np.ones(len(lengths_s), np.int64))


def _differs(figure: Figure, exact: float) -> bool:
    return abs(figure.value - exact) > figure.uncertainty * (1 + _ROUNDING) + 1e-15


def _copied(device: Mapping[str, Any]) -> dict[str, Any]:
    """As simulations use up what they are told to lose."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in device.items()}
