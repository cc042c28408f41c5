"""The current of a run as a waveform, from what a model or an instrument has of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from hil.energy.modelled import ModelledCurrent
from hil.errors import RigError
from hil.power.trace import HOLE
from hil.power.window import windows_between_marks, windows_in_current
from hil.report.waveform import Waveform

if TYPE_CHECKING:
    from hil.power.trace import Trace
    from hil.power.window import Window
    from hil.step_energy import StepEnergy

_SPIKE: Final = 0.5
"""Of the longest window in a current: what is shorter is none."""


def waveform_of(current: Trace | ModelledCurrent, energy: StepEnergy, marker: str = "") -> Waveform:
    """The current over time, with the steps or batches in it.

    Args:
        current: what there is of it.
        energy: of its steps.
        marker: the instrument's channel that the marker is on; empty where windows are found in the current.
    """
    if isinstance(current, ModelledCurrent):
        return _of_model(current, energy)
    return _of_trace(current, energy, marker)


def _of_model(current: ModelledCurrent, energy: StepEnergy) -> Waveform:
    known = bool(np.isfinite(current.maximum_A).any())
    return Waveform(
        how=energy.how,
        source=energy.source + (f"; not in it: {', '.join(energy.without)}" if energy.without else ""),
        edges_s=current.spans.edges_s,
        current_A=current.typical_A,
        windows_s=current.windows_s,
        maximum_A=current.maximum_A if known else None,
    )


def _of_trace(trace: Trace, energy: StepEnergy, marker: str) -> Waveform:
    ends_s = trace.time_s + trace.sample_s
    hole = np.diff(trace.time_s) > HOLE * trace.sample_s
    ends_s[:-1] = np.where(hole, ends_s[:-1], trace.time_s[1:])
    # Behind each hole's last sample stands a piece that nobody knows.
    behind = np.flatnonzero(hole) + 1
    windows = [(window.begin_s, window.end_s) for window in _windows(trace, marker)]
    return Waveform(
        how=energy.how,
        source=energy.source,
        edges_s=np.append(np.insert(trace.time_s, behind, ends_s[behind - 1]), ends_s[-1]),
        current_A=np.insert(trace.current_A, behind, np.nan),
        windows_s=np.array(windows, dtype=np.float64).reshape(-1, 2),
    )


def _windows(trace: Trace, marker: str) -> tuple[Window, ...]:
    """None where none can be found: that is told where the energy is."""
    try:
        if marker:
            return windows_between_marks(trace, marker)
        longest_s = max((window.duration_s for window in windows_in_current(trace)), default=0.0)
        return windows_in_current(trace, least_s=_SPIKE * longest_s)
    except RigError:
        return ()
