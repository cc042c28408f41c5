"""Parameters: what is taken, and the one sentence for each thing that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.convert import convert
from hil.errors import InputError
from hil.model import load_model, model_from_arrays
from hil.ncps import model_from_ncps
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path


def arrays() -> dict[str, object]:
    """Three neurons, two inputs, one output, all of it dense."""
    base: dict[str, object] = {"ode_unfolds": 6, "epsilon": 1e-8, "implicit_param_constraints": False}
    for key in ("gleak", "vleak", "cm"):
        base[key] = np.full(3, 0.5)
    for prefix, sources in (("", 3), ("sensory_", 2)):
        base[f"{prefix}sparsity_mask"] = np.ones((sources, 3))
        for key in ("w", "mu", "sigma", "erev"):
            base[prefix + key] = np.full((sources, 3), 0.25)
    base |= {"input_w": np.ones(2), "input_b": np.zeros(2), "output_w": np.ones(1), "output_b": np.zeros(1)}
    return base


def test_shapes_of_a_model() -> None:
    model = model_from_arrays(arrays(), where="here")
    assert (model.inputs, model.neurons, model.outputs, model.unfolds) == (2, 3, 1, 6)


def without(*keys: str, **change: object) -> dict[str, object]:
    return {key: value for key, value in (arrays() | change).items() if key not in keys}


def test_absent_offsets_are_linear_maps() -> None:
    for named in ({}, {"input_mapping": "linear", "output_mapping": np.array("linear")}):
        model = model_from_arrays(without("input_b", "output_b", **named), where="here")
        assert not model.input_b.any()
        assert not model.output_b.any()


NONE = ("none", None, np.array("None"), np.array(b"none"))


@pytest.mark.parametrize(
    "none", [{}, *({f"{side}_mapping": value for side in ("input", "output")} for value in NONE)], ids=repr
)
def test_without_maps_values_stay_as_they_are(none: dict[str, object]) -> None:
    given = without("input_w", "input_b", "output_w", "output_b", motor_size=2, **none)
    model = model_from_arrays(given, where="here")
    for part, value in (("w", 1.0), ("b", 0.0)):
        assert getattr(model, f"input_{part}").tolist() == [value] * 2
        assert getattr(model, f"output_{part}").tolist() == [value] * 2


@pytest.mark.parametrize(
    ("absent", "change", "sentence"),
    [
        (["input_b"], {"input_mapping": "affine"}, "here: 'input_mapping' is 'affine', but array 'input_b' is missing"),
        (["output_b"], {"output_mapping": "affine"}, "'output_mapping' is 'affine', but array 'output_b' is missing"),
        (["input_w"], {"input_mapping": "affine"}, "'input_mapping' is 'affine', but array 'input_w' is missing"),
        ([], {"input_mapping": "linear"}, "'input_mapping' is 'linear', but array 'input_b' is there"),
        (["output_b"], {"output_mapping": "none"}, "'output_mapping' is 'none', but array 'output_w' is there"),
        (["input_w"], {}, "array 'input_b' is there, but 'input_w' is missing"),
        ([], {"input_mapping": "afine"}, r"'input_mapping' is 'afine', and .*\n  hint: did you mean 'affine'\?"),
        ([], {"output_mapping": np.ones(2)}, "'output_mapping' is .*there is no such map"),
        (["output_w", "output_b"], {}, "array 'motor_size' is missing"),
        ([], {"motor_size": 2}, "'motor_size' is 2, but 'output_w' is for 1 outputs"),
        (["output_w", "output_b"], {"motor_size": 4}, "'motor_size' is 4, wanted a whole number from 1 to 3"),
        (["input_b"], {"input_bias": np.ones(2)}, "unknown array 'input_bias'\n  hint: did you mean 'input_b'"),
        (["sparsity_mask"], {"sparcity_mask": np.ones((3, 3))}, "unknown array 'sparcity_mask'"),
    ],
)
def test_maps_and_names_that_contradict_are_refused(absent: list[str], change: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        model_from_arrays(without(*absent, **change), where="here")


def test_a_name_of_the_user_s_own_is_left_alone() -> None:
    assert model_from_arrays(arrays() | {"provenance": np.array("me"), "w2": np.ones(1)}, where="here").inputs == 2


def test_a_pickled_mapping_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    np.savez(path, **arrays(), input_mapping=np.array(None))
    with pytest.raises(InputError, match="array 'input_mapping'") as caught:
        load_model(path)
    assert caught.value.hint == "save a mapping of None as the text 'none'"


def test_softplus_where_constraints_are_implicit() -> None:
    given = arrays() | {"implicit_param_constraints": True, "w": np.full((3, 3), -2.0)}
    model = model_from_arrays(given, where="here")
    np.testing.assert_allclose(model.w, np.log1p(np.exp(-2.0)))
    np.testing.assert_allclose(model.mu, 0.25)


def test_values_of_absent_synapses_do_not_matter() -> None:
    given = arrays()
    mask = np.ones((3, 3))
    mask[1, 2] = 0
    w = np.full((3, 3), 0.25)
    w[1, 2] = np.nan
    model = model_from_arrays(given | {"sparsity_mask": mask, "w": w, "implicit_param_constraints": True}, where="here")
    assert model.w[1, 2] == 0
    assert (model.w[mask == 1] > 0).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cm": np.full((3, 1), 0.5)}, r"here: array 'cm' has shape \(3, 1\), wanted one dimension"),
        ({"gleak": np.full(2, 0.5)}, r"here: array 'gleak' has shape \(2,\), wanted \(3,\)"),
        ({"sensory_mu": np.full((3, 3), 0.5)}, r"array 'sensory_mu' has shape \(3, 3\), wanted \(2, 3\)"),
        ({"sigma": np.where(np.eye(3) > 0, np.nan, 1.0)}, r"'sigma\[0, 0\]' .* is nan, wanted a finite number"),
        ({"vleak": np.array([0, 0, np.inf])}, r"'vleak\[2\]' is inf, wanted a finite number"),
        ({"sensory_w": np.full((2, 3), -0.2)}, r"'sensory_w\[0, 0\]' is -0.2, but conductances cannot be negative"),
        ({"ode_unfolds": 33}, "'ode_unfolds' is 33, wanted a whole number from 1 to 32"),
        ({"ode_unfolds": 2.5}, "'ode_unfolds' is 2.5"),
        ({"epsilon": -1.0}, "epsilon is -1"),
        ({"cm": np.array(["a", "b", "c"])}, "array 'cm' does not hold numbers"),
        ({"output_w": np.ones(4), "output_b": np.ones(4)}, "2 inputs, 3 neurons and 4 outputs cannot be one network"),
    ],
)
def test_wrong_arrays_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        model_from_arrays(arrays() | change, where="here")


def test_a_missing_array_is_named() -> None:
    given = arrays()
    del given["mu"]
    with pytest.raises(InputError, match="here: array 'mu' is missing"):
        model_from_arrays(given, where="here")


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no model file"):
        load_model(tmp_path / "absent.model.npz")
    text = tmp_path / "text.model.npz"
    text.write_text("not an archive")
    with pytest.raises(InputError, match=r"text\.model\.npz is not a model archive"):
        load_model(text)
    cut = tmp_path / "cut.model.npz"
    cut.write_bytes((REPO / "examples" / "networks" / "tiny_dense.model.npz").read_bytes()[:900])
    with pytest.raises(InputError, match="is not a model archive"):
        load_model(cut)
    pickled = tmp_path / "pickled.model.npz"
    np.savez(pickled, cm=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="is not a model archive"):
        load_model(pickled)
    single = tmp_path / "single.npz"
    with single.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(InputError, match="is not a model archive"):
        load_model(single)


@pytest.mark.parametrize("prefix", ["", "rnn_cell."])
def test_a_state_dict(prefix: str) -> None:
    given = arrays()
    settings = {key: given.pop(key) for key in ("ode_unfolds", "epsilon", "implicit_param_constraints")}
    state_dict = {prefix + key: value for key, value in given.items()}
    model = model_from_ncps(state_dict, **settings)
    assert (model.inputs, model.neurons, model.outputs) == (2, 3, 1)
    with pytest.raises(InputError, match="does not say ode_unfolds and implicit_param_constraints"):
        model_from_ncps(state_dict)
    with pytest.raises(InputError, match="mixed memory"):
        model_from_ncps(state_dict | {"lstm.input_map.weight": np.ones(1)}, **settings)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"erev": np.full((3, 3), 1e50)}, r"'erev\[0, 0\]' is 1e\+50, beyond"),
        ({"w": np.full((3, 3), 1e308)}, "beyond"),
        ({"cm": np.full(3, 1e307)}, "beyond"),
        ({"cm": np.full(3, 0.5 + 1j)}, "array 'cm' does not hold numbers but complex128"),
    ],
)
def test_extremes_beyond_what_the_formats_are_proved_for(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        model_from_arrays(arrays() | change, where="here")


@pytest.mark.parametrize("key", ["gleak", "cm", "w", "mu", "sigma", "erev", "sensory_w", "sensory_sigma", "input_w"])
@pytest.mark.parametrize("value", [1e15, 1e-15, 1e-300])
def test_every_parameter_up_to_the_largest_converts(key: str, value: float) -> None:
    given = arrays()
    model = model_from_arrays(given | {key: np.full(np.shape(given[key]), value)}, where="here")
    assert convert(model).image
