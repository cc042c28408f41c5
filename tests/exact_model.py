"""The runtime's arithmetic once more, in unbounded integers: each value is held to its C type, one scalar at a time.

Written from docs/numbers.md, not from the C or the array model, so that the three can disagree.
"""

from __future__ import annotations

import numpy as np

from hil.golden.tables import bernoulli_table, reciprocal_table, sigmoid_table
from hil.image import ModelImage

_FULL = 1 << 30
_SIGMOID = [divmod(int(v), 65536) for v in sigmoid_table()]
_RECIPROCAL = [int(v) for v in reciprocal_table()]
_BERNOULLI = [int(v) for v in bernoulli_table()]


class OverflowFoundError(AssertionError):
    """A value left the range of its C type."""


def _held(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise OverflowFoundError(f"{value} is outside {low}..{high}")
    return value


def i16(value: int) -> int:
    return _held(value, -(2**15), 2**15 - 1)


def i32(value: int) -> int:
    return _held(value, -(2**31), 2**31 - 1)


def u32(value: int) -> int:
    return _held(value, 0, 2**32 - 1)


def i64(value: int) -> int:
    return _held(value, -(2**63), 2**63 - 1)


def _clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit - 1, value))


def _interpolated(position: int) -> int:
    index, part = divmod(position, 65536)
    value, rise = _SIGMOID[index]
    return u32(value * 65536 + rise + u32(rise * part))


def opening(position: int) -> int:
    if position < 0:
        return 0
    return 32767 if position >= 256 * 65536 else _interpolated(position) >> 17


