"""The exact integer model: what ``firmware/ltc`` computes, bit for bit, for any image the converter makes.

Written over whole arrays of sequences and synapses. ``opening`` and ``add`` are those of ``ltc_kernel.c``, ``update``
is ``updated`` there; ``reciprocal`` and ``total`` are ``ltc_reciprocal`` and ``ltc_total`` of ``ltc_kernel.h``;
``wide_opening`` and ``add_wide`` are ``opening`` and ``add`` of ``ltc_wide.c``; ``rate`` and ``capacitance`` are
``ltc_set_rate`` and ``ltc_capacitance`` of ``ltc_math.c``; ``map_values`` is ``map`` of ``ltc.c``; ``doubled`` is that
of ``ltc_adaptive.c``, ``decayed`` that of ``ltc_exponential.c``.
``tests/unit/test_integer.py`` holds it against unbounded integers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hil.encode import INTERVALS_A_UNIT
from hil.errors import InputError
from hil.golden.arithmetic import bit_length, clamped, entry, multiply, power_of_half, scaled
from hil.golden.integer_cfc import run_cfc_integer
from hil.golden.tables import INTERVALS, ONE, RECIPROCAL_FIRST, bernoulli_table, reciprocal_table
from hil.image import (
    ADAPTIVE,
    CFC,
    ELAPSED_FRAC,
    EULER,
    EXPONENTIAL,
    FULL_SCALE,
    HALF_UPPER,
    OPEN,
    RK4,
    WIDE_FRAC,
    ModelImage,
    Records,
    checked,
)
from hil.solver import MAX_UNFOLDS

Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

SHIFT_MIN = 16
TOTAL_MIN = 1024
_NORMAL = 14
_WIDE_BITS = 31
_MIDDLE = INTERVALS // 2 << 16
_UNIT_BITS = 16 + INTERVALS_A_UNIT.bit_length() - 1
_NEAR = 2
_BERNOULLI_BITS = 10

_RECIPROCAL = reciprocal_table().astype(np.int64)
_BERNOULLI = bernoulli_table().astype(np.int64)


def _saturate(value: Int) -> Int:
    return clamped(value, -FULL_SCALE, FULL_SCALE - 1)


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
    return mantissa, elapsed_shift - unfold_shift + ELAPSED_FRAC - 15


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


def total(den: Int, beside: Capacitance) -> Int:
    """Return den + capacitance in 16 bits, ``ltc_total``."""
    return scaled(den, -beside.shift) + beside.value


def _normal(over: Int) -> tuple[Int, Int]:
    """A total shifted to at least 15 bits, and by how many, ``ltc_normal``."""
    small = np.maximum(_NORMAL + 1 - bit_length(over), 0)
    return over << small, small


def update(state: Int, num: Int, den: Int, beside: Capacitance, *, alone: bool = False) -> Int:
    """Return v + (num - den v) / (den + capacitance), as the kernel does; ``alone``: over the capacitance."""
    pull = (num >> 1) - (den >> 16) * (state >> 15)
    over, small = _normal(beside.value + np.zeros_like(den) if alone else total(den, beside))
    change = (pull * reciprocal(over)) >> 16
    return _saturate(state + scaled(change << small, SHIFT_MIN + 1 - beside.shift))


def doubled(beside: Capacitance) -> Capacitance:
    """Twice the capacitance, as ``ltc_adaptive.c`` makes it."""
    fits = beside.value >> _NORMAL == 0
    return Capacitance(np.where(fits, beside.value * 2, beside.value), np.where(fits, beside.shift, beside.shift + 1))


def decayed(beside: Capacitance, den: Int) -> Capacitance:
    """Return the capacitance with which `update` is exponential: x / (e^x - 1) of it, x = den / capacitance."""
    over, small = _normal(total(den, beside))
    share = ((beside.value << small) * reciprocal(over)) >> 14
    index, part = share >> _BERNOULLI_BITS, share & ((1 << _BERNOULLI_BITS) - 1)
    left = _BERNOULLI[index] + (((_BERNOULLI[index + 1] - _BERNOULLI[index]) * part) >> _BERNOULLI_BITS)
    return Capacitance(np.maximum((beside.value * left) >> 16, 1), beside.shift)


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


class _Network:
    """An image's records, ready for whole arrays of S sequences."""

    def __init__(self, net: ModelImage) -> None:
        neuron = net.neuron
        self.net = net
        self.sensory = _Synapses(net.sensory, neuron["sensory"].astype(np.int64))
        self.synapses = _Synapses(net.synapse, neuron["synapses"].astype(np.int64))
        self.num, self.den = neuron["num"].astype(np.int64)[None], neuron["den"].astype(np.int64)[None]
        self.cm, self.cm_shift = neuron["cm"].astype(np.int64), neuron["cm_shift"].astype(np.int64)
        self.explicit = net.solver in {EULER, RK4}

    def first_rate(self, elapsed: Int) -> tuple[Int, Int]:
        return rate(1 if self.net.solver == ADAPTIVE else self.net.unfolds, elapsed)


