"""CfC parameters as ncps names them, checked: what the converter and the reference start from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar, get_args

import numpy as np

from hil.errors import InputError
from hil.model_arrays import ELAPSED_MAX, ELAPSED_MIN, LARGEST, MAX_INPUTS, MAX_NEURONS, ModelArrays
from hil.nearest import misspelt, offer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

Mode = Literal["default", "pure", "no_gate"]
Activation = Literal["lecun_tanh", "tanh", "relu", "silu"]

MAX_UNITS = 4096  # of a backbone's layer
# What a model says beside its arrays.
SETTINGS = ("mode", "backbone_activation", "input_bound", "elapsed_min", "state_bound", "backbone_bound", "about")
INPUT_BOUND = 8.0  # where a model does not say it: inputs of mean 0 and deviation 1 stay far below

_Word = TypeVar("_Word", bound=str)
_LSTM = re.compile(r"lstm\.")
_BACKBONE = re.compile(r"backbone\.(\d+)\.weight")


@dataclass(frozen=True)
class Linear:
    """weight (M, K) x + bias (M,); where a sparsity mask has no weight, it is 0."""

    weight: Array
    bias: Array

    @property
    def units(self) -> int:
        """M, the values it gives."""
        return len(self.bias)


@dataclass(frozen=True)
class CfcCell:
    """H neurons, which read K values: what comes in and their own H states, through a backbone where there is one.

    Attributes:
        backbone: its layers, each followed by the model's activation.
        ff1: (H, K).
        gate: ff2, time_a and time_b, (H, K) each; of a ``pure`` cell: None.
        w_tau: (H,) its magnitude, and ``a`` (H,), ncps' A, of a ``pure`` cell alone.
    """

    backbone: tuple[Linear, ...]
    ff1: Linear
    gate: tuple[Linear, Linear, Linear] | None
    w_tau: Array
    a: Array

    @property
    def neurons(self) -> int:
        """H, the number of its neurons."""
        return self.ff1.units


@dataclass(frozen=True)
class CfcModel:
    """A closed-form network of I inputs, N neurons and O outputs.

    Attributes:
        inputs: number of inputs I.
        mode: of all cells.
        activation: of all backbones.
        cells: in the order of the states; the first reads the inputs, each other one the states of the one before it.
        readout: ncps' ``fc`` (O, H) of the last cell's states; None where those are the outputs.
        input_bound: (I,) largest magnitude that each input may have.
        elapsed_min: least time between two steps.
        declared_bound: largest magnitude of a state, where the model says so.
        backbone_bound: the same of a unit of a backbone with relu or silu.
        name: the network's name in reports.
    """

    inputs: int
    mode: Mode
    activation: Activation
    cells: tuple[CfcCell, ...]
    readout: Linear | None
    input_bound: Array
    elapsed_min: float
    declared_bound: float | None
    backbone_bound: float | None
    name: str = "model"

    @property
    def neurons(self) -> int:
        """Number of neurons N."""
        return sum(cell.neurons for cell in self.cells)

    @property
    def outputs(self) -> int:
        """Number of outputs O."""
        return self.cells[-1].neurons if self.readout is None else self.readout.units

    @property
    def solution(self) -> str:
        """How its steps are solved, in words."""
        return f"closed form, {self.mode}"

    def solved_by(self, solver: object) -> NoReturn:
        """Refuse: a closed form has no solver that could be another.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"model '{self.name}' is a CfC, a closed form, and cannot be solved by {solver}",
            hint="leave the solver out: it is of LTC networks",
        )

    @property
    def output_reach(self) -> float:
        """Largest change of an output where every state changes by 1."""
        return 1.0 if self.readout is None else float(np.abs(self.readout.weight).sum(axis=1).max())


def is_cfc(arrays: Mapping[str, object]) -> bool:
    """Whether these arrays are a CfC's: no LTC has an ff1."""
    return any(re.fullmatch(r"(layer_\d+\.)?ff1\.weight", key) for key in arrays)


