"""The exact integer model of a CfC: what ``firmware/ltc/ltc_cfc.c`` computes, bit for bit, for any image.

Written over whole arrays of sequences and units. ``shifted`` is ``scaled`` there, ``scaled`` is ``ltc_scale``;
``_tangent`` is ``tangent``; ``_gate`` is the factor in ``gate``; ``times_elapsed`` is ``times``; ``_Rows.sums`` are
``add_up`` and ``dot``; ``_Units._values`` is ``unit`` with ``pure``; ``run_cfc_integer`` is ``ltc_cfc_step``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hil.golden.arithmetic import bit_length, clamped, multiply, power_of_half, scaled, sigmoid
from hil.image import ELAPSED_FRAC, FULL_SCALE
from hil.image_cfc import CfcImage, Kind, Layer, Row

Int = npt.NDArray[np.int64]

_HALF = 1 << 31
_SOURCE_BITS = 15


def shifted(value: Int, left: Int) -> Int:
    """Return value * 2^left, rounded down, within the full scale."""
    up = clamped(left, 0, 30)
    limit = FULL_SCALE >> up
    raised = clamped(value, -limit, limit - 1) << up
    return np.where(left < 0, value >> clamped(-left, 0, 31), raised)


def _tangent(position: Int) -> Int:
    value = (sigmoid(position) - _HALF) >> 2
    return value + (value >> 15)


def _gate(position: Int) -> Int:
    return (sigmoid(position) + (1 << 15)) >> 16


class _Rows:
    """One row of every unit of a layer."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        self.left = np.array([row.left for row in rows], np.int64)
        self._bias = np.array([row.bias for row in rows], np.int64)
        self._shift = np.array([[row.shift] for row in rows], np.int64)
        self._weights = np.array([row.weights for row in rows], np.int64)

    def sums(self, source: Int) -> Int:
        """Sums (S, M) for sources (S, K)."""
        products = source[:, None, : self._weights.shape[1]] * self._weights
        return np.asarray((products >> self._shift).sum(axis=2) + self._bias)

    def positions(self, source: Int) -> Int:
        return shifted(self.sums(source), self.left)


class _Units:
    """A layer at work."""

    def __init__(self, layer: Layer) -> None:
        self.kind, self.left = layer.kind, np.int64(layer.left)
        every = layer.kind.rows
        self._rows = [_Rows(layer.rows[k::every]) for k in range(every)]

    def values(self, source: Int, mantissa: Int, exponent: Int) -> Int:
        """What the units (S, M) compute of sources (S, K), elapsed being mantissa * 2^(exponent - 16)."""
        return shifted(self._values(source, mantissa, exponent), np.asarray(self.left))

    def _values(self, source: Int, mantissa: Int, exponent: Int) -> Int:
        def times_elapsed(value: Int, left: Int) -> Int:
            return shifted(multiply(value, mantissa), left + exponent)

        first = self._rows[0]
        if self.kind is Kind.PURE:
            tau, gain, offset = (rows.sums(source) for rows in self._rows[1:])
            total = first.sums(source)
            rate = clamped(np.abs(total) + tau, -FULL_SCALE, FULL_SCALE - 1)
            power = times_elapsed(rate, first.left)
            part = multiply(total, power_of_half(power & 0xFFFF))
            return shifted(multiply(part, gain >> 15), self._rows[2].left - (power >> 16)) + offset
        if self.kind.is_cell:
            one, other = (_tangent(rows.positions(source)) for rows in self._rows[:2])
            time = times_elapsed(self._rows[2].sums(source), self._rows[2].left) + self._rows[3].positions(source)
            return one + multiply(other - one if self.kind is Kind.GATED else other, _gate(time))
        if self.kind is Kind.TANH:
            return _tangent(first.positions(source))
        total = first.sums(source)
        if self.kind is Kind.SILU:
            return multiply(total, _gate(shifted(total, first.left)))
        return np.maximum(total, 0) if self.kind is Kind.RELU else total


def run_cfc_integer(
    image: bytes,
    inputs: npt.NDArray[np.int32],
    elapsed: npt.NDArray[np.uint32],
    state0: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """As :func:`hil.golden.run_integer`, for the image of a CfC."""
    net = CfcImage.from_bytes(image)
    layers = [_Units(layer) for layer in net.layers if layer.units]
    sequences, steps, count = inputs.shape
    bits = 16 - bit_length(elapsed.astype(np.int64))
    mantissas, exponents = scaled(elapsed.astype(np.int64), bits), 16 - ELAPSED_FRAC - bits
    state = np.tile(state0.astype(np.int64), (sequences, 1))
    states = np.empty((sequences, steps, net.neurons), np.int32)
    outputs = np.empty((sequences, steps, net.layers[-1].units), np.int32)
    readings = clamped(inputs.astype(np.int64), -FULL_SCALE, FULL_SCALE - 1) >> _SOURCE_BITS
    for t in range(steps):
        source = np.concatenate([readings[:, t], state >> _SOURCE_BITS], axis=1)
        neuron = 0
        for layer in layers:
            value = layer.values(source, mantissas[:, t, None], exponents[:, t, None])
            if layer.kind is Kind.LINEAR:
                outputs[:, t] = value
            elif layer.kind.is_cell:
                end = neuron + value.shape[1]
                state[:, neuron:end] = value
                source[:, count + neuron : count + end] = value >> _SOURCE_BITS
                neuron = end
            else:
                source = np.concatenate([source, value >> _SOURCE_BITS], axis=1)
        states[:, t] = state
    return states, outputs
