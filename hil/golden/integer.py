"""The exact integer model: what ``firmware/ltc`` computes, bit for bit, for any image the converter makes.

Written over whole arrays of sequences and synapses; each function stands beside the C function of the same name in
``ltc_math.c`` and ``ltc.c``. ``tests/unit/test_integer.py`` holds it against unbounded integers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hil.golden.tables import POWER_STEP_BITS, SIGMOID_STEP_BITS, SIGMOID_UNITS, power_table, sigmoid_table
from hil.image import FULL_SCALE, ModelImage, Records

Int = npt.NDArray[np.int64]

_ONE = 1 << 16
_NEAR = 2


def _interpolate(table: Int, position: Int, step_bits: int) -> Int:
    index = position >> step_bits
    part = position & ((1 << step_bits) - 1)
    low: Int = table[index]
    high: Int = table[index + 1]
    return low + (((high - low) * part + (1 << (step_bits - 1))) >> step_bits)


_SIGMOID = sigmoid_table().astype(np.int64)
_POWER = power_table().astype(np.int64)


def sigmoid(x: Int) -> tuple[Int, Int]:
    """1 / (1 + 2^-x) of Q16 arguments as (mantissa in Q16, exponent): value = mantissa / 2^16 / 2^exponent."""
    magnitude = np.abs(x)
    exponent = magnitude >> 16
    fraction = magnitude & (_ONE - 1)
    in_table = exponent < SIGMOID_UNITS
    near = np.where(in_table, magnitude, 0)
    power = _ONE - _interpolate(_POWER, fraction, POWER_STEP_BITS)
    upper = np.where(
        in_table, (_ONE + _interpolate(_SIGMOID, near, SIGMOID_STEP_BITS) + 1) >> 1, _ONE - (power >> exponent)
    )
    lower = np.where(exponent < _NEAR, _ONE - upper, (power * upper) >> 16)
    positive = x >= 0
    mantissa = np.where(positive, upper, lower)
    return mantissa, np.where(positive | (exponent < _NEAR), 0, exponent)


def _bit_length(x: Int) -> Int:
    """Bits of non-negative integers below 2^63, exactly (float64 holds each half)."""
    high = x >> 32
    top = np.frexp(high.astype(np.float64))[1]
    low = np.frexp((x & 0xFFFFFFFF).astype(np.float64))[1]
    return np.where(high > 0, top + 32, low).astype(np.int64)


def rate(unfolds: int, elapsed: Int) -> tuple[Int, Int]:
    """Rate of unfolds / elapsed (Q10.22) as (mantissa below 2^32, exponent)."""
    unfold_zeros = 32 - unfolds.bit_length()
    elapsed_zeros = 32 - _bit_length(elapsed)
    dividend = (unfolds << unfold_zeros) >> 1
    divisor = (elapsed << elapsed_zeros) >> 1
    return (dividend << 31) // divisor, elapsed_zeros - unfold_zeros - 9


def _shifted(value: Int, left: Int) -> Int:
    """Return value * 2^left, rounded down, for shifts of any size to the right."""
    return np.where(left >= 0, value << np.clip(left, 0, 62), value >> np.clip(-left, 0, 63))


def capacitance(cm: Int, cm_shift: Int, mantissa: Int, exponent: Int) -> Int:
    """Capacitance times rate at each neuron's conductance scale."""
    return _shifted(cm * mantissa, cm_shift + exponent)


def multiply(value: Int, factor: Int) -> Int:
    """Return value * factor / 2^16, of value's upper 31 bits."""
    return (value >> 16) * factor + ((((value >> 1) & 0x7FFF) * factor) >> 15)


def to_q16(argument: Int, shift: Int) -> Int:
    """Right shift, or a left shift that saturates."""
    limit = (2**31 - 1) >> np.maximum(-shift, 0)
    return _shifted(np.where(shift < 0, np.clip(argument, -limit, limit), argument), -shift)


