"""The float64 reference: ncps' LTCCell written from its equations (arXiv 2006.04439, eq. 1-3), with every solver.

Independent of ncps' code; ``tests/unit/test_reference.py`` holds it against states that ncps itself computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hil.golden.logistic import logistic
from hil.golden.reference_cfc import run_cfc_reference
from hil.model_cfc import CfcModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.model import LtcModel, Model

Floats = npt.NDArray[np.float64]


def run_reference(
    model: Model,
    inputs: Floats,
    elapsed: Floats,
    state0: Floats,
) -> tuple[Floats, Floats]:
    """Run sequences through the network.

    Args:
        model: the parameters, N neurons, I inputs, O outputs.
        inputs: (S, T, I), dimensionless.
        elapsed: (S, T), time since the sample before, in the network's own seconds, above 0.
        state0: (N,), start state of every sequence.

    Returns:
        States (S, T, N) after each step, and outputs (S, T, O).
    """
    if isinstance(model, CfcModel):
        return run_cfc_reference(model, inputs, elapsed, state0)
    sequences, steps, _ = inputs.shape
    state = np.tile(np.asarray(state0, dtype=np.float64), (sequences, 1))
    states = np.empty((sequences, steps, model.neurons))
    for t in range(steps):
        state = _step(model, inputs[:, t], elapsed[:, t], state)
        states[:, t] = state
    return states, states[:, :, : model.outputs] * model.output_w + model.output_b


@dataclass(frozen=True)
class _Step:
    """A step of S sequences: what its inputs contribute, and over what time.

    Attributes:
        model: the network.
        drive: (S, N) leak and sensory conductances times their potentials.
        conductance: (S, N) their sum.
        elapsed: (S, 1).
    """

    model: LtcModel
    drive: Floats
    conductance: Floats
    elapsed: Floats

    def sums(self, state: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator (S, N) of the potential that every neuron is drawn to."""
        model = self.model
        synapse = model.w * logistic(model.sigma * (state[:, :, None] - model.mu))
        return self.drive + np.sum(synapse * model.erev, axis=1), self.conductance + np.sum(synapse, axis=1)

    def fused(self, state: Floats, unfolds: int) -> Floats:
        """Semi-implicit Euler, as ncps."""
        capacitance = self.model.cm * unfolds / self.elapsed
        for _ in range(unfolds):
            numerator, denominator = self.sums(state)
            state = (capacitance * state + numerator) / (capacitance + denominator)
        return state

    def change(self, state: Floats, unfolds: int) -> Floats:
        """The time of an unfold times the slope of the states."""
        numerator, denominator = self.sums(state)
        return (numerator - denominator * state) * self.elapsed / (self.model.cm * unfolds)

    def euler(self, state: Floats, unfolds: int) -> Floats:
        """Explicit Euler."""
        for _ in range(unfolds):
            state = state + self.change(state, unfolds)
        return state

    def rk4(self, state: Floats, unfolds: int) -> Floats:
        """The classical Runge-Kutta method."""
        for _ in range(unfolds):
            first = self.change(state, unfolds)
            second = self.change(state + first / 2, unfolds)
            third = self.change(state + second / 2, unfolds)
            fourth = self.change(state + third, unfolds)
            state = state + (first + 2 * second + 2 * third + fourth) / 6
        return state

    def exponential(self, state: Floats, unfolds: int) -> Floats:
        """Exponential Euler: exact where synapses do not change within an unfold (Rush and Larsen, 1978)."""
        for _ in range(unfolds):
            numerator, denominator = self.sums(state)
            with np.errstate(divide="ignore", invalid="ignore"):
                share = -np.expm1(-denominator * self.elapsed / (self.model.cm * unfolds)) / denominator
                still = self.elapsed / (self.model.cm * unfolds) + np.zeros_like(denominator)
            state = state + (numerator - denominator * state) * np.where(denominator > 0, share, still)
        return state

    def adaptive(self, state: Floats, most: int) -> Floats:
        """Fused with 1, 2, 4 ... unfolds, of each sequence until two results agree."""
        last = result = self.fused(state, 1)
        done = np.zeros((len(state), 1), np.bool_)
        unfolds = 1
        while not done.all():
            unfolds *= 2
            now = self.fused(state, unfolds)
            result = np.where(done, result, now)
            agree = (np.abs(now - last) <= self.model.error_bound).all(axis=1, keepdims=True)
            done = done | agree | (unfolds * 2 > most)
            last = now
        return result


def _step(model: LtcModel, inputs: Floats, elapsed: Floats, state: Floats) -> Floats:
    mapped = inputs * model.input_w + model.input_b
    sensory = model.sensory_w * logistic(model.sensory_sigma * (mapped[:, :, None] - model.sensory_mu))
    drive = model.gleak * model.vleak + np.sum(sensory * model.sensory_erev, axis=1)
    conductance = model.gleak + np.sum(sensory, axis=1) + model.epsilon
    step = _Step(model, drive, conductance, elapsed[:, None])
    solve: Callable[[Floats, int], Floats] = getattr(step, model.solver)
    return solve(state, model.unfolds)
