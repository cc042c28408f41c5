"""The float64 reference: ncps' LTCCell written from its equations (arXiv 2006.04439, eq. 1-3; fused solver).

Independent of ncps' code; ``tests/unit/test_reference.py`` holds it against states that ncps itself computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.golden.logistic import logistic
from hil.golden.reference_cfc import run_cfc_reference
from hil.model_cfc import CfcModel

if TYPE_CHECKING:
    import numpy.typing as npt

    from hil.model import LtcModel, Model

Float = "npt.NDArray[np.float64]"


def run_reference(
    model: Model,
    inputs: npt.NDArray[np.float64],
    elapsed: npt.NDArray[np.float64],
    state0: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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


def _step(
    model: LtcModel,
    inputs: npt.NDArray[np.float64],
    elapsed: npt.NDArray[np.float64],
    state: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    mapped = inputs * model.input_w + model.input_b
    sensory = model.sensory_w * logistic(model.sensory_sigma * (mapped[:, :, None] - model.sensory_mu))
    drive = model.gleak * model.vleak + np.sum(sensory * model.sensory_erev, axis=1)
    conductance = model.gleak + np.sum(sensory, axis=1) + model.epsilon
    capacitance = model.cm * model.unfolds / elapsed[:, None]
    for _ in range(model.unfolds):
        synapse = model.w * logistic(model.sigma * (state[:, :, None] - model.mu))
        numerator = capacitance * state + drive + np.sum(synapse * model.erev, axis=1)
        state = numerator / (capacitance + conductance + np.sum(synapse, axis=1))
    return state
