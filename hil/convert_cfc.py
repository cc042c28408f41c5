"""From the parameters of a CfC to its image: every Q-format is chosen here, from bounds that hold for every input.

What is proved, and where (docs/numbers.md has the derivations):

* a state stays within its bound: a mixture of two tangents, their sum, or the peak of x exp(-t x);
* a row has a scale at which everything that it could ever add up to stays below 2^30, and its sources are at their
  full scale there; ``ltc_open()`` proves that again from the image's integers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hil import encode
from hil.channels import LOG2E
from hil.image import FULL_SCALE
from hil.image_cfc import CfcImage, Kind, Layer, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from hil.model_cfc import Activation, CfcCell, CfcModel, Linear

    Array = npt.NDArray[np.float64]

_BITS = 30  # a value at its full scale is 2^30
_SOURCE_BITS = 15
_WEIGHT_MAX = 32767
_SHIFT_MAX = 31
_LEFT_MAX = 127
_EXPONENT_MIN = -30  # of a row's full scale
_POSITION = 19  # a position's bits below a factor of two in the sigmoid's tail
_POWER = 16  # those of an exponent
_GATE_END = 2048.0  # where a gate's argument saturates, far beyond the sigmoid
_ROUNDS = 200
_ENOUGH = 4.0  # times the largest |A|: a state format that reaches further is worth a note
_KINDS: dict[Activation, Kind] = {"lecun_tanh": Kind.TANH, "tanh": Kind.TANH, "relu": Kind.RELU, "silu": Kind.SILU}
_CELLS = {"default": Kind.GATED, "no_gate": Kind.NO_GATE, "pure": Kind.PURE}


class CfcFormats(NamedTuple):
    """A CfC's image, and the formats of what goes into it and comes out of it."""

    image: bytes
    state_bound: float
    state_frac: int
    input_frac: npt.NDArray[np.int64]
    output_frac: npt.NDArray[np.int64]
    notes: tuple[str, ...]


def cfc_formats(model: CfcModel, start: float) -> CfcFormats:
    """Choose the formats and make the image.

    Args:
        model: the parameters.
        start: largest start state that will be set.
    """
    notes: list[str] = []
    bound = model.declared_bound or _state_bound(model, start)
    bound = max(bound, start)
    _note_state(model, bound, notes)
    deepest = max(len(cell.backbone) for cell in model.cells)
    if model.backbone_bound is None and model.activation in {"relu", "silu"} and deepest > 1:
        notes.append(
            f"units of {deepest} layers of {model.activation} have their largest possible sum as their scale, which "
            "takes precision from them: say in the model what they stay below, 'backbone_bound', e.g. 8"
        )
    if model.backbone_bound is not None:
        notes.append(f"units of the backbone saturate at or above 'backbone_bound', {model.backbone_bound:g}")
    state_exponent = encode.exponent_above(bound)
    input_exponent = [encode.exponent_above(float(each)) for each in model.input_bound]
    maker = _Maker(model, input_exponent, state_exponent, notes)
    layers = tuple(maker.layers())
    image = CfcImage(_BITS - state_exponent, layers, (_BITS - np.array(input_exponent)).astype(np.int8))
    return CfcFormats(
        image=image.to_bytes(),
        state_bound=bound,
        state_frac=image.state_frac,
        input_frac=image.input_frac.astype(np.int64),
        output_frac=np.array([row.left for row in layers[-1].rows], np.int64),
        notes=tuple(notes),
    )


def _note_state(model: CfcModel, bound: float, notes: list[str]) -> None:
    largest = max(float(np.abs(cell.a).max()) for cell in model.cells)
    if model.mode == "pure" and model.declared_bound is None and bound > _ENOUGH * largest:
        notes.append(
            f"states may reach {bound:.3g} where the least elapsed time is {model.elapsed_min:g}, which takes "
            "precision from them: say 'elapsed_min' or 'state_bound' in the model"
        )
    if model.declared_bound is not None:
        notes.append(f"states saturate at or above 'state_bound', {model.declared_bound:g}")


def _state_bound(model: CfcModel, start: float) -> float:
    """Largest magnitude that a state can reach from a start state within `start`."""
    if model.mode != "pure":
        return 2.0 if model.mode == "no_gate" else 1.0
    comes_in, largest = model.input_bound, 0.0
    for cell in model.cells:
        comes_in = _pure_bound(model, cell, comes_in, start)
        largest = max(largest, float(comes_in.max()))
    return max(largest, math.ldexp(1.0, _EXPONENT_MIN))


