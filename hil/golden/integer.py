"""The exact integer model: what ``firmware/ltc`` computes, bit for bit, for any image the converter makes.

Written over whole arrays of sequences and synapses. ``opening``, ``reciprocal`` and ``update`` are those of
``ltc_kernel.c``; ``wide_opening`` and ``add_wide`` are ``opening`` and ``add`` of ``ltc_wide.c``; ``rate``,
``capacitance`` and ``map_values`` are ``ltc_set_rate``, ``ltc_capacitance`` and ``map``.
``tests/unit/test_integer.py`` holds it against unbounded integers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hil.encode import INTERVALS_A_UNIT
from hil.golden.arithmetic import bit_length, entry, multiply, power_of_half, scaled
from hil.golden.integer_cfc import run_cfc_integer
from hil.golden.tables import INTERVALS, ONE, RECIPROCAL_FIRST, reciprocal_table
from hil.image import CFC, FULL_SCALE, HALF_UPPER, OPEN, WIDE_FRAC, ModelImage, Records, checked

Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

SHIFT_MIN = 16
TOTAL_MIN = 1024
_NORMAL = 14
_WIDE_BITS = 31
_MIDDLE = INTERVALS // 2 << 16
_UNIT_BITS = 16 + INTERVALS_A_UNIT.bit_length() - 1
_NEAR = 2
_ELAPSED_FRAC = 22

_RECIPROCAL = reciprocal_table().astype(np.int64)


def _saturate(value: Int) -> Int:
    return np.clip(value, -FULL_SCALE, FULL_SCALE - 1)


def opening(position: Int) -> Int:
    """Return the sigmoid at a position in its table (Q16), in units of 1/OPEN."""
    index = position >> 16
    inside = entry(index, position & 0xFFFF) >> 17
    return np.where(index < 0, 0, np.where(index >= INTERVALS, OPEN, inside))


def wide_opening(position: Int) -> tuple[Int, Int]:
    """Return the sigmoid as (mantissa in units of 1/ONE, exponent): value = mantissa / ONE / 2^exponent."""
    distance = np.abs(position - _MIDDLE)
    index = (_MIDDLE + distance) >> 16
    upper = np.where(index >= INTERVALS, ONE, entry(index, distance & 0xFFFF) >> 16)
    exponent = distance >> _UNIT_BITS
    power = power_of_half((distance >> (_UNIT_BITS - 16)) & 0xFFFF)
    lower = np.where(exponent < _NEAR, ONE - upper, (power * upper) >> 16)
    positive = position >= _MIDDLE
    return np.where(positive, upper, lower), np.where(positive | (exponent < _NEAR), 0, exponent)


def rate(unfolds: int, elapsed: Int) -> tuple[Int, Int]:
    """Rate of unfolds / elapsed (Q10.22) as (mantissa of 15 or 16 bits, exponent)."""
    unfold_shift = 16 - unfolds.bit_length()
    elapsed_shift = 16 - bit_length(elapsed)
    mantissa = ((unfolds << unfold_shift) << 15) // scaled(elapsed, elapsed_shift)
    return mantissa, elapsed_shift - unfold_shift + _ELAPSED_FRAC - 15


class Capacitance(NamedTuple):
    """A capacitance at its scale beside the sums: what C keeps in a cell's ``rate``."""

    value: Int
    shift: Int


def capacitance(cm: Int, scale: Int, mantissa: Int) -> Capacitance:
    """Capacitance times rate, with ``scale`` the exponent of both."""
    product = cm * mantissa
    shift = np.where(product == 0, SHIFT_MIN, np.maximum(bit_length(product) + scale - (SHIFT_MIN - 1), SHIFT_MIN))
    return Capacitance(scaled(product, np.where(product == 0, 0, scale - shift)) + 1, shift)


def reciprocal(total: Int) -> Int:
    """Return 2^30 / total by one step of Newton's from a table; total in [2^14, 2^16)."""
    guess: Int = _RECIPROCAL[(total >> 8) - RECIPROCAL_FIRST]
    return ((guess << 23) - total * guess * guess) >> 14


def update(state: Int, num: Int, den: Int, beside: Capacitance) -> Int:
    """Return v + (num - den v) / (den + capacitance), as the kernel does."""
    pull = (num >> 1) - (den >> 16) * (state >> 15)
    total = scaled(den, -beside.shift) + beside.value
    small = np.maximum(_NORMAL + 1 - bit_length(total), 0)
    change = (pull * reciprocal(total << small)) >> 16
    return _saturate(state + scaled(change << small, SHIFT_MIN + 1 - beside.shift))


