from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hil.errors import InputError
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"


@dataclass(frozen=True)
class Dimensions:
    inputs: int = 3
    neurons: int = 4
    outputs: int = 2


def save(folder: Path, **arrays: object) -> Path:
    path = folder / "v.vectors.npz"
    np.savez(path, **arrays)
    return path


def complaint(folder: Path, **arrays: object) -> str:
    path = save(folder, **{"inputs": np.zeros((5, 3)), **arrays})
    with pytest.raises(InputError) as caught:
        load_vectors(path, Dimensions())
    assert str(path) in caught.value.message
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(NETWORKS.glob("*.vectors.npz")), ids=lambda path: path.name)
def test_every_public_vector_file_loads(path: Path) -> None:
    name = path.name.removesuffix(".vectors.npz")
    model = load_model(NETWORKS / f"{name.removesuffix('_test').removesuffix('_missing')}.model.npz")
    vectors = load_vectors(path, model)
    with np.load(path) as raw:
        assert vectors.name == name
        assert vectors.single == (raw["inputs"].ndim == 2)
        for key in ("inputs", "elapsed", "states", "outputs"):
            assert np.array_equal(vectors.shaped(getattr(vectors, key)), raw[key])
        assert np.array_equal(vectors.state0, raw["state0"])
        assert (vectors.labels is None) == ("labels" not in raw)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    vectors = load_vectors(save(tmp_path, inputs=np.zeros((5, 3), np.float32)), Dimensions())
    assert vectors.single
    assert (vectors.sequences, vectors.steps) == (1, 5)
    assert vectors.inputs.shape == (1, 5, 3)
    assert vectors.elapsed.tolist() == [[1.0] * 5]
    assert vectors.state0.tolist() == [0.0] * 4
    assert (vectors.states, vectors.outputs, vectors.labels, vectors.label_names) == (None, None, None, ())


def test_many_sequences_keep_their_shape_and_expected_means_outputs(tmp_path: Path) -> None:
    expected = np.arange(20.0).reshape(2, 5, 2)
    path = save(tmp_path, inputs=np.zeros((2, 5, 3)), elapsed=np.full((2, 5), 0.5), expected=expected, labels=[1, 0])
    vectors = load_vectors(path, Dimensions())
    assert not vectors.single
    assert vectors.outputs is not None
    assert np.array_equal(vectors.outputs, expected)
    assert vectors.labels is not None
    assert vectors.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arrays", "key", "words"),
    [
        ({"inputs": np.zeros((5, 4))}, "inputs", "(steps, 3)"),
        ({"inputs": np.zeros(5)}, "inputs", "(steps, 3)"),
        ({"inputs": np.zeros((0, 3))}, "inputs", "(steps, 3)"),
        ({"inputs": np.zeros((5, 3), bool)}, "inputs", "real numbers"),
        ({"inputs": np.full((5, 3), "x")}, "inputs", "real numbers"),
        ({"inputs": np.zeros((5, 3), complex)}, "inputs", "real numbers"),
        ({"inputs": np.where(np.arange(15).reshape(5, 3) == 7, np.nan, 0)}, "inputs", "first inputs[2, 1]"),
        ({"elapsed": np.ones(4)}, "elapsed", "wanted (5,)"),
        ({"elapsed": np.array([1, 1, 0, 1, 1])}, "elapsed", "0 at sequence 0, step 2"),
        ({"elapsed": np.array([1, 1, 1, 1, 1001.0])}, "elapsed", "1001 at sequence 0, step 4"),
        ({"elapsed": np.array([1, np.inf, 1, 1, 1.0])}, "elapsed", "first elapsed[1]"),
        ({"state0": np.zeros((1, 4))}, "state0", "wanted (4,)"),
        ({"states": np.zeros((5, 3))}, "states", "wanted (5, 4)"),
        ({"outputs": np.zeros((5, 1))}, "outputs", "wanted (5, 2)"),
        ({"expected": np.full((5, 2), -np.inf)}, "expected", "10 of 10 values"),
        ({"expected": np.zeros((5, 2)), "outputs": np.zeros((5, 2))}, "expected", "'outputs' is there as well"),
        ({"labels": np.zeros(2, int)}, "labels", "wanted (1,)"),
        ({"labels": np.array([2])}, "labels", "2 outputs"),
        ({"labels": np.array([0.0])}, "labels", "integers"),
        ({"label_names": np.array([1, 2])}, "label_names", "names"),
        ({"elapsd": np.ones(5)}, "elapsd", "did you mean 'elapsed'"),
    ],
)
def test_a_wrong_array_is_named_with_file_and_key(tmp_path: Path, arrays: dict, key: str, words: str) -> None:
    said = complaint(tmp_path, **arrays)
    assert f"key '{key}'" in said
    assert words in said


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key 'inputs': missing"):
        load_vectors(save(tmp_path, state0=np.zeros(4)), Dimensions())


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    assert "key 'inputs': not a plain array" in complaint(tmp_path, inputs=np.array([{"a": 1}], dtype=object))


def test_an_unknown_key_that_resembles_none_is_left_alone(tmp_path: Path) -> None:
    load_vectors(save(tmp_path, inputs=np.zeros((5, 3)), provenance=np.array("me")), Dimensions())


@pytest.mark.parametrize("content", [b"", b"inputs: 1\n", b"PK\x03\x04 nothing"])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "v.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an npz file"):
        load_vectors(path, Dimensions())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.npz cannot be read"):
        load_vectors(tmp_path / "nowhere.npz", Dimensions())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_archive_is_refused_in_words_or_read_whole(tmp_path: Path, data: st.DataObject) -> None:
    path = save(tmp_path, inputs=np.arange(15.0).reshape(5, 3), elapsed=np.ones(5))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        vectors = load_vectors(path, Dimensions())
    except InputError:
        return
    assert np.array_equal(vectors.inputs[0], np.arange(15.0).reshape(5, 3))