def _pure_bound(model: CfcModel, cell: CfcCell, comes_in: Array, start: float) -> Array:
    """Bounds (H,) of a pure cell's states: the set of states within them is not left.

    |A - A f exp(-t (tau + |f|))| <= |A| (1 + x exp(-t (tau + x))) for the worst x up to the largest |f|, which itself
    depends on the states; without a fixed point the peak at x = 1 / t is the bound.
    """

    def reached(largest: Array) -> Array:
        x = np.minimum(largest, 1 / model.elapsed_min)
        return np.asarray(np.abs(cell.a) * (1 + x * np.exp(-model.elapsed_min * (cell.w_tau + x))))

    bound = np.maximum(np.abs(cell.a), start)
    for _ in range(_ROUNDS):
        further = np.maximum(bound, reached(_largest(model, cell, np.concatenate([comes_in, bound]))))
        if (further <= bound * (1 + 1e-12)).all():
            return further
        bound = further
    return np.maximum(reached(np.full(cell.neurons, math.inf)), start)


def _largest(model: CfcModel, cell: CfcCell, sources: Array) -> Array:
    """Largest magnitudes (H,) of ff1 for sources within theirs."""
    for layer in cell.backbone:
        sums = np.abs(layer.weight) @ sources + np.abs(layer.bias)
        sources = {"lecun_tanh": np.full_like(sums, 1.7159), "tanh": np.ones_like(sums)}.get(model.activation, sums)
    return np.asarray(np.abs(cell.ff1.weight) @ sources + np.abs(cell.ff1.bias))


class Sum(NamedTuple):
    """A row of real numbers as integers: its value is an integer times 2^(exponent - 30)."""

    exponent: int
    bias: int
    shift: int
    weights: npt.NDArray[np.int64]

    def row(self, bits: int) -> Row:
        """The row, whose sum is shifted to so many bits below the point; what is shifted further saturates as well."""
        return Row(self.bias, min(_LEFT_MAX, self.exponent - _BITS + bits), self.shift, self.weights)


def encode_sum(weights: Array, bias: float, *, room: float = 0.0, least: int = _EXPONENT_MIN) -> Sum:
    """Bias and a sum of weights * source, a source at its full scale being 1, in the finest scale that cannot overflow.

    Args:
        weights: one for each source.
        bias: what is added.
        room: a magnitude that will be added to the sum's.
        least: exponent of the scale's end, at least.
    """
    most = float(np.abs(weights).sum()) + abs(bias) + room
    exponent = max(least, encode.exponent_above(most) if most else least)
    while True:
        found = _at(weights, bias, exponent)
        if found is not None and _most(found) + math.ldexp(room, _BITS - exponent) < FULL_SCALE - 1:
            return found
        exponent += 1


def _most(found: Sum) -> int:
    """The largest magnitude that it can have, as ltc_open() counts it."""
    return abs(found.bias) + int(((np.abs(found.weights) << _SOURCE_BITS) >> found.shift).sum()) + len(found.weights)


def _at(weights: Array, bias: float, exponent: int) -> Sum | None:
    """The sum at a scale; None where a weight does not fit it."""
    exact = np.ldexp(weights, _SOURCE_BITS - exponent)
    largest = float(np.abs(exact).max(initial=0.0))
    if largest > _WEIGHT_MAX:
        return None
    shift = min(_SHIFT_MAX, math.floor(math.log2(_WEIGHT_MAX / largest))) if largest else 0
    rounded = np.rint(np.ldexp(exact, shift)).astype(np.int64)
    # Sources are rounded down, and so is each product: on average half a unit is missing of both.
    lost = np.ldexp(rounded.sum() / 2, -shift) + np.count_nonzero(rounded) * (1 - math.ldexp(1.0, -shift)) / 2
    return Sum(exponent, round(math.ldexp(bias, _BITS - exponent) + lost), shift, rounded)


