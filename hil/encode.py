"""Real numbers to the integer fields of an image's records. What each field means: ``firmware/ltc/ltc_image.h``.

Pure functions on single numbers, so that each bound can be read, and tested, by itself; docs/numbers.md derives them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hil.image import FULL_SCALE, HALF_UPPER, OPEN, SUM_MAX, WIDE_FRAC

MANTISSA_MAX = 65535
SLOPE_MAX = 32767
SHIFT_MAX = 6  # of an argument: its table's end, 2^24, must fit 30 bits
INT8_MIN, INT8_MAX = -128, 127
SATURATED = 64.0  # in units of log(2): beyond it a sigmoid is 0 or 1 in every neuron's sums
INTERVALS_A_UNIT = 8  # of the sigmoid's table; a unit is log(2): a factor of two in its tail
_ZERO = 128.0  # the interval of the table that begins at 0
_MAP_SHIFT_MAX = 31
_OUTPUT_FRAC_MAX = 90
_CM_MAX = 2.0**100


def exponent_above(value: float) -> int:
    """Smallest k with 2^k >= value > 0."""
    fraction, exponent = math.frexp(value)
    lower_end = 0.5
    return exponent - 1 if fraction == lower_end else exponent


def mantissa(value: float) -> tuple[int, int]:
    """(m, e) with value = m * 2^e rounded to 16 bits, 2^15 <= m < 2^16; (0, 0) for 0."""
    if value == 0:
        return 0, 0
    fraction, exponent = math.frexp(value)
    m = round(fraction * 2**16)
    return (m >> 1, exponent - 15) if m > MANTISSA_MAX else (m, exponent - 16)


def _clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))


class Argument(NamedTuple):
    """A position in the sigmoid's table as integers: (slope * source + offset) >> (offset & 255), in Q16.

    ``flattened`` is by how much a sigmoid too steep for the format was made flatter, 1 where it was not.
    """

    slope: int
    offset: int
    flattened: float


def argument(slope: float, constant: float, *, floored: bool) -> Argument:
    """Encode slope * x + constant, in units of log(2), x in [-1, 1] being a source at its full scale, 2^15.

    The product and the offset each stay below 2^30, so their sum cannot overflow. A sigmoid that is saturated for every
    x is encoded as a constant.

    Args:
        slope: per full scale of the source.
        constant: what is added to it.
        floored: the source was rounded down to its 16 bits, so that half a unit is missing on average.
    """
    if abs(constant) - abs(slope) >= SATURATED:
        return Argument(0, FULL_SCALE // 2 if constant > 0 else -FULL_SCALE // 2, 1.0)
    steep, zero = slope * INTERVALS_A_UNIT, constant * INTERVALS_A_UNIT
    flattened = max(1.0, math.ldexp(abs(steep), 1) / SLOPE_MAX, math.ldexp(abs(zero), 16) / (FULL_SCALE * 0.98))
    steep, zero = steep / flattened, zero / flattened
    # The offset is made for the slope as it was rounded, so that the argument is exact in the middle of the sigmoid,
    # where it is steepest, or at the end of the scale next to it: rounding moves what lies away from there.
    middle = max(-1.0, min(1.0, -zero / steep)) if steep else 0.0
    for shift in range(SHIFT_MAX, -1, -1):
        exact = math.ldexp(steep, shift + 1)
        rounded = _clamp(round(exact), SLOPE_MAX)
        offset = math.ldexp(zero + _ZERO, shift + 16) + math.ldexp(middle * (exact - rounded), 15)
        offset += rounded / 2 if floored else 0.0
        if (abs(exact) <= SLOPE_MAX and abs(offset) < FULL_SCALE - 256) or shift == 0:
            break
    return Argument(rounded, _clamp(256 * round((offset - shift) / 256), FULL_SCALE - 256) + shift, flattened)


def conductance_scale(static: float, cm: float, synapses: int) -> float:
    """Units of a neuron's sums per conductance: everything that could be added to them stays within SUM_MAX.

    Args:
        static: leak, epsilon and every synapse fully open.
        cm: its capacitance; one of the two is above 0.
        synapses: how many weights are rounded.
    """
    room = SUM_MAX - HALF_UPPER - (synapses + 1) * OPEN // 2 - 2
    scale = room / static if static > 0 else math.inf
    return min(scale, _CM_MAX / cm) if cm > 0 else scale


def synapse(source: int, at: Argument, w: float, reversal: float, scale: float) -> tuple[int, int, int, int]:
    """A synapse record.

    Args:
        source: index of the channel or neuron.
        at: its sigmoid's argument.
        w: conductance, above 0.
        reversal: reversal potential as a share of the state's full scale, within +-1.
        scale: units of the target's sums per conductance.
    """
    weight = w * scale / OPEN
    rounded = round(weight)
    return at.slope << 16 | 2 * source, at.offset, rounded, _clamp(round(weight * reversal), rounded)


def leak(conductance: float, potential: float, scale: float) -> tuple[int, int]:
    """(den, num) of a neuron's leak and epsilon.

    Args:
        conductance: gleak + epsilon.
        potential: gleak * vleak as a share of the state's full scale.
        scale: units of the neuron's sums per conductance.
    """
    den = max(1, round(math.ldexp(conductance * scale, WIDE_FRAC)))
    return den, _clamp(round(math.ldexp(potential * scale, WIDE_FRAC)), den)


def capacitance(cm: float, scale: float) -> tuple[int, int]:
    """(mantissa, shift) of a membrane capacitance at the neuron's scale."""
    m, exponent = mantissa(cm * scale)
    return (m, min(exponent, INT8_MAX)) if m and exponent >= INT8_MIN else (0, 0)


def output(gain: float, offset: float) -> tuple[int, int, int, int]:
    """(gain, offset, shift, fractional bits) of gain * x + offset, x in [-1, 1] being the state at its full scale."""
    scale = min(30 - exponent_above(abs(gain)), _OUTPUT_FRAC_MAX) if gain else _OUTPUT_FRAC_MAX
    frac = min(scale, 29 - exponent_above(abs(offset))) if offset else scale
    scale = min(scale, frac + _MAP_SHIFT_MAX) if gain else frac
    return (
        _clamp(round(math.ldexp(gain, scale - 14)), MANTISSA_MAX),
        _clamp(round(math.ldexp(offset, frac)), FULL_SCALE - 1),
        scale - frac,
        frac,
    )


def channel(low: float, high: float) -> tuple[int, int, int]:
    """(gain, offset, shift) of the map that brings [low, high] to 16 bits.

    The ends are shares of an input's full scale, within [-1, 1] and at least 2^-14 apart. Exact in the middle.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    exact = math.ldexp(1 / half, 1)  # 2^15 / half, over the 2^30 of the input's scale and the 2^16 of the map
    shift = min(_MAP_SHIFT_MAX, max(0, math.floor(math.log2(MANTISSA_MAX / exact))))
    gain = min(round(math.ldexp(exact, shift)), MANTISSA_MAX)
    return gain, _clamp(-round(math.ldexp(middle * gain, 14 - shift)), FULL_SCALE - 1), shift
