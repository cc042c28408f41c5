"""Long runs are brought down to what a picture shows, and nothing that sticks out is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hil.report.series import series_of

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 300))


@settings(deadline=None)
@given(arrays.arrays(np.int64, SHAPES, elements=st.integers(0, 10**6)), st.integers(1, 50))
def test_least_and_most_of_each_column_are_those_of_its_steps(values: np.ndarray, columns: int) -> None:
    series = series_of(values, columns)
    first = series["first"]
    assert (series["sequences"], series["steps"]) == values.shape
    assert first[0] == 0
    assert len(first) == min(columns, values.shape[1])
    assert all(one < other for one, other in pairwise(first))
    for place, begin in enumerate(first):
        end = first[place + 1] if place + 1 < len(first) else values.shape[1]
        piece = values[:, begin:end]
        assert (series["low"][place], series["high"][place]) == (piece.min(), piece.max())
        assert series["low"][place] <= series["median"][place] <= series["high"][place]


@settings(deadline=None)
@given(arrays.arrays(np.int64, SHAPES, elements=st.integers(0, 10**6)))
def test_a_short_run_is_kept_step_by_step(values: np.ndarray) -> None:
    series = series_of(values)
    assert series["low"] == values.min(axis=0).tolist()
    assert series["high"] == values.max(axis=0).tolist()
