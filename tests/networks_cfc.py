"""Random CfC networks for property tests: every mode, with and without backbone and wiring; images at their limits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from hil.convert import Converted, convert
from hil.image_cfc import CfcImage, Kind, Layer, Row
from hil.model_cfc import CfcModel, cfc_from_arrays
from tests.networks import FULL_SCALE, INT32_MAX, Case

MODES = ("default", "no_gate", "pure")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu")


class _Arrays(dict[str, object]):
    """Parameters drawn by name."""

    def __init__(self, rng: np.random.Generator, wild: float) -> None:
        super().__init__(mode=str(rng.choice(MODES)))
        self._rng, self._wild = rng, wild

    def values(self, *shape: int) -> np.ndarray:
        drawn = self._rng.normal(size=shape) * 10 ** self._rng.uniform(-self._wild, self._wild + 0.01, shape)
        zeros = self._rng.choice([0.0, 0.3, 1.0], p=[0.6, 0.3, 0.1])
        return np.where(self._rng.random(shape) < zeros, 0.0, drawn)

    def linear(self, key: str, units: int, reads: int) -> None:
        self[f"{key}.weight"], self[f"{key}.bias"] = self.values(units, reads), self.values(units)

    def cell(self, prefix: str, units: int, reads: int) -> None:
        if prefix:
            self[f"{prefix}sparsity_mask"] = self._rng.random((units, reads)) < self._rng.choice([0.0, 0.3, 1.0])
        for key in ("ff1",) if self["mode"] == "pure" else ("ff1", "ff2", "time_a", "time_b"):
            self.linear(prefix + key, units, reads)
        if self["mode"] == "pure":
            self[f"{prefix}w_tau"], self[f"{prefix}A"] = self.values(1, units), self.values(1, units)

    def wired(self, sizes: list[int], inputs: int) -> None:
        for k, (units, comes_in) in enumerate(zip(sizes, [inputs, *sizes], strict=False)):
            self.cell(f"layer_{k}.", units, comes_in + units)

    def plain(self, neurons: int, inputs: int) -> None:
        widths = [inputs + neurons, *self._rng.integers(1, 9, self._rng.integers(0, 4)).tolist()]
        for k, (reads, width) in enumerate(pairwise(widths)):
            self.linear(f"backbone.{2 * k}", width, reads)
        if len(widths) > 1:
            self["backbone_activation"] = str(self._rng.choice(ACTIVATIONS))
        self.cell("", neurons, widths[-1])


def random_cfc(rng: np.random.Generator, neurons: int, inputs: int, wild: float) -> CfcModel:
    """A network whose weights lie around ncps' own (wild = 0) up to as many decades away."""
    arrays = _Arrays(rng, wild)
    arrays["input_bound"] = 10 ** rng.uniform(-wild, wild, inputs)
    sizes = [int(n) for n in rng.integers(1, neurons + 1, rng.integers(1, 4))]
    if rng.random() < 0.4:
        arrays.wired(sizes, inputs)
    else:
        sizes = [neurons]
        arrays.plain(neurons, inputs)
    if rng.random() < 0.5:
        arrays.linear("fc", int(rng.integers(1, 12)), sizes[-1])
    if rng.random() < 0.5:
        arrays["elapsed_min"] = float(rng.choice([0.001, 1.0]))
    for key in ("state_bound", "backbone_bound"):
        if rng.random() < 0.2:
            arrays[key] = 10 ** rng.uniform(-wild, wild)
    return cfc_from_arrays(arrays, where="random CfC", name="random")


def random_times(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Elapsed times over the whole range, its ends more often."""
    elapsed = np.rint(2.0**22 * 10 ** rng.uniform(-3, 3, shape))
    ends = rng.choice([4194, 4194304000, 1 << 22], shape)
    return np.where(rng.random(shape) < 0.3, ends, np.clip(elapsed, 4194, 4194304000)).astype(np.uint32)


def random_integers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Inputs of any size, ends of their type and scale more often."""
    values = rng.integers(-FULL_SCALE, FULL_SCALE + 1, shape) >> rng.integers(0, 12, shape)
    corner = rng.choice([-INT32_MAX - 1, INT32_MAX, FULL_SCALE, -FULL_SCALE, 0, 1, -1], shape)
    return np.where(rng.random(shape) < 0.3, corner, values).astype(np.int32)


def random_states(rng: np.random.Generator, neurons: int) -> np.ndarray:
    states = rng.integers(-FULL_SCALE, FULL_SCALE, neurons)
    ends = rng.choice([-FULL_SCALE, 0, FULL_SCALE - 1], neurons)
    return np.where(rng.random(neurons) < 0.3, ends, states).astype(np.int32)


def random_cfc_case(rng: np.random.Generator, neurons: int, inputs: int, wild: float, *, steps: int) -> Case:
    model = random_cfc(rng, neurons, inputs, wild)
    return _case(rng, model, convert(model), steps)


def _case(rng: np.random.Generator, model: CfcModel, converted: Converted, steps: int) -> Case:
    return Case(
        model=model,
        converted=converted,
        inputs=random_integers(rng, (2, steps, model.inputs)),
        elapsed=random_times(rng, (2, steps)),
        state0=random_states(rng, model.neurons),
    )


@st.composite
def cfc_cases(draw: st.DrawFn, max_neurons: int = 24, max_inputs: int = 8, steps: int = 3) -> Case:
    """Cases for Hypothesis; sizes and wildness shrink, the values follow from the seed."""
    neurons = draw(st.integers(1, max_neurons))
    inputs = draw(st.integers(1, max_inputs))
    wild = draw(st.sampled_from([0.0, 0.5, 2.0, 4.0, 9.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_cfc_case(rng, neurons, inputs, wild, steps=steps)


def random_row(rng: np.random.Generator, sources: int) -> Row:
    """Any row that ltc_open() takes, often at its limit; such as no converter would make."""
    shift = int(rng.choice([0, 3, 15, 30, 31]))
    weights = rng.integers(-32768, 32768, sources) >> rng.integers(0, 15, sources)
    weights = np.where(rng.random(sources) < 0.3, rng.choice([-32768, 32767, 0], sources), weights)
    while (most := _most(weights, shift)) >= FULL_SCALE:
        weights = weights // 2
    room = FULL_SCALE - 1 - most
    bias = int(rng.choice([-room, room, 0, rng.integers(-room, room + 1)]))
    return Row(bias, int(rng.choice([-128, -31, -12, -11, -10, 0, 1, 20, 127])), shift, weights)


def _most(weights: np.ndarray, shift: int) -> int:
    return int(((np.abs(weights) << 15) >> shift).sum()) + len(weights)


def random_cfc_image(rng: np.random.Generator) -> CfcImage:
    """Any image that ltc_open() takes."""
    inputs, cells = int(rng.integers(0, 4)), [int(n) for n in rng.integers(1, 4, rng.integers(1, 4))]
    sources, layers = inputs + sum(cells), []
    kinds = [Kind(int(rng.integers(0, 3))) for _ in cells] + [Kind(int(k)) for k in rng.integers(3, 6, 3)]
    rng.shuffle(kinds)
    for kind in (*kinds, Kind.LINEAR):
        units = cells.pop() if kind.is_cell else int(rng.integers(0, 4))
        rows = tuple(random_row(rng, sources) for _ in range(units * kind.rows))
        layers.append(Layer(kind, int(rng.choice([-128, -30, -1, 0, 1, 2, 127])), rows))
        sources += 0 if kind.is_cell or kind is Kind.LINEAR else units
    return CfcImage(30, tuple(layers), np.zeros(inputs, np.int8))