def map_values(records: Records, value: Int) -> Int:
    """Values (..., M) through M maps."""
    gain, offset, shift = (records[key].astype(np.int64) for key in ("gain", "offset", "shift"))
    half = np.where(shift > 0, 1 << np.maximum(shift - 1, 0), 0)
    return ((multiply(value, gain) + half) >> shift) + offset


class _Synapses:
    """Synapses onto N targets, with what they add to a neuron's sums."""

    def __init__(self, records: Records, counts: Int) -> None:
        self._source = ((records["slope_source"] & 0xFFFF) // 2).astype(np.intp)
        self._slope = records["slope_source"].astype(np.int64) >> 16
        self._offset, self._weight, self._reversal = (
            records[key].astype(np.int64) for key in ("offset", "weight", "reversal")
        )
        ends = np.cumsum(counts)
        self._targets = np.flatnonzero(counts)
        self._starts = (ends - counts)[self._targets]

    def _positions(self, source: Int) -> Int:
        return (self._slope * source[:, self._source] + self._offset) >> (self._offset & 0xFF)

    def _total(self, parts: Int, like: Int) -> Int:
        total = np.zeros_like(like)
        total[:, self._targets] = np.add.reduceat(parts, self._starts, axis=1)
        return total

    def add(self, num: Int, den: Int, source: Int) -> tuple[Int, Int]:
        """Sums (S, N) of the kernel with the synapses' contributions for 16-bit sources (S, sources) added."""
        if not self._targets.size:
            return num, den
        opened = opening(self._positions(source))
        return num + self._total(self._reversal * opened, num), den + self._total(self._weight * opened, den)

    def add_wide(self, num: Int, den: Int, source: Int) -> tuple[Int, Int]:
        """The same with WIDE_FRAC more bits, and tails as precise."""
        if not self._targets.size:
            return num, den
        mantissa, exponent = wide_opening(self._positions(source))
        mantissa >>= 1

        def parts(factor: Int) -> Int:
            return ((factor * mantissa) << WIDE_FRAC) >> np.minimum(exponent, 63)

        return num + self._total(parts(self._reversal), num), den + self._total(parts(self._weight), den)


def _upper_bits(num: Int, den: Int) -> tuple[Int, Int, Int]:
    below = bit_length(den >> _WIDE_BITS) + 1
    return num >> below, den >> below, below


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
    if checked(image)[0].solver == CFC:
        return run_cfc_integer(image, inputs, elapsed, state0)
    net = ModelImage.from_bytes(image)
    sequences, steps, _ = inputs.shape
    neuron, output = net.neuron, net.output
    sensory = _Synapses(net.sensory, neuron["sensory"].astype(np.int64))
    synapses = _Synapses(net.synapse, neuron["synapses"].astype(np.int64))
    num, den = (np.tile(neuron[key].astype(np.int64), (sequences, 1)) for key in ("num", "den"))
    wide_leak, leak = (num, den), (num >> WIDE_FRAC, (den >> WIDE_FRAC) + HALF_UPPER)
    cm, cm_shift = neuron["cm"].astype(np.int64), neuron["cm_shift"].astype(np.int64)
    mantissas, exponents = rate(net.unfolds, elapsed.astype(np.int64))
    state = np.tile(state0.astype(np.int64), (sequences, 1))
    states = np.empty((sequences, steps, len(neuron)), np.int32)
    for t in range(steps):
        mantissa, exponent = mantissas[:, t, None], exponents[:, t, None]
        beside = capacitance(cm, cm_shift + exponent, mantissa)
        wide = scaled(leak[1], -beside.shift) + beside.value < TOTAL_MIN
        values = _saturate(inputs[:, t].astype(np.int64))[:, net.channel["of"]]
        reading = np.clip(map_values(net.channel, values), -(1 << 15), (1 << 15) - 1)
        base = sensory.add(*leak, reading)
        if wide.any():
            *upper, below = _upper_bits(*sensory.add_wide(*wide_leak, reading))
            wide_base = upper[0] << below, upper[1] << below
        for _ in range(net.unfolds):
            source = state >> 15
            after = update(state, *synapses.add(*base, source), beside)
            if wide.any():
                num, den, below = _upper_bits(*synapses.add_wide(*wide_base, source))
                own = capacitance(cm, cm_shift + exponent + WIDE_FRAC - below, mantissa)
                after = np.where(wide, update(state, num, den + HALF_UPPER, own), after)
            state = after
        states[:, t] = state
    return states, map_values(output, states[:, :, : len(output)].astype(np.int64)).astype(np.int32)
