"""Random networks for property tests: any wiring, any sign, parameters from nothing to extreme but finite."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from hil.convert import Converted, convert
from hil.golden import integer
from hil.model import LtcModel, model_from_arrays
from hil.solver import EXPLICIT, Solver, SolverName

INT32_MAX = 2**31 - 1
FULL_SCALE = 2**30


@dataclass(frozen=True)
class Case:
    """A converted network with integer sequences to run on it: inputs (S, T, I), elapsed (S, T), state0 (N,)."""

    model: LtcModel
    converted: Converted
    inputs: np.ndarray
    elapsed: np.ndarray
    state0: np.ndarray


def _values(rng: np.random.Generator, shape: tuple[int, ...], decades: tuple[float, float], zeros: float) -> np.ndarray:
    values = 10 ** rng.uniform(*decades, shape)
    return np.where(rng.random(shape) < zeros, 0.0, values)


def random_model(rng: np.random.Generator, neurons: int, inputs: int, density: float, wild: float) -> LtcModel:
    """A network whose parameters lie around ncps' own (wild = 0) up to 9 decades away from them (wild = 9)."""
    outputs = int(rng.integers(1, neurons + 1))
    signs = lambda shape: rng.choice([-1.0, 1.0], shape)  # noqa: E731
    arrays: dict[str, object] = {"ode_unfolds": int(rng.integers(1, 33)), "epsilon": 1e-8}
    zeros = float(rng.choice([0.0, 0.2]))
    for key, middle in (("gleak", -1.0), ("cm", -0.3)):
        arrays[key] = _values(rng, (neurons,), (middle - wild, middle + wild + 0.5), zeros)
    arrays["vleak"] = signs(neurons) * _values(rng, (neurons,), (-1 - wild, 0 + wild / 2), zeros)
    for prefix, sources in (("", neurons), ("sensory_", inputs)):
        shape = (sources, neurons)
        arrays[f"{prefix}sparsity_mask"] = rng.random(shape) < density
        arrays[f"{prefix}w"] = _values(rng, shape, (-2 - wild, wild), zeros)
        arrays[f"{prefix}mu"] = signs(shape) * _values(rng, shape, (-1 - wild, wild), zeros)
        arrays[f"{prefix}sigma"] = signs(shape) * _values(rng, shape, (0.5 - wild, 0.9 + wild), zeros)
        arrays[f"{prefix}erev"] = signs(shape) * _values(rng, shape, (-0.1 - wild, wild / 2), 0.0)
    for key, count in (("input", inputs), ("output", outputs)):
        arrays[f"{key}_w"] = signs(count) * _values(rng, (count,), (-wild, 0.5 + wild / 3), zeros)
        arrays[f"{key}_b"] = signs(count) * _values(rng, (count,), (-wild, wild / 3), 0.5)
    return model_from_arrays(arrays, where="random network", name="random")


def _solved(rng: np.random.Generator, model: LtcModel, solver: SolverName) -> LtcModel:
    if solver in EXPLICIT:
        conductance = model.gleak + model.epsilon + model.w.sum(axis=0) + model.sensory_w.sum(axis=0)
        model = replace(model, cm=np.maximum(model.cm, conductance * 10 ** rng.uniform(-2, 2, model.neurons)))
    bound = float(model.potential_bound * 10 ** rng.uniform(-6, 0)) + 1e-9 if solver == "adaptive" else None
    unfolds = int(rng.choice([2, 4, 8, 16])) if solver == "adaptive" else None
    return model.solved_by(Solver(method=solver, error_bound=bound, unfolds=unfolds))


def longest_elapsed(image: bytes) -> int:
    """The longest that an explicit solver takes, by bisection; 4194, the shortest there is, where it takes none."""
    low, high = 4194, 4194304001
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if integer.explicit_takes(image, middle) else (low, middle)
    return low


