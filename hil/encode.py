"""Real numbers to the integer fields of an image's records. What each field means: ``firmware/ltc/ltc_image.h``.

Pure functions on single numbers, so that each bound can be read, and tested, by itself; docs/numbers.md derives them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

FULL_SCALE = 1 << 30
MANTISSA_MAX = 65535
SHIFT_MIN, SHIFT_MAX = -12, 31
INT8_MIN = -128
SATURATED = 64.0  # in units of log(2): beyond it a sigmoid is 0 or 1 in every conductance scale
STEEPEST = 2.0**22  # largest slope over a source's full scale whose argument is still resolved to 1/256
SUM_BITS = 61  # a neuron's sums stay below 2^62, with room for rounding
_OUTPUT_FRAC_MAX = 90


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
    """A sigmoid's argument as integers: (source * slope / 2^16 + offset) / 2^shift, in Q16 and units of log(2).

    A negative shift is to the left and saturates.
    ``flattened`` is by how much a sigmoid too steep for the format was made flatter, 1 where it was not.
    """

    slope: int
    offset: int
    shift: int
    flattened: float


def argument(slope: float, constant: float) -> Argument:
    """Encode slope * x + constant, x in [-1, 1] being the source at its full scale.

    Neither term exceeds 2^30 afterwards, so their sum cannot overflow. A sigmoid that is saturated for every x is
    encoded as a constant.
    """
    if abs(constant) - abs(slope) >= SATURATED:
        return Argument(0, FULL_SCALE - 1 if constant > 0 else 1 - FULL_SCALE, 0, 1.0)
    flattened = max(
        1.0,
        math.ldexp(abs(slope), SHIFT_MIN + 2) / MANTISSA_MAX,
        math.ldexp(abs(constant), SHIFT_MIN + 16) / (FULL_SCALE - 1),
    )
    slope, constant = slope / flattened, constant / flattened
    # The offset is made for the slope as it was rounded, so that the argument is exact in the middle of the sigmoid,
    # where it is steepest, or at the end of the scale next to it: rounding moves what lies away from there.
    middle = max(-1.0, min(1.0, -constant / slope)) if slope else 0.0
    shift = SHIFT_MAX
    while True:
        exact = math.ldexp(slope, shift + 2)
        rounded = _clamp(round(exact), MANTISSA_MAX)
        offset = round(math.ldexp(constant, shift + 16) + math.ldexp(middle * (exact - rounded), 14))
        if (abs(exact) <= MANTISSA_MAX and abs(offset) < FULL_SCALE) or shift == SHIFT_MIN:
            return Argument(rounded, _clamp(offset, FULL_SCALE - 1), shift, flattened)
        shift -= 1


def conductance_scale(largest_sum: float) -> int:
    """Fractional bits of a neuron's sums: everything that could be added to them stays below 2^62.

    Args:
        largest_sum: above 0: leak, epsilon, every synapse fully open, and the capacitance term at the shortest elapsed.
    """
    return SUM_BITS - exponent_above(largest_sum)


def synapse(source: int, at: Argument, w: float, reversal: float, scale: int) -> tuple[int, int, int, int, int, int]:
    """A synapse record.

    Args:
        source: index of the input or neuron, 0..255.
        at: its sigmoid's argument.
        w: conductance, above 0.
        reversal: reversal potential as a share of the state's full scale, within +-1.
        scale: fractional bits of the target's sums.
    """
    m, exponent = mantissa(w)
    shift = exponent + scale - 16
    if shift < INT8_MIN:  # the synapse is less than one unit of the sums
        m, shift = 0, 0
    return at.offset, at.slope << 8 | source, m, at.shift, shift, _clamp(round(m * reversal), m)


def leak(conductance: float, potential: float, scale: int) -> tuple[int, int]:
    """(den, num) of a neuron's leak and epsilon.

    Args:
        conductance: gleak + epsilon.
        potential: gleak * vleak as a share of the state's full scale.
        scale: fractional bits of the neuron's sums.
    """
    den = max(1, round(math.ldexp(conductance, scale)))
    return den, _clamp(round(math.ldexp(potential, scale)), den)


def capacitance(cm: float, scale: int) -> tuple[int, int]:
    """(mantissa, shift) of a membrane capacitance at the neuron's scale."""
    m, exponent = mantissa(cm)
    shift = exponent + scale
    return (m, shift) if m and shift >= INT8_MIN else (0, 0)


def output(gain: float, offset: float) -> tuple[int, int, int, int]:
    """(gain, offset, shift, fractional bits) of gain * x + offset, x in [-1, 1] being the state at its full scale."""
    scale = min(30 - exponent_above(abs(gain)), _OUTPUT_FRAC_MAX) if gain else _OUTPUT_FRAC_MAX
    frac = min(scale, 29 - exponent_above(abs(offset))) if offset else scale
    scale = min(scale, frac + SHIFT_MAX) if gain else frac
    return (
        _clamp(round(math.ldexp(gain, scale - 14)), MANTISSA_MAX),
        _clamp(round(math.ldexp(offset, frac)), FULL_SCALE - 1),
        scale - frac,
        frac,
    )