def update(state: Int, num: Int, den: Int, capacity: Int) -> Int:
    """The fused semi-implicit update, v + (num - den v) / (den + capacity)."""
    whole = den + capacity
    left = 30 - _bit_length(whole)
    divisor = _shifted(whole, left)
    drive = _shifted(num, left) - ((_shifted(den, left) * state) >> 30)
    size = ((np.abs(drive) << 30) + (divisor >> 1)) // divisor
    return np.clip(state + np.where(drive < 0, -size, size), -FULL_SCALE, FULL_SCALE)


class _Synapses:
    """Synapses onto N targets, with what they add to a neuron's sums."""

    def __init__(self, records: Records, counts: Int) -> None:
        self._source = (records["slope_source"] & 0xFF).astype(np.intp)
        self._slope = records["slope_source"].astype(np.int64) >> 8
        self._offset, self._shift, self._weight, self._weight_shift, self._reversal = (
            records[key].astype(np.int64) for key in ("offset", "shift", "weight", "weight_shift", "reversal")
        )
        ends = np.cumsum(counts)
        self._targets = np.flatnonzero(counts)
        self._starts = (ends - counts)[self._targets]

    def add(self, num: Int, den: Int, source: Int) -> tuple[Int, Int]:
        """Sums (S, N) with the synapses' contributions for source values (S, sources) added."""
        if not self._targets.size:
            return num, den
        value = np.clip(source[:, self._source], -FULL_SCALE, FULL_SCALE)
        mantissa, exponent = sigmoid(to_q16(multiply(value, self._slope) + self._offset, self._shift))
        shift = self._weight_shift - exponent
        weight = _shifted(self._weight * mantissa, shift)
        reversal = _shifted(np.abs(self._reversal) * mantissa, shift)
        reversal = np.where(self._reversal < 0, -reversal, reversal)
        num, den = num.copy(), den.copy()
        num[:, self._targets] += np.add.reduceat(reversal, self._starts, axis=1)
        den[:, self._targets] += np.add.reduceat(weight, self._starts, axis=1)
        return num, den


def run_integer(
    image: bytes,
    inputs: npt.NDArray[np.int32],
    elapsed: npt.NDArray[np.uint32],
    state0: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Run sequences through an image.

    Args:
        image: the bytes of a model image with N neurons, I inputs and O outputs.
        inputs: (S, T, I) in the image's input formats; values beyond +-2^30 saturate as on the device.
        elapsed: (S, T) in unsigned Q10.22.
        state0: (N,) start state of every sequence, in the image's state format.

    Returns:
        States (S, T, N) after each step, and outputs (S, T, O), as the device's integers.
    """
    net = ModelImage.from_bytes(image)
    sequences, steps, _ = inputs.shape
    neuron, output = net.neuron, net.output
    sensory = _Synapses(net.sensory, neuron["sensory"].astype(np.int64))
    synapses = _Synapses(net.synapse, neuron["synapses"].astype(np.int64))
    num0, den0 = (np.tile(neuron[key].astype(np.int64), (sequences, 1)) for key in ("num", "den"))
    cm, cm_shift = neuron["cm"].astype(np.int64), neuron["cm_shift"].astype(np.int64)
    mantissa, exponent = rate(net.unfolds, elapsed.astype(np.int64))
    state = np.tile(state0.astype(np.int64), (sequences, 1))
    states = np.empty((sequences, steps, len(neuron)), np.int32)
    for t in range(steps):
        base = sensory.add(num0, den0, inputs[:, t].astype(np.int64))
        capacity = capacitance(cm, cm_shift, mantissa[:, t, None], exponent[:, t, None])
        for _ in range(net.unfolds):
            num, den = synapses.add(*base, state)
            state = update(state, num, den, capacity)
        states[:, t] = state
    shift = output["shift"].astype(np.int64)
    half = np.where(shift > 0, 1 << np.maximum(shift - 1, 0), 0)
    gained = multiply(states[:, :, : len(output)].astype(np.int64), output["gain"].astype(np.int64))
    return states, (((gained + half) >> shift) + output["offset"]).astype(np.int32)