def random_case(
    rng: np.random.Generator,
    neurons: int,
    inputs: int,
    density: float,
    wild: float,
    *,
    steps: int,
    solver: SolverName = "fused",
) -> Case:
    """A random network with integer inputs up to the ends of their type, elapsed times and start states likewise.

    For an explicit solver every neuron has a capacitance, and elapsed times are those that it takes.
    """
    model = _solved(rng, random_model(rng, neurons, inputs, density, wild), solver)
    converted = convert(model)
    sequences = 2
    values = rng.integers(-FULL_SCALE, FULL_SCALE + 1, (sequences, steps, inputs)) >> rng.integers(0, 12)
    corner = rng.choice([-INT32_MAX - 1, INT32_MAX, FULL_SCALE, -FULL_SCALE, 0, 1, -1], values.shape)
    values = np.where(rng.random(values.shape) < 0.3, corner, values)
    elapsed = np.rint(2.0**22 * 10 ** rng.uniform(-3, 3, (sequences, steps)))
    elapsed = np.where(rng.random(elapsed.shape) < 0.2, rng.choice([4194, 4194304000], elapsed.shape), elapsed)
    if solver in EXPLICIT:
        elapsed = np.clip(elapsed, 4194, longest_elapsed(converted.image))
    state0 = rng.integers(-FULL_SCALE, FULL_SCALE, neurons)
    state0 = np.where(rng.random(neurons) < 0.2, rng.choice([-FULL_SCALE, 0, FULL_SCALE - 1], neurons), state0)
    return Case(model, converted, values.astype(np.int32), elapsed.astype(np.uint32), state0.astype(np.int32))


# Leaky neurons whose potentials are the ends of their scale: there rounding alone would take a state over it.
END_OF_SCALE: dict[str, object] = {
    "gleak": np.full(4, 65.3),
    "vleak": np.array([1.0, 1.0, -1.0, -1.0]),
    "cm": np.array([0.0, 1.0, 0.1, 10.0]),
    **{key: np.zeros((4, 4)) for key in ("w", "mu", "sigma", "erev")},
    **{f"sensory_{key}": np.zeros((1, 4)) for key in ("w", "mu", "sigma", "erev")},
    "input_w": np.ones(1),
    "output_w": np.ones(2),
    "ode_unfolds": 4,
    "epsilon": 1e-8,
}


def end_of_scale() -> Case:
    """That network, left alone for 40 steps from zero."""
    model = model_from_arrays(END_OF_SCALE, where="end of scale", name="end_of_scale")
    inputs, elapsed = np.zeros((2, 40, 1), np.int32), np.full((2, 40), 1 << 22, np.uint32)
    return Case(model, convert(model), inputs, elapsed, np.zeros(4, np.int32))


# Sigmoids that are a step: their arguments lie far over, and under, what fits 32 bits.
STEEP: dict[str, object] = {
    "gleak": np.full(2, 0.1),
    "vleak": np.zeros(2),
    "cm": np.full(2, 0.5),
    **{key: np.zeros((2, 2)) for key in ("w", "mu", "sigma", "erev")},
    "sensory_w": np.ones((1, 2)),
    "sensory_mu": np.full((1, 2), 0.02),
    "sensory_sigma": np.array([[3e6, 4e7]]),
    "sensory_erev": np.array([[1.0, -1.0]]),
    "input_w": np.ones(1),
    "output_w": np.ones(2),
    "ode_unfolds": 4,
    "epsilon": 1e-8,
}


def steep() -> Case:
    """That network, with inputs from one end of the scale to the other."""
    model = model_from_arrays(STEEP, where="steep", name="steep")
    inputs = np.linspace(-FULL_SCALE, FULL_SCALE, 101).astype(np.int32).reshape(1, -1, 1)
    elapsed = np.full((1, 101), 1 << 22, np.uint32)
    return Case(model, convert(model), inputs, elapsed, np.zeros(2, np.int32))


@st.composite
def cases(
    draw: st.DrawFn, max_neurons: int = 64, max_inputs: int = 32, steps: int = 3, solver: SolverName = "fused"
) -> Case:
    """Cases for Hypothesis; sizes and wildness shrink, the values follow from the seed."""
    neurons = draw(st.integers(1, max_neurons))
    inputs = draw(st.integers(1, max_inputs))
    density = draw(st.sampled_from([0.0, 0.1, 0.3, 1.0]))
    wild = draw(st.sampled_from([0.0, 0.5, 2.0, 4.0, 9.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random_case(rng, neurons, inputs, density, wild, steps=steps, solver=solver)