class _Maker:
    """Makes the layers of a model, one after the other; knows what each source is worth at its full scale."""

    def __init__(self, model: CfcModel, input_exponent: list[int], state_exponent: int, notes: list[str]) -> None:
        self._model = model
        self._state_exponent = state_exponent
        self._notes = notes
        full = [math.ldexp(1.0, e) for e in (*input_exponent, *([state_exponent] * model.neurons))]
        self._full = np.array(full)

    def layers(self) -> Iterator[Layer]:
        """All of them, the outputs' last."""
        first = self._model.inputs
        comes_in = np.arange(first)
        for cell in self._model.cells:
            own = np.arange(first, first + cell.neurons)
            reads = np.concatenate([comes_in, own])
            for layer in cell.backbone:
                activated, reads = self._activated(layer, reads)
                yield activated
            yield self._cell(cell, reads)
            comes_in, first = own, first + cell.neurons
        readout = self._model.readout
        weight, bias = (
            (np.eye(len(comes_in)), np.zeros(len(comes_in))) if readout is None else (readout.weight, readout.bias)
        )
        sums = [self._sum(w, b, comes_in, 1.0) for w, b in zip(weight, bias, strict=True)]
        yield Layer(Kind.LINEAR, 0, tuple(Row(s.bias, _BITS - s.exponent, s.shift, s.weights) for s in sums))

    def _sum(
        self,
        weights: Array,
        bias: float,
        reads: npt.NDArray[np.intp],
        factor: float,
        *,
        room: float = 0.0,
        least: int = _EXPONENT_MIN,
    ) -> Sum:
        every = np.zeros(len(self._full))
        every[reads] = weights * self._full[reads] * factor
        return encode_sum(every, float(bias) * factor, room=room, least=least)

    def _sums(
        self, layer: Linear, reads: npt.NDArray[np.intp], factor: float, *, least: int = _EXPONENT_MIN
    ) -> list[Sum]:
        return [self._sum(w, b, reads, factor, least=least) for w, b in zip(layer.weight, layer.bias, strict=True)]

    def _activated(self, layer: Linear, reads: npt.NDArray[np.intp]) -> tuple[Layer, npt.NDArray[np.intp]]:
        """A backbone's layer, and its units as sources."""
        activation = self._model.activation
        kind = _KINDS[activation]
        factor = {"lecun_tanh": 2 * LOG2E * 0.666, "tanh": 2 * LOG2E, "relu": 1.0, "silu": LOG2E}[activation]
        sums = self._sums(layer, reads, factor)
        left = 1
        full = 1.7159 if activation == "lecun_tanh" else 1.0
        if kind is not Kind.TANH:  # a unit's scale is its row's, or ends where it is to saturate
            exponent = max(s.exponent for s in sums)
            sums = self._sums(layer, reads, factor, least=exponent)
            declared = self._model.backbone_bound
            end = exponent if declared is None else min(exponent, encode.exponent_above(declared * factor))
            left, full = min(_LEFT_MAX, exponent - end), math.ldexp(1 / factor, end)
        units = np.arange(len(self._full), len(self._full) + len(sums))
        self._full = np.concatenate([self._full, np.full(len(sums), full)])
        return Layer(kind, left, tuple(s.row(_POSITION) for s in sums)), units

    def _cell(self, cell: CfcCell, reads: npt.NDArray[np.intp]) -> Layer:
        if cell.gate is None:
            return Layer(Kind.PURE, 0, tuple(row for j in range(cell.neurons) for row in self._pure(cell, j, reads)))
        ff2, time_a, time_b = cell.gate
        parts = [
            self._sums(layer, reads, f * LOG2E) for layer, f in ((cell.ff1, 2), (ff2, 2), (time_a, 1), (time_b, 1))
        ]
        self._notes += [
            f"time_b of neuron {j} may reach {math.ldexp(1 / LOG2E, s.exponent):.3g}, beyond what is added exactly"
            for j, s in enumerate(parts[3])
            if math.ldexp(1.0, s.exponent) > _GATE_END
        ]
        rows = tuple(s.row(_POSITION) for unit in zip(*parts, strict=True) for s in unit)
        return Layer(_CELLS[self._model.mode], 1 - self._state_exponent, rows)

    def _pure(self, cell: CfcCell, j: int, reads: npt.NDArray[np.intp]) -> Iterator[Row]:
        """Rows of a pure neuron: ff1, tau, -A and A."""
        tau = float(cell.w_tau[j]) * LOG2E
        found = self._sum(cell.ff1.weight[j], cell.ff1.bias[j], reads, LOG2E, room=tau)
        a = math.ldexp(float(cell.a[j]), -self._state_exponent)
        mantissa, exponent = math.frexp(-math.ldexp(a / LOG2E, found.exponent))
        gain = round(math.ldexp(mantissa, _SOURCE_BITS))
        if abs(gain) > _WEIGHT_MAX:
            gain, exponent = gain // 2, exponent + 1
        offset = max(1 - FULL_SCALE, min(FULL_SCALE - 1, round(math.ldexp(a, _BITS))))
        none = np.zeros(len(self._full), np.int64)
        yield found.row(_POWER)
        yield Row(round(math.ldexp(tau, _BITS - found.exponent)), 0, 0, none)
        yield Row(gain << _SOURCE_BITS, max(-_LEFT_MAX, min(_LEFT_MAX, exponent + 1)), 0, none)
        yield Row(offset, 0, 0, none)