def wide_opening(position: int) -> tuple[int, int]:
    """(mantissa in units of 1/65534, exponent)."""
    middle = 128 * 65536
    away = u32(abs(position - middle))
    upper = 65534 if away >= middle else _interpolated(middle + away) >> 16
    if position >= middle:
        return upper, 0
    whole, fraction = divmod(away // 8, 65536)
    if whole < 2:
        return 65534 - upper, 0
    power = 15196 - (u32(2626 * fraction) >> 16)
    power = 45341 - (u32(power * fraction) >> 16)
    power = 65535 - (u32(power * fraction) >> 16)
    return u32(power * upper) >> 16, whole


def _multiply(value: int, factor: int) -> int:
    return i32(i32((value >> 16) * factor) + (i32(((value >> 1) & 0x7FFF) * factor) >> 15))


def _map(record: np.void, value: int) -> int:
    shift = int(record["shift"])
    half = 1 << shift >> 1
    return i32((i32(_multiply(value, int(record["gain"])) + half) >> shift) + int(record["offset"]))


def _position(record: np.void, source: list[int]) -> int:
    slope, place = divmod(int(record["slope_source"]), 65536)
    assert place % 2 == 0
    offset = int(record["offset"])
    return i32(i32(slope * source[place // 2]) + offset) >> (offset & 255)


def _add(num: int, den: int, records: np.ndarray, source: list[int]) -> tuple[int, int]:
    for record in records:
        opened = opening(_position(record, source))
        den = _held(den + u32(int(record["weight"]) * opened), 0, 0x7EFFFFFF)
        num = i32(num + i32(int(record["reversal"]) * opened))
    return num, den


def _add_wide(num: int, den: int, records: np.ndarray, source: list[int]) -> tuple[int, int]:
    for record in records:
        mantissa, exponent = wide_opening(_position(record, source))
        mantissa //= 2
        den = i64(den + (i64(i32(int(record["weight"]) * mantissa) << 32) >> exponent))
        num = i64(num + (i64(i32(int(record["reversal"]) * mantissa) << 32) >> min(exponent, 63)))
    return num, den


def _rate(unfolds: int, elapsed: int) -> tuple[int, int]:
    """unfolds / elapsed as (mantissa, exponent)."""
    up, down = 16 - unfolds.bit_length(), 16 - elapsed.bit_length()
    divisor = elapsed << down if down >= 0 else elapsed >> -down
    return _held(((unfolds << up) << 15) // divisor, 1 << 14, (1 << 16) - 1), down - up + 22 - 15


def _capacitance(cm: int, mantissa: int, scale: int) -> tuple[int, int]:
    """(capacitance of at most 15 bits, shift)."""
    product = u32(cm * mantissa)
    if product == 0:
        return 1, 16
    shift = max(16, product.bit_length() + scale - 15)
    assert shift < 256
    exact = product << (scale - shift) if scale >= shift else product >> (shift - scale)
    return _held(exact + 1, 1, 1 << 15), shift


def reciprocal(total: int) -> int:
    guess = _RECIPROCAL[(total >> 8) - 64]
    return _held(u32(u32(guess << 23) - u32(total * guess * guess)) >> 14, 0, 65535)


def _normal(total: int) -> tuple[int, int]:
    """(total of at least 15 bits, by how many it was shifted)."""
    small = 0
    while total < 1 << 14:
        total *= 2
        small += 1
    return total, small


def _decayed(den: int, capacitance: int, shift: int) -> int:
    """What is left of a capacitance for the exponential solver."""
    total, small = _normal(_held((den >> shift) + capacitance, 1, 65279))
    share = _held(u32((capacitance << small) * reciprocal(total)) >> 14, 0, 65536)
    index, part = divmod(share, 1024)
    rise = _held(_BERNOULLI[index + 1] - _BERNOULLI[index], 0, 65535)
    return _held(max(1, u32(capacitance * (_BERNOULLI[index] + u32(rise * part) // 1024)) >> 16), 1, capacitance)


def _update(v: int, num: int, den: int, capacitance: int, shift: int, *, alone: bool = False) -> int:
    assert abs(num) <= den
    pull = i32((num >> 1) - i32((den >> 16) * (v >> 15)))
    total = capacitance if alone else (den >> shift) + capacitance
    total, small = _normal(_held(total, 1, 65279))
    change = i32(i32((pull * reciprocal(total)) >> 16) << small)
    change = i32(change << 1) if shift == 16 else change >> min(shift - 17, 31)
    return _clamp(i32(v + change), _FULL)


def _upper(num: int, den: int) -> tuple[int, int, int]:
    below = (den >> 31).bit_length() + 1
    return i32(num >> below), _held(den >> below, 0, (1 << 30) - 1), _held(below, 1, 33)


class _Neuron:
    """A neuron within a step of a solver (its number in an image)."""

    def __init__(self, record: np.void, rate: tuple[int, int], solver: int) -> None:
        self.explicit, self.exponential = solver in {1, 2}, solver == 4
        self.leak = int(record["num"]), int(record["den"])
        self.fast = self.leak[0] >> 32, (self.leak[1] >> 32) + 0x8000
        self.cm, self.scale, self.mantissa = int(record["cm"]), int(record["cm_shift"]) + rate[1], rate[0]
        self.beside = _capacitance(self.cm, self.mantissa, self.scale)
        assert not self.explicit or self.beside[1] > 16
        self.wide = not self.explicit and (self.fast[1] >> self.beside[1]) + self.beside[0] < 1024

    def gather(self, records: np.ndarray, reading: list[int]) -> None:
        if not self.wide:
            self.base = _add(*self.fast, records, reading)
            return
        num, den, below = _upper(*_add_wide(*self.leak, records, reading))
        self.base = i64(num << below), i64(den << below)

    def after(self, v: int, records: np.ndarray, source: list[int]) -> int:
        if self.wide:
            num, den, below = _upper(*_add_wide(*self.base, records, source))
            den += 0x8000
            beside = _capacitance(self.cm, self.mantissa, self.scale + 32 - below)
        else:
            num, den = _add(*self.base, records, source)
            beside = self.beside
        if self.exponential:
            beside = _decayed(den, *beside), beside[1]
        return _update(v, num, den, *beside, alone=self.explicit)

    def twice(self) -> None:
        """Half of the time an unfold."""
        self.scale += 1
        capacitance, shift = self.beside
        self.beside = (2 * capacitance, shift) if capacitance < 1 << 14 else (capacitance, _held(shift + 1, 17, 255))


class _Solver:
    """The neurons of one step, and how it is solved."""

    def __init__(self, net: ModelImage, neurons: list[_Neuron], synapse: list[np.ndarray]) -> None:
        self.net, self.neurons, self.synapse = net, neurons, synapse

    def unfold(self, v: list[int]) -> list[int]:
        source = [i16(old >> 15) for old in v]
        return [n.after(old, rows, source) for n, old, rows in zip(self.neurons, v, self.synapse, strict=True)]

    def solve(self, v: list[int]) -> list[int]:
        if self.net.solver == 3:
            return self.adaptive(v)
        for _ in range(self.net.unfolds):
            v = self.rk4(v) if self.net.solver == 2 else self.unfold(v)
        return v

    def rk4(self, start: list[int]) -> list[int]:
        change, at = [0] * len(start), start
        for weight, part in ((21845, 2), (43691, 2), (43691, 1), (21845, 1)):
            half = [_held(i32(new - old) >> 1, -_FULL, _FULL) for new, old in zip(self.unfold(at), at, strict=True)]
            change = [i32(sum_ + _multiply(h, weight)) for sum_, h in zip(change, half, strict=True)]
            at = [self.moved(v, h // part) for v, h in zip(start, half, strict=True)]
        return [self.moved(v, c >> 1) for v, c in zip(start, change, strict=True)]

    @staticmethod
    def moved(v: int, half: int) -> int:
        return 2 * _clamp(i32((v >> 1) + half), _FULL // 2)

    def adaptive(self, start: list[int]) -> list[int]:
        last, unfolds = self.unfold(start), 1
        while True:
            unfolds *= 2
            for neuron in self.neurons:
                neuron.twice()
            now = start
            for _ in range(unfolds):
                now = self.unfold(now)
            apart = max(abs(i32(a - b)) for a, b in zip(now, last, strict=True))
            if unfolds * 2 > self.net.unfolds or apart <= self.net.error_bound:
                return now
            last = now


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
            rate = _rate(1 if net.solver == 3 else net.unfolds, int(elapsed[s, t]))
            x = [_clamp(int(value), _FULL) for value in inputs[s, t]]
            reading = [_clamp(_map(record, x[int(record["of"])]), 1 << 15) for record in net.channel]
            neurons = [_Neuron(record, rate, net.solver) for record in net.neuron]
            for neuron, records in zip(neurons, sensory, strict=True):
                neuron.gather(records, reading)
            v = _Solver(net, neurons, synapse).solve(v)
            states[s, t] = v
            outputs[s, t] = [_map(record, v[k]) for k, record in enumerate(net.output)]
    return states, outputs
