"""The head of a run names the network, by the hash that the summary has as well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

pytest_plugins = ["pytester"]


def lines(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if line.startswith("hil: ") and "model" in line]


def test_one_model_is_named_with_the_image_that_runs(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("states: {}\n")
    result = project.runpytest("--board=host")
    (line,) = lines(result)
    image = re.fullmatch(r"hil: model tiny_dense, image ([0-9a-f]{12})", line)
    assert image
    assert re.search(rf"^bridge/tiny_dense +host +native process +{image[1]} ", str(result.stdout), re.MULTILINE)


def test_start_states_that_make_two_images_are_told(
    project: pytest.Pytester, change_vectors: Callable[..., None]
) -> None:
    (project.path / "a.npz").write_bytes((project.path / "tiny_dense.vectors.npz").read_bytes())
    change_vectors(state0=np.full(4, 99.0))
    project.path.joinpath("b.hil.yaml").write_text(
        "model: tiny_dense.model.npz\nvectors: [a.npz, tiny_dense.vectors.npz]\n"
    )
    (line,) = lines(project.runpytest("--board=host"))
    assert re.fullmatch(r"hil: model tiny_dense, image [0-9a-f]{12}, [0-9a-f]{12}", line)


def test_several_models_stand_in_the_summary(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case()
    (project.path / "other.npz").write_bytes((project.path / "tiny_dense.model.npz").read_bytes())
    project.path.joinpath("c.hil.yaml").write_text("model: other.npz\nvectors: tiny_dense.vectors.npz\n")
    assert lines(project.runpytest("--board=host")) == ["hil: 2 models, the hash of each image is in the summary"]


def test_a_model_that_cannot_be_used_is_left_to_its_item(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case()
    (project.path / "tiny_dense.model.npz").unlink()
    result = project.runpytest("--board=host")
    result.assert_outcomes(errors=1)
    assert lines(result) == []


def test_nothing_is_said_of_models_where_there_are_no_cases(project: pytest.Pytester) -> None:
    project.makepyfile("def test_one(board):\n    assert board.name == 'host'\n")
    assert lines(project.runpytest("--board=host")) == []
