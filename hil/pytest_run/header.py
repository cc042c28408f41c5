"""What the head of a run says about the networks that were collected: which they are, by the hash of what will run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.errors import HilError
from hil.model import load_model
from hil.pytest_run.promise_item import PromiseItem
from hil.vectors import load_vectors
from hil.work import convert_for, digest_of, solve_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def model_lines(items: Sequence[pytest.Item]) -> list[str]:
    """The one model of the cases and its image's hash; of several, the summary has each beside its case.

    Vectors with different start states can make different images of one model. A file that cannot be used is left to
    the items that need it.
    """
    subjects = [item.subject for item in items if isinstance(item, PromiseItem)]
    models = {subject.case.model_path for subject in subjects}
    if len(models) != 1:
        return [f"hil: {len(models)} models, the hash of each image is in the summary"] if models else []
    try:
        model = load_model(models.pop())
        images = {
            convert_for(*solve_with(solver, model, load_vectors(path, model))).image
            for path, solver in {(each.vectors_path, each.case.says.solver) for each in subjects}
        }
    except HilError:
        return []
    return [f"hil: model {model.name}, image {', '.join(sorted(digest_of(image) for image in images))}"]
