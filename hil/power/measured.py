"""From a recording of batches to the energy of steps and the average current. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hil.power.figures import average_A, energy_J
from hil.power.window import Window, repeats, windows_between_marks, windows_in_current
from hil.step_energy import Instrument, Repeats, StepEnergy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.power.meter import MeterIdentity
    from hil.power.plan import MeterPlan
    from hil.power.trace import Trace


def batch_windows(trace: Trace, plan: MeterPlan, count: int | None, *, least_s: float = 0.0) -> tuple[Window, ...]:
    """Where each of so many batches is in a recording.

    Args:
        trace: the recording.
        plan: says which channel the marker is on; without one the batches are found in the current.
        count: how many there must be; None for any number.
        least_s: in the current, what is shorter is a spike, in s.

    Raises:
        RigError: they are not so many, or cannot be found.
    """
    if plan.marker:
        return windows_between_marks(trace, plan.marker, count=count)
    return windows_in_current(trace, least_s=least_s, count=count)


def sizes_of_batches(steps: int, wanted: int, most: int) -> tuple[int, ...]:
    """A sequence's steps in batches of at least so many as are wanted where there are so many, never more than go.

    Args:
        steps: of a sequence, at least 1.
        wanted: in a batch.
        most: that one request holds.
    """
    count = max(1, steps // max(1, wanted), math.ceil(steps / most))
    short, longer = divmod(steps, count)
    return (short + 1,) * longer + (short,) * (count - longer)


def wanted_in_batch(step_s: float, edge_s: float, plan: MeterPlan) -> int:
    """How many steps of such a length a batch needs, so that where it is cut matters less than the plan's tolerance.

    A power of two, as the length is measured: another run must take as many, or its average is that of another run.
    """
    needed = repeats(step_s, uncertainty_s=edge_s, tolerance=plan.tolerance)
    return 1 << (needed - 1).bit_length()


def energy_of_steps(
    trace: Trace,
    windows: Sequence[Window],
    sizes: Sequence[int],
    sequences: int,
    *,
    supply_V: float,
    identity: MeterIdentity,
    plan: MeterPlan,
) -> StepEnergy:
    """What a recording says of S sequences, each in batches of these sizes.

    Args:
        trace: the recording.
        windows: of each batch, in the order of time.
        sizes: steps of each batch of a sequence.
        sequences: how many there are.
        supply_V: at which supply, in V.
        identity: what measured.
        plan: how.

    Raises:
        RigError: samples are missing in a batch or between two, or the instrument does not stand for some.
    """
    off_V = supply_V * plan.supply_tolerance
    figures = [energy_J(trace, supply_V, window, voltage_uncertainty_V=off_V) for window in windows]
    all_sizes = np.tile(np.array(sizes), sequences)
    steps = np.repeat([figure.value for figure in figures] / all_sizes, all_sizes) * 1e6
    off = np.repeat([figure.uncertainty for figure in figures] / all_sizes, all_sizes) * 1e6
    whole = Window(windows[0].begin_s, windows[-1].end_s, max(window.uncertainty_s for window in windows))
    average = average_A(trace, whole)
    shape = (sequences, sum(sizes))
    first, last = np.searchsorted(trace.time_s, (whole.begin_s, whole.end_s))
    ranges = () if trace.ranges is None else tuple(sorted({int(each) for each in trace.ranges[first:last]}))
    cut = max(
        (figure.uncertainty - figure.by_accuracy) / abs(figure.value) if figure.value else 0.0 for figure in figures
    )
    cut_average = (average.uncertainty - average.by_accuracy) / abs(average.value) if average.value else 0.0
    return StepEnergy(
        kind="simulated" if plan.simulated else "measured",
        source=name_of(identity),
        per_step_uJ=steps.reshape(shape),
        uncertainty_uJ=off.reshape(shape),
        maximum_uJ=None,
        average_uA=average.value * 1e6,
        average_uncertainty_uA=average.uncertainty * 1e6,
        maximum_average_uA=None,
        supply_V=supply_V,
        duration_s=whole.duration_s,
        batch=max(sizes),
        notes=(_how_cut(plan, windows, sizes), f"accuracy: {identity.stated}", _how_supplied(plan, supply_V)),
        instrument=Instrument(identity.name, identity.serial, ranges),
        repeats=Repeats(1, cut, cut_average),
    )


def name_of(identity: MeterIdentity) -> str:
    """An instrument, for people."""
    firmware = f", {identity.firmware}" if identity.firmware else ""
    return f"{identity.name} {identity.serial or 'without a serial number'}{firmware}"


def _how_supplied(plan: MeterPlan, supply_V: float) -> str:
    if not plan.supply_tolerance:
        return f"the supply of {supply_V:g} V is taken as exact"
    return f"the supply of {supply_V:g} V may be off by {plan.supply_tolerance:.2%}"


def _how_cut(plan: MeterPlan, windows: Sequence[Window], sizes: Sequence[int]) -> str:
    edge_s = max(window.uncertainty_s for window in windows)
    shortest_s = min(window.duration_s for window in windows)
    where = f"at the marker on {plan.marker}" if plan.marker else "at edges of the current itself"
    return (
        f"batches of {min(sizes)} to {max(sizes)} steps, cut {where}: each edge is off by {edge_s * 1e6:.3g} µs at "
        f"most, {2 * edge_s / shortest_s:.2%} of the shortest batch; {plan.tolerance:.2%} was aimed at"
    )
