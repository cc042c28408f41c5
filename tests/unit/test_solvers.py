"""The solvers: that each solves the equation, to its order, that its integers are near it, and what each refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.convert import convert
from hil.errors import InputError
from hil.golden import run_integer, run_reference
from hil.model import LtcModel, load_model, model_from_arrays
from hil.solver import Solver, SolverName
from hil.vectors import load_vectors
from hil.yaml_file import load_yaml
from tests.host_c import REPO
from tests.networks import END_OF_SCALE

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = REPO / "examples" / "networks"
ORDERS: dict[SolverName, int] = {"fused": 1, "euler": 1, "exponential": 1, "rk4": 4}


def network(name: str = "tiny_dense") -> LtcModel:
    return load_model(NETWORKS / f"{name}.model.npz")


def one_step(model: LtcModel, elapsed: float = 0.7) -> np.ndarray:
    inputs, state0 = np.full((1, 1, model.inputs), 0.4), np.linspace(-0.5, 0.5, model.neurons)
    return run_reference(model, inputs, np.array([[elapsed]]), state0)[0][0, 0]


@pytest.mark.parametrize(("method", "order"), ORDERS.items())
def test_each_solver_converges_to_the_equation_s_solution_with_its_order(method: SolverName, order: int) -> None:
    model = network()
    exact = one_step(replace(model, solver="rk4", unfolds=1024))
    errors = [np.abs(one_step(replace(model, solver=method, unfolds=n)) - exact).max() for n in (8, 16, 32)]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2**order, rel=0.15)


def test_the_exponential_solver_is_exact_where_no_synapse_moves() -> None:
    model = replace(model_from_arrays(END_OF_SCALE, where="a leak", name="leak"), solver="exponential", unfolds=1)
    state0, elapsed = np.linspace(-0.5, 0.5, 4), 0.02
    with np.errstate(divide="ignore"):
        left = np.exp(-elapsed * (model.gleak + model.epsilon) / model.cm)
    target = model.gleak * model.vleak / (model.gleak + model.epsilon)
    np.testing.assert_allclose(one_step(model, elapsed), target + (state0 - target) * left, rtol=0, atol=1e-15)


def test_the_adaptive_solver_takes_the_first_result_that_agrees_with_the_one_before() -> None:
    model = network("autoncp16")
    results = {n: one_step(replace(model, unfolds=n), 3.0) for n in (1, 2, 4, 8, 16, 32)}
    apart = {n: np.abs(results[n] - results[n // 2]).max() for n in (2, 4, 8, 16, 32)}
    for n in (2, 4, 8, 16):
        solved = model.solved_by(Solver(method="adaptive", error_bound=float(apart[n])))
        np.testing.assert_array_equal(one_step(solved, 3.0), results[n])
    nothing_agrees = model.solved_by(Solver(method="adaptive", error_bound=1e-12, unfolds=8))
    np.testing.assert_array_equal(one_step(nothing_agrees, 3.0), results[8])


@pytest.mark.parametrize("name", ["tiny_dense", "autoncp16", "linear_maps", "co2_forecast", "dead_inputs", "implicit"])
@pytest.mark.parametrize(
    "solver",
    [
        Solver(method="euler", unfolds=32),
        Solver(method="rk4", unfolds=32),
        Solver(method="exponential", unfolds=1),
        Solver(method="exponential"),
        Solver(method="adaptive", error_bound=1e-3),
    ],
    ids=str,
)
def test_integers_are_near_the_float64_reference_of_the_same_solver(name: str, solver: Solver) -> None:
    model = network(name).solved_by(solver)
    v = load_vectors(NETWORKS / f"{name}.vectors.npz", model)
    c = convert(model, state_bound=float(np.abs(v.state0).max()))
    states, _ = run_integer(
        c.image, c.quantise_inputs(v.inputs), c.quantise_elapsed(v.elapsed), c.quantise_state(v.state0)
    )
    reference, _ = run_reference(model, v.inputs, v.elapsed, v.state0)
    # Where two results agree by a hair, integers and floats may disagree about who agrees.
    may_differ = model.error_bound / c.state_bound
    assert np.abs(c.state_to_float(states) - reference).max() / c.state_bound < 2.0**-11 + may_differ


def test_an_explicit_solver_refuses_a_neuron_without_capacitance() -> None:
    with pytest.raises(InputError, match=r"neuron 0 has no capacitance.*'euler'") as caught:
        convert(network("basicmotions").solved_by(Solver(method="euler")))
    assert caught.value.hint == "use fused or exponential"


def test_an_explicit_solver_refuses_a_step_that_is_too_long_and_says_how_many_unfolds_it_takes() -> None:
    def run(unfolds: int) -> None:
        c = convert(network("autoncp16").solved_by(Solver(method="rk4", unfolds=unfolds)))
        inputs, elapsed = np.zeros((2, 3, 6)), np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 2.0]])
        run_integer(c.image, c.quantise_inputs(inputs), c.quantise_elapsed(elapsed), np.zeros(16, np.int32))

    with pytest.raises(
        InputError, match=r"step 2 of sequence 1: an elapsed time of 2 is too long.*8 unfolds"
    ) as caught:
        run(8)
    hint = caught.value.hint
    assert hint is not None
    enough = int(hint.split()[2])
    run(enough)
    with pytest.raises(InputError):
        run(enough - 2)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("method: rk4", Solver(method="rk4")),
        ("method: adaptive\nerror_bound: 0.01", Solver(method="adaptive", error_bound=0.01)),
        ("method: euler\nunfolds: 12", Solver(method="euler", unfolds=12)),
    ],
)
def test_what_a_file_may_say(tmp_path: Path, text: str, wanted: Solver) -> None:
    path = tmp_path / "solver.yaml"
    path.write_text(text)
    assert load_yaml(path, Solver, "file") == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method: rk5", "line 1, key 'method': input should be 'fused', 'euler', 'rk4', 'adaptive' or 'exponential'"),
        ("method: rk4\nunfolds: 0", "line 2, key 'unfolds'"),
        ("method: rk4\nunfolds: 33", "line 2, key 'unfolds'"),
        ("method: adaptive", "needs an error_bound"),
        ("method: adaptive\nerror_bound: 0", "line 2, key 'error_bound'"),
        ("method: adaptive\nerror_bound: 0.1\nunfolds: 6", "the most is 2, 4, 8, 16 or 32"),
        ("method: fused\nerror_bound: 0.1", "fused has none: leave it out"),
    ],
)
def test_what_a_file_may_not_say(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "solver.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        load_yaml(path, Solver, "file")


def test_a_model_file_names_its_solver() -> None:
    arrays = END_OF_SCALE | {"solver": "adaptive", "error_bound": 0.01}
    model = model_from_arrays(arrays, where="a file", name="a")
    assert (model.solver, model.unfolds, model.error_bound) == ("adaptive", 4, 0.01)
    for wrong, said in (("rk5", "'solver' is 'rk5'"), ("adaptive", "needs an error_bound")):
        with pytest.raises(InputError, match=said):
            model_from_arrays(END_OF_SCALE | {"solver": wrong}, where="a file", name="a")


def test_an_error_bound_that_no_state_can_break_is_refused() -> None:
    for bound in (1e-12, 1e3):
        with pytest.raises(InputError, match="no states can be within or beyond an error_bound"):
            convert(network().solved_by(Solver(method="adaptive", error_bound=bound)))
