"""The image of a CfC: the layers that ``firmware/ltc/ltc_cfc.c`` reads. Layout as in ``firmware/ltc/ltc_cfc_image.h``.

Encoding and decoding only; what the numbers mean is in :mod:`hil.convert_cfc` and docs/numbers.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from hil.errors import InputError
from hil.image import CFC, Header, checked, encoded

if TYPE_CHECKING:
    import numpy.typing as npt

_LAYER = struct.Struct("<BbH")
_ROW = struct.Struct("<ibBH")
_RUN = struct.Struct("<HH")
_CELL_ROWS = 4
_GAP = 2  # absent weights in a row that cost no more than beginning another run


class Kind(IntEnum):
    """What a layer's units are: ``enum ltc_layer_kind``."""

    GATED = 0
    NO_GATE = 1
    PURE = 2
    TANH = 3
    RELU = 4
    SILU = 5
    LINEAR = 6

    @property
    def is_cell(self) -> bool:
        """Its units are neurons."""
        return self <= Kind.PURE

    @property
    def rows(self) -> int:
        """Rows of each unit."""
        return _CELL_ROWS if self.is_cell else 1


@dataclass(frozen=True)
class Row:
    """bias + sum of (weight * source) >> shift; an absent weight is 0.

    ``left`` is the shift to a position or an exponent, or an output's fractional bits.
    """

    bias: int
    left: int
    shift: int
    weights: npt.NDArray[np.int64]  # one for each source that there is until then

    def to_bytes(self) -> bytes:
        """As the runtime reads it."""
        runs = _runs(np.flatnonzero(self.weights))
        parts = [_ROW.pack(self.bias, self.left, self.shift, len(runs))]
        for first, end in runs:
            weights = self.weights[first:end].astype("<i2").tobytes()
            parts += [_RUN.pack(first, end - first), weights, bytes(len(weights) % 4)]
        return b"".join(parts)


def _runs(present: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
    """Ranges that hold every present source, and as few absent ones as pay."""
    runs: list[tuple[int, int]] = []
    for source in map(int, present):
        if runs and source - runs[-1][1] <= _GAP:
            runs[-1] = runs[-1][0], source + 1
        else:
            runs.append((source, source + 1))
    return runs


@dataclass(frozen=True)
class Layer:
    """Units of one kind; ``rows`` has those of the first unit, then those of the second, and so on."""

    kind: Kind
    left: int
    rows: tuple[Row, ...]

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.rows) // self.kind.rows


@dataclass(frozen=True)
class CfcImage:
    """A decoded image of N neurons and I inputs; the last layer is the outputs'."""

    state_frac: int
    layers: tuple[Layer, ...]
    input_frac: npt.NDArray[np.int8]

    @property
    def neurons(self) -> int:
        """Number of neurons N."""
        return sum(layer.units for layer in self.layers if layer.kind.is_cell)

    @property
    def sources(self) -> int:
        """All that rows read: inputs, neurons, and the units of backbones."""
        return len(self.input_frac) + sum(layer.units for layer in self.layers[:-1])

    def to_bytes(self) -> bytes:
        """The image as the runtime reads it, CRC included."""
        layers = b"".join(
            _LAYER.pack(layer.kind, layer.left, layer.units) + b"".join(row.to_bytes() for row in layer.rows)
            for layer in self.layers
        )
        header = Header(
            neurons=self.neurons,
            inputs=len(self.input_frac),
            outputs=self.layers[-1].units,
            unfolds=1,
            state_frac=self.state_frac,
            channels=self.sources,
            solver=CFC,
            sensory_synapses=0,
            synapses=len(layers) // 4,
        )
        return encoded(header, layers + self.input_frac.tobytes())

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "image") -> CfcImage:
        """Decode an image.

        Raises:
            InputError: for anything but a whole, undamaged image of a CfC of this version.
        """
        header, body = checked(data, where)
        end = 4 * header.synapses
        if header.solver != CFC or len(body) < end + header.inputs:
            raise InputError(f"{where} is not the image of a CfC, or cut off")
        reader = _Reader(body[:end], header.inputs + header.neurons)
        try:
            layers = [reader.layer()]
            while layers[-1].kind is not Kind.LINEAR:
                layers.append(reader.layer())
        except (ValueError, struct.error):
            raise InputError(
                f"{where} is cut off or has layers that this version does not know",
                hint="convert the model again with this version of hil",
            ) from None
        input_frac = np.frombuffer(body, np.int8, header.inputs, end)
        return cls(header.state_frac, tuple(layers), input_frac)


class _Reader:
    """Takes layers from an image that was checked."""

    def __init__(self, data: bytes, sources: int) -> None:
        self._data = data
        self._at = 0
        self._sources = sources

    def _take(self, form: struct.Struct) -> tuple[int, ...]:
        self._at += form.size
        return form.unpack_from(self._data, self._at - form.size)

    def layer(self) -> Layer:
        kind, left, units = self._take(_LAYER)
        layer = Layer(Kind(kind), left, tuple(self._row() for _ in range(units * Kind(kind).rows)))
        self._sources += 0 if layer.kind.is_cell else units
        return layer

    def _row(self) -> Row:
        bias, left, shift, runs = self._take(_ROW)
        weights = np.zeros(self._sources, np.int64)
        for _ in range(runs):
            first, count = self._take(_RUN)
            weights[first : first + count] += np.frombuffer(self._data, "<i2", count, self._at)
            self._at += -(-count // 2) * 4
        return Row(bias, left, shift, weights)