def cfc_from_arrays(arrays: Mapping[str, object], *, where: str, name: str = "model") -> CfcModel:
    """Check raw parameters.

    Args:
        arrays: named as in a state dict of ``CfCCell`` or ``WiredCfCCell``, with ``mode`` and, where there is a
            backbone, ``backbone_activation``; of a ``CfC`` that projects its output ``fc.weight`` and ``fc.bias``.
            ``input_bound`` (a number, or one for each input) is the largest magnitude of an input, 8 where it is
            absent; ``elapsed_min`` the least time between steps; ``state_bound`` where states are to saturate, and
            ``backbone_bound`` where units with relu or silu are.
        where: what the sentences name, a file or an object.
        name: the network's name in reports.

    Raises:
        InputError: naming ``where``, the array and, where it can, the element.
    """
    if any(_LSTM.match(key) for key in arrays):
        raise InputError(
            f"{where}: this CfC has a mixed memory (an LSTM beside it), which the runtime does not compute"
        )
    reader = _Reader(arrays, where)
    cells = reader.cells()
    inputs = reader.inputs
    readout = reader.linear("fc", cells[-1].neurons) if "fc.weight" in arrays or "fc.bias" in arrays else None
    reader.check_names()
    model = CfcModel(
        inputs=inputs,
        mode=reader.mode,
        activation=reader.activation,
        cells=cells,
        readout=readout,
        input_bound=reader.input_bound(inputs),
        elapsed_min=reader.positive("elapsed_min", ELAPSED_MIN, ELAPSED_MAX) or ELAPSED_MIN,
        declared_bound=reader.positive("state_bound", 1e-24, LARGEST),
        backbone_bound=reader.positive("backbone_bound", 0.0, LARGEST),
        name=name,
    )
    if inputs > MAX_INPUTS or model.neurons > MAX_NEURONS or not 1 <= model.outputs <= MAX_NEURONS:
        raise InputError(
            f"{where}: {inputs} inputs, {model.neurons} neurons and {model.outputs} outputs are more than the runtime "
            "takes",
            hint=f"at most {MAX_INPUTS} inputs, {MAX_NEURONS} neurons and {MAX_NEURONS} outputs",
        )
    return model


