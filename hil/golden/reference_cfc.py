"""The float64 reference of a CfC, written from its equations (arXiv 2106.13898: eq. 2 for ``pure``, eq. 10 else).

Independent of ncps' code; ``tests/unit/test_cfc.py`` holds it against states that ncps itself computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.golden.logistic import logistic

if TYPE_CHECKING:
    import numpy.typing as npt

    from hil.model_cfc import Activation, CfcCell, CfcModel, Linear

    Array = npt.NDArray[np.float64]


def run_cfc_reference(model: CfcModel, inputs: Array, elapsed: Array, state0: Array) -> tuple[Array, Array]:
    """As :func:`hil.golden.run_reference`, of a CfC."""
    sequences, steps, _ = inputs.shape
    ends = np.cumsum([cell.neurons for cell in model.cells])
    state = np.tile(np.asarray(state0, np.float64), (sequences, 1))
    states = np.empty((sequences, steps, model.neurons))
    for t in range(steps):
        comes_in = inputs[:, t]
        for cell, end in zip(model.cells, ends, strict=True):
            own = slice(end - cell.neurons, end)
            comes_in = _step(model, cell, np.concatenate([comes_in, state[:, own]], axis=1), elapsed[:, t, None])
            state[:, own] = comes_in
        states[:, t] = state
    last = states[:, :, model.neurons - model.cells[-1].neurons :]
    return states, last if model.readout is None else _apply(model.readout, last)


def _apply(layer: Linear, x: Array) -> Array:
    result: Array = x @ layer.weight.T + layer.bias
    return result


def _activated(kind: Activation, x: Array) -> Array:
    if kind == "lecun_tanh":
        return np.asarray(1.7159 * np.tanh(0.666 * x))
    if kind == "tanh":
        return np.tanh(x)
    return np.maximum(x, 0.0) if kind == "relu" else x * logistic(x)


def _step(model: CfcModel, cell: CfcCell, x: Array, elapsed: Array) -> Array:
    for layer in cell.backbone:
        x = _activated(model.activation, _apply(layer, x))
    f = _apply(cell.ff1, x)
    if cell.gate is None:
        return np.asarray(cell.a - cell.a * f * np.exp(-elapsed * (cell.w_tau + np.abs(f))))
    g, at, b = (_apply(layer, x) for layer in cell.gate)
    gate = logistic(at * elapsed + b)
    kept = 1.0 if model.mode == "no_gate" else 1.0 - gate
    return np.asarray(np.tanh(f) * kept + np.tanh(g) * gate)
