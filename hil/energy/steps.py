"""The modelled energy of a run's steps: from a chip's spans, or from cycles alone where an emulator tells no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hil.energy.activity import Activity, State
from hil.energy.modelled import ModelledCurrent
from hil.step_energy import NO_AVERAGE, RunEnergy, StepEnergy

if TYPE_CHECKING:
    from hil.energy.draw import Draw
    from hil.energy.model import CurrentModel
    from hil.energy.spans import Spans

Floats = NDArray[np.float64]


def step_energy(model: CurrentModel, spans: Spans, sequences: int, steps: int, batch: int = 1) -> RunEnergy:
    """The energy of each step of a run, from what its chip did while it was recorded.

    Args:
        model: of the board.
        spans: the record: the whole run, and no other step.
        sequences: S of the run.
        steps: T of each sequence.
        batch: steps in one window of the marker.
    """
    source = f"what the emulated chip did, with currents of board '{model.board.name}'"
    if model.supply_V is None:
        return _missing(source, model.why_no_supply)
    if not model.board.marker:
        return _missing(
            source, f"board '{model.board.name}' has no marker pin (key 'marker'): nothing tells steps apart"
        )
    current = ModelledCurrent(spans, model)
    wanted = sequences * steps / batch
    windows = current.windows
    if len(windows) != wanted:
        return _missing(
            source,
            f"the marker pin was high {len(windows)} times, and {sequences * steps} steps in batches of {batch} need "
            f"{wanted:g}: which of them was which step cannot be told",
        )
    if spans.marker[0] or spans.marker[-1]:
        return _missing(source, "the record begins or ends within a step")
    first, end = int(windows[0, 0]), int(windows[-1, 1])
    energies = current.charges_C(current.typical_A) * model.supply_V * 1e6
    if np.isnan(energies).any():
        return _missing(
            source, f"in a step the chip does what its file has no current for: {_unknown_in_steps(current)}"
        )
    highest = current.charges_C(current.maximum_A) * model.supply_V * 1e6
    average = current.average_A(current.typical_A, first, end)
    highest_average = current.average_A(current.maximum_A, first, end)
    unknown = current.unknown(first, end)

    def by_step(of_windows: Floats) -> Floats:
        return np.repeat(of_windows / batch, batch).reshape(sequences, steps)

    return RunEnergy(
        StepEnergy(
            kind="modelled",
            source=source,
            per_step_uJ=by_step(energies),
            uncertainty_uJ=np.zeros((sequences, steps)),
            maximum_uJ=None if np.isnan(highest).any() else by_step(highest),
            average_uA=None if np.isnan(average) else average * 1e6,
            average_uncertainty_uA=0.0,
            maximum_average_uA=None if np.isnan(highest_average) else highest_average * 1e6,
            supply_V=model.supply_V,
            duration_s=float(spans.edges_s[end] - spans.edges_s[first]),
            shares=current.shares(first, end),
            without=tuple(current.without(first, end)),
            batch=batch,
            notes=(
                *current.sources(first, end),
                *(f"{NO_AVERAGE}for {time_s:.3g} s {words}" for words, time_s in unknown.items()),
            ),
        )
    )


def energy_of_cycles(model: CurrentModel, cycles: NDArray[np.int64]) -> RunEnergy:
    """The energy of each step from its cycles at the board's clock, all executed: no more is known of the run.

    Args:
        model: of the board.
        cycles: (S, T) of each step.
    """
    board = model.board
    source = f"cycles, with the run current of board '{board.name}'"
    draw = run_draw(model)
    if draw.typical_A is None:
        return _missing(source, draw.unknown)
    if model.supply_V is None:
        return _missing(source, model.why_no_supply)
    at = cycles.astype(np.float64) * (model.supply_V * 1e6 / board.clock_hz)
    return RunEnergy(
        StepEnergy(
            kind="modelled",
            source=source,
            per_step_uJ=at * draw.typical_A,
            uncertainty_uJ=np.zeros(cycles.shape),
            maximum_uJ=None if draw.maximum_A is None else at * draw.maximum_A,
            average_uA=None,
            average_uncertainty_uA=0.0,
            maximum_average_uA=None,
            supply_V=model.supply_V,
            duration_s=None,
            notes=(
                *draw.sources,
                f"{NO_AVERAGE}the emulator does not tell when its core sleeps",
                "peripherals and oscillators are not in it: the emulator does not tell what is on",
            ),
        )
    )


def run_draw(model: CurrentModel) -> Draw:
    """What a chip draws that runs the kernel at its board's clock, and of which nothing else is known."""
    board = model.board
    return model.draw(Activity(State.RUN, board.clock_hz), float(board.kernel_memory == "ram"))


def _unknown_in_steps(current: ModelledCurrent) -> str:
    words: dict[str, None] = {}
    for first, end in current.windows[np.isnan(current.charges_C(current.typical_A))]:
        words.update(dict.fromkeys(current.unknown(int(first), int(end))))
        if words:
            break
    return "; ".join(words)


def _missing(source: str, why: str) -> RunEnergy:
    return RunEnergy(missing=(why,), silent=source)