class _Reader:
    """Takes the arrays of a CfC by name, and remembers which there can be."""

    def __init__(self, arrays: Mapping[str, object], where: str) -> None:
        self._keys = list(arrays)
        self._where = where
        self._reader = ModelArrays(arrays, where)
        self._known = [*SETTINGS, "fc.weight", "fc.bias"]
        pure = any(key.endswith("w_tau") for key in arrays)
        self.mode: Mode = self._word("mode", get_args(Mode), arrays, "pure" if pure else None)
        if pure != (self.mode == "pure"):
            raise InputError(
                f"{where}: 'mode' is '{self.mode}', but array 'w_tau' {'is there' if pure else 'is missing'}",
                hint="a pure cell has ff1, w_tau and A, any other one ff1, ff2, time_a and time_b",
            )
        backbone = any(_BACKBONE.search(key) for key in arrays)
        self.activation: Activation = self._word(
            "backbone_activation", get_args(Activation), arrays, None if backbone else "lecun_tanh"
        )
        self.inputs = 0

    def _word(self, key: str, known: tuple[_Word, ...], arrays: Mapping[str, object], default: _Word | None) -> _Word:
        if key not in arrays and default is not None:
            return default
        if key not in arrays:
            raise InputError(
                f"{self._where}: array '{key}' is missing",
                hint=f"say it as it was given to ncps: one of {', '.join(known)}",
            )
        value = np.asarray(arrays[key])
        if value.size != 1:
            raise InputError(
                f"{self._where}: array '{key}' holds {value.size} values, wanted one of {', '.join(known)}"
            )
        said = str(value.item())
        for word in known:
            if said == word:
                return word
        kind = "activations that the runtime has" if key == "backbone_activation" else f"{key}s"
        raise InputError(f"{self._where}: '{key}' is '{said}'", hint=offer(said, known, kind))

    def cells(self) -> tuple[CfcCell, ...]:
        """All cells, and the number of inputs."""
        layers = sum(re.fullmatch(r"layer_\d+\.ff1\.weight", key) is not None for key in self._keys)
        prefixes = [f"layer_{k}." for k in range(layers)] or [""]
        cells: list[CfcCell] = []
        for prefix in prefixes:
            cells.append(self._cell(prefix, cells[-1].neurons if cells else None))
        return tuple(cells)

    def _cell(self, prefix: str, before: int | None) -> CfcCell:
        neurons = self._width(f"{prefix}ff1.weight")[0]
        backbone, width = self._backbone(prefix)
        reads = width if backbone else self._width(f"{prefix}ff1.weight")[1]
        comes_in = (backbone[0].weight.shape[1] if backbone else reads) - neurons
        if comes_in < 1 or before not in {None, comes_in}:
            raise InputError(
                f"{self._where}: '{prefix}ff1' is for {neurons} neurons, which leaves {comes_in} values that come in",
                hint="at least one input, and for a further layer as many as the layer before has neurons",
            )
        self.inputs = self.inputs or comes_in
        mask = np.ones((neurons, reads))
        self._known.append(f"{prefix}sparsity_mask")
        if f"{prefix}sparsity_mask" in self._keys:
            mask = self._reader.array(f"{prefix}sparsity_mask", (neurons, reads))
        ff1 = self.linear(f"{prefix}ff1", reads, neurons, mask)
        if self.mode == "pure":
            self._known += [f"{prefix}w_tau", f"{prefix}A"]
            w_tau, a = (self._reader.array(f"{prefix}{key}", (1, neurons))[0] for key in ("w_tau", "A"))
            return CfcCell(backbone, ff1, None, np.abs(w_tau), a)
        ff2 = self.linear(f"{prefix}ff2", reads, neurons, mask)
        time_a, time_b = (self.linear(f"{prefix}{key}", reads, neurons) for key in ("time_a", "time_b"))
        none = np.zeros(neurons)
        return CfcCell(backbone, ff1, (ff2, time_a, time_b), none, none)

    def _backbone(self, prefix: str) -> tuple[tuple[Linear, ...], int]:
        """Layers of a backbone and the width of the last one; between them ncps counts activations and dropout."""
        found = [re.fullmatch(re.escape(prefix) + _BACKBONE.pattern, key) for key in self._keys]
        layers: list[Linear] = []
        for number in sorted(int(match[1]) for match in found if match):
            key = f"{prefix}backbone.{number}"
            width = self._width(f"{key}.weight")[1]
            if layers and width != layers[-1].units:
                raise InputError(f"{self._where}: '{key}' reads {width} values, but there are {layers[-1].units}")
            layers.append(self.linear(key, width))
            if layers[-1].units > MAX_UNITS:
                raise InputError(f"{self._where}: '{key}' has {layers[-1].units} units, at most {MAX_UNITS} are taken")
        return tuple(layers), layers[-1].units if layers else 0

    def _width(self, key: str) -> tuple[int, int]:
        rows, columns = self._reader.matrix(key).shape
        if 0 in {rows, columns}:
            raise InputError(f"{self._where}: array '{key}' is empty")
        return rows, columns

    def linear(self, key: str, reads: int, units: int | None = None, mask: Array | None = None) -> Linear:
        """A layer's weights and biases; where a mask is given it multiplies the weights, as in ncps."""
        self._known += [f"{key}.weight", f"{key}.bias"]
        units = self._width(f"{key}.weight")[0] if units is None else units
        weight = self._reader.array(f"{key}.weight", (units, reads))
        return Linear(weight if mask is None else weight * mask, self._reader.array(f"{key}.bias", (units,)))

    def input_bound(self, inputs: int) -> Array:
        """Largest magnitude of each input."""
        if "input_bound" not in self._keys:
            return np.full(inputs, INPUT_BOUND)
        given = self._reader.array("input_bound", self._reader.shape("input_bound"))
        bound = given if given.ndim else np.full(inputs, float(given))
        if bound.shape != (inputs,) or not (bound > 0).all():
            raise InputError(
                f"{self._where}: 'input_bound' is {bound.tolist()}, wanted one number above 0, or one for each of "
                f"{inputs} inputs"
            )
        return bound

    def positive(self, key: str, low: float, high: float) -> float | None:
        """A number above 0 from low to high, or None where it is absent."""
        if key not in self._keys:
            return None
        value = float(self._reader.array(key, ()))
        if not low <= value <= high or value == 0:
            raise InputError(f"{self._where}: '{key}' is {value:g}, wanted a number above 0, from {low:g} to {high:g}")
        return value

    def check_names(self) -> None:
        """A misspelt array would be left out in silence."""
        slip = misspelt(self._keys, tuple(self._known))
        if slip is not None:
            raise InputError(f"{self._where}: unknown array '{slip}'", hint=offer(slip, tuple(self._known), "arrays"))