class _Step:
    """A step of S sequences: what stays the same in all of its unfolds.

    Args:
        network: the records.
        reading: (S, C) of every channel.
        first: rate of the first unfold, mantissa and exponent, (S, 1) each.
    """

    def __init__(self, network: _Network, reading: Int, first: tuple[Int, Int]) -> None:
        self._network = network
        self._mantissa, exponent = first
        self._scale = network.cm_shift + exponent
        self._alone = network.explicit
        self.beside = capacitance(network.cm, self._scale, self._mantissa)
        ones = np.ones((len(reading), 1), np.int64)
        num, den = network.num * ones, network.den * ones
        leak = num >> WIDE_FRAC, (den >> WIDE_FRAC) + HALF_UPPER
        self._wide = (total(leak[1], self.beside) < TOTAL_MIN) & (not network.explicit)
        self._base = network.sensory.add(*leak, reading)
        if self._wide.any():
            *upper, below = _upper_bits(*network.sensory.add_wide(num, den, reading))
            self._wide_base = upper[0] << below, upper[1] << below

    def unfold(self, state: Int, beside: Capacitance | None = None, *, faster: int = 0, decays: bool = False) -> Int:
        """States (S, N) after one unfold.

        Args:
            state: before it.
            beside: the capacitances where they are not the step's own, ``faster`` by so many powers of two.
            faster: as a power of two.
            decays: exponential Euler.
        """
        beside = beside or self.beside
        source = state >> 15
        num, den = self._network.synapses.add(*self._base, source)
        after = update(state, num, den, decayed(beside, den) if decays else beside, alone=self._alone)
        if self._wide.any():
            num, den, below = _upper_bits(*self._network.synapses.add_wide(*self._wide_base, source))
            den += HALF_UPPER
            own = capacitance(self._network.cm, self._scale + faster + WIDE_FRAC - below, self._mantissa)
            after = np.where(self._wide, update(state, num, den, decayed(own, den) if decays else own), after)
        return after


_THIRD, _TWO_THIRDS = 21845, 43691


def _moved(start: Int, half: Int) -> Int:
    half_way: Int = clamped((start >> 1) + half, -FULL_SCALE // 2, FULL_SCALE // 2 - 1)
    return 2 * half_way


def _rk4(step: _Step, start: Int) -> Int:
    """One unfold of the classical Runge-Kutta method."""
    at, change = start, np.zeros_like(start)
    for weight, reach in ((_THIRD, 1), (_TWO_THIRDS, 1), (_TWO_THIRDS, 0), (_THIRD, 0)):
        half = (step.unfold(at) - at) >> 1
        change = change + multiply(half, weight)
        at = _moved(start, half >> reach)
    return _moved(start, change >> 1)


def _adaptive(step: _Step, start: Int, most: int, bound: int) -> Int:
    """A step with 1, 2, 4 ... unfolds, of each sequence until two results agree."""
    beside, unfolds, faster = step.beside, 1, 0
    last = step.unfold(start)
    done = np.zeros((len(start), 1), np.bool_)
    result = last
    while not done.all():
        unfolds, faster, beside = unfolds * 2, faster + 1, doubled(beside)
        state = start
        for _ in range(unfolds):
            state = step.unfold(state, beside, faster=faster)
        result = np.where(done, result, state)
        done |= (unfolds * 2 > most) | (np.abs(state - last) <= bound).all(axis=1, keepdims=True)
        last = state
    return result


def _solve(network: _Network, step: _Step, state: Int) -> Int:
    solver = network.net.solver
    if solver == ADAPTIVE:
        return _adaptive(step, state, network.net.unfolds, network.net.error_bound)
    for _ in range(network.net.unfolds):
        state = _rk4(step, state) if solver == RK4 else step.unfold(state, decays=solver == EXPONENTIAL)
    return state


def explicit_takes(image: bytes, elapsed: int) -> bool:
    """Whether an explicit solver's image takes a step of this elapsed time (Q10.22); it does up to some length."""
    network = _Network(ModelImage.from_bytes(image))
    mantissa, exponent = network.first_rate(np.array([elapsed], np.int64))
    return bool((capacitance(network.cm, network.cm_shift + exponent, mantissa).shift > SHIFT_MIN).all())


def _check_stiff(network: _Network, step: _Step, elapsed: npt.NDArray[np.uint32], t: int) -> None:
    """Refuse what the device refuses with LTC_ERR_STIFF."""
    stiff = np.argwhere(step.beside.shift == SHIFT_MIN)
    if not stiff.size:
        return
    sequence, neuron = stiff[0]
    unfolds = network.net.unfolds
    more = float((2.0 ** (SHIFT_MIN + 15) / (step.beside.value * np.exp2(step.beside.shift))).max())
    enough = math.ceil(unfolds * more) + 1
    raise InputError(
        f"step {t} of sequence {sequence}: an elapsed time of {elapsed[sequence] / 2**ELAPSED_FRAC:g} is too long for "
        f"an explicit solver with {unfolds} unfolds: neuron {neuron} could leave its bounds",
        hint=f"give it {enough} unfolds" if enough <= MAX_UNFOLDS else "use fused or exponential, which have no limit",
    )


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

    Raises:
        InputError: an elapsed time that the device refuses, too long for an explicit solver.
    """
    if checked(image)[0].solver == CFC:
        return run_cfc_integer(image, inputs, elapsed, state0)
    net = ModelImage.from_bytes(image)
    network = _Network(net)
    sequences, steps, _ = inputs.shape
    mantissas, exponents = network.first_rate(elapsed.astype(np.int64))
    state = np.tile(state0.astype(np.int64), (sequences, 1))
    states = np.empty((sequences, steps, len(net.neuron)), np.int32)
    for t in range(steps):
        values = _saturate(inputs[:, t].astype(np.int64))[:, net.channel["of"]]
        reading = clamped(map_values(net.channel, values), -(1 << 15), (1 << 15) - 1)
        step = _Step(network, reading, (mantissas[:, t, None], exponents[:, t, None]))
        if network.explicit:
            _check_stiff(network, step, elapsed[:, t], t)
        state = _solve(network, step, state)
        states[:, t] = state
    return states, map_values(net.output, states[:, :, : len(net.output)].astype(np.int64)).astype(np.int32)
