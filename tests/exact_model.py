"""The runtime's arithmetic once more, in unbounded integers: each value is held to its C type, one scalar at a time.

Written from docs/numbers.md, not from the C or the array model, so that the three can disagree.
"""

from __future__ import annotations

import numpy as np

from hil.golden.tables import power_table, sigmoid_table
from hil.image import ModelImage

_FULL = 1 << 30
_SIGMOID = [int(v) for v in sigmoid_table()]
_POWER = [int(v) for v in power_table()]


class OverflowFoundError(AssertionError):
    """A value left the range of its C type."""


def _held(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise OverflowFoundError(f"{value} is outside {low}..{high}")
    return value


def i32(value: int) -> int:
    return _held(value, -(2**31), 2**31 - 1)


def u32(value: int) -> int:
    return _held(value, 0, 2**32 - 1)


def i64(value: int) -> int:
    return _held(value, -(2**63), 2**63 - 1)


def u64(value: int) -> int:
    return _held(value, 0, 2**64 - 1)


def _lookup(table: list[int], position: int, step_bits: int) -> int:
    index, part = divmod(position, 1 << step_bits)
    slope = table[index + 1] - table[index]
    return u32(table[index] + (u32(slope * part + (1 << (step_bits - 1))) >> step_bits))


def sigmoid(x: int) -> tuple[int, int]:
    whole, fraction = divmod(abs(x), 65536)
    power = 65536 - _lookup(_POWER, fraction, 9)
    upper = (65536 + _lookup(_SIGMOID, abs(x), 11) + 1) // 2 if whole < 9 else 65536 - (power >> whole)
    if x >= 0:
        return upper, 0
    if whole < 2:
        return 65536 - upper, 0
    if upper == 65536:
        return power, whole
    return u32(power * upper) >> 16, whole


def _scaled(value: int, shift: int) -> int:
    return u64(u32(value) << shift) if shift >= 0 else value >> -shift


def _multiply(value: int, factor: int) -> int:
    return i32(i32((value >> 16) * factor) + (i32(((value >> 1) & 0x7FFF) * factor) >> 15))


def _add(num: int, den: int, records: np.ndarray, source: list[int]) -> tuple[int, int]:
    for record in records:
        slope_source = int(record["slope_source"])
        value = max(-_FULL, min(_FULL, source[slope_source & 255]))
        x = i32(_multiply(value, slope_source >> 8) + int(record["offset"]))
        right = int(record["shift"])
        if right >= 0:
            x >>= right
        else:
            limit = (2**31 - 1) >> -right
            x = i32(max(-limit, min(limit, x)) << -right)
        mantissa, exponent = sigmoid(x)
        shift = int(record["weight_shift"]) - exponent
        den = i64(den + _scaled(int(record["weight"]) * mantissa, shift))
        reversal = int(record["reversal"])
        part = _scaled(abs(reversal) * mantissa, shift)
        num = i64(num + (part if reversal >= 0 else -part))
    return num, den


def _update(v: int, num: int, den: int, capacity: int) -> int:
    whole = i64(den + capacity)
    assert 0 < whole <= 1 << 62
    right = whole.bit_length() - 30
    place = (lambda value: value >> right) if right >= 0 else (lambda value: value << -right)
    divisor = i32(place(whole))
    drive = i32(i32(place(num)) - i32(i64(i32(place(den)) * v) >> 30))
    change = u32(((abs(drive) << 30) + (divisor >> 1)) // divisor)
    return max(-_FULL, min(_FULL, v - change if drive < 0 else v + change))


def _rate(unfolds: int, elapsed: int) -> tuple[int, int]:
    zeros = 32 - unfolds.bit_length(), 32 - elapsed.bit_length()
    dividend, divisor = u32(unfolds << zeros[0]) >> 1, u32(elapsed << zeros[1]) >> 1
    return u32((dividend << 31) // divisor), zeros[1] - zeros[0] - 9


def run_exact(
    image: bytes, inputs: np.ndarray, elapsed: np.ndarray, state0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Like hil.golden.run_integer; raises OverflowFoundError where a C variable would."""
    net = ModelImage.from_bytes(image)
    sensory_ends = np.cumsum(net.neuron["sensory"], dtype=int)
    synapse_ends = np.cumsum(net.neuron["synapses"], dtype=int)
    sensory = np.split(net.sensory, sensory_ends[:-1])
    synapse = np.split(net.synapse, synapse_ends[:-1])
    sequences, steps, _ = inputs.shape
    states = np.empty((sequences, steps, len(net.neuron)), np.int32)
    outputs = np.empty((sequences, steps, len(net.output)), np.int32)
    for s in range(sequences):
        v = [int(x) for x in state0]
        for t in range(steps):
            mantissa, exponent = _rate(net.unfolds, int(elapsed[s, t]))
            x = [int(value) for value in inputs[s, t]]
            base, capacity = [], []
            for neuron, records in zip(net.neuron, sensory, strict=True):
                base.append(_add(int(neuron["num"]), int(neuron["den"]), records, x))
                shift = int(neuron["cm_shift"]) + exponent
                product = u64(int(neuron["cm"]) * mantissa)
                capacity.append(i64(u64(product << shift) if shift >= 0 else product >> -shift))
            for _ in range(net.unfolds):
                sums = [_add(*b, records, v) for b, records in zip(base, synapse, strict=True)]
                v = [_update(old, *both, c) for old, both, c in zip(v, sums, capacity, strict=True)]
            states[s, t] = v
            for k, record in enumerate(net.output):
                shift = int(record["shift"])
                half = 1 << (shift - 1) if shift else 0
                scaled = i32(_multiply(v[k], int(record["gain"])) + half) >> shift
                outputs[s, t, k] = i32(scaled + int(record["offset"]))
    return states, outputs
