from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hil.compare import TABLE_ROWS, compare, decisions, largest_error

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=5)
INT32 = hnp.arrays(np.int32, SHAPES)


@given(INT32)
def test_equal_arrays_have_no_mismatch(golden: np.ndarray) -> None:
    assert compare("states", golden.copy(), golden) is None


@given(INT32, st.data())
def test_every_changed_element_is_counted_and_the_worst_is_found(golden: np.ndarray, data: st.DataObject) -> None:
    changed = data.draw(hnp.arrays(np.bool_, golden.shape))
    steps = data.draw(hnp.arrays(np.int32, golden.shape, elements=st.integers(1, 9)))
    obtained = (golden.astype(np.int64) + np.where(changed, steps, 0)).astype(np.int64)
    mismatch = compare("states", obtained, golden)
    if not changed.any():
        assert mismatch is None
        return
    assert mismatch is not None
    assert mismatch.differing == changed.sum()
    assert mismatch.total == golden.size
    assert mismatch.first == tuple(np.argwhere(changed)[0])
    assert mismatch.worst_absolute == steps[changed].max()
    assert steps[mismatch.worst] == steps[changed].max()
    assert len(mismatch.rows) == min(TABLE_ROWS, changed.sum())


def test_integers_at_both_ends_of_32_bits_differ_by_their_true_distance() -> None:
    low, high = np.full((1, 1, 1), -(2**31), np.int32), np.full((1, 1, 1), 2**31 - 1, np.int32)
    mismatch = compare("states", low, high)
    assert mismatch is not None
    assert mismatch.worst_absolute == 2**32 - 1


def test_tolerance_is_absolute_and_inclusive() -> None:
    golden = np.zeros((1, 3, 1))
    obtained = np.array([0.25, -0.25, 0.5]).reshape(1, 3, 1)
    mismatch = compare("outputs", obtained, golden, atol=0.25)
    assert mismatch is not None
    assert (mismatch.differing, mismatch.first) == (1, (0, 2, 0))
    assert compare("outputs", obtained, golden, atol=0.5) is None


def test_a_nan_from_the_device_always_differs() -> None:
    golden = np.zeros((1, 2, 1))
    obtained = np.array([0.0, np.nan]).reshape(1, 2, 1)
    mismatch = compare("outputs", obtained, golden, atol=1e9)
    assert mismatch is not None
    assert mismatch.worst == (0, 1, 0)
    assert largest_error(obtained, golden) == np.inf


def test_report_reads_like_a_table_with_sequence_step_and_lsb() -> None:
    golden = np.zeros((2, 3, 2))
    obtained = golden.copy()
    obtained[1, 2, 1] = 0.5
    obtained[1, 1, 0] = 0.125
    mismatch = compare("outputs", obtained, golden, lsb=np.array([0.125, 0.25]))
    assert mismatch is not None
    assert str(mismatch).splitlines() == [
        (
            "outputs: 2 of 12 elements differ, first at sequence 1, step 1, element 0; "
            "worst outputs[1, 2, 1] by 0.5 (2 LSB)"
        ),
        "Index            | Obtained | Expected",
        "outputs[1, 1, 0] | 0.125    | 0",
        "outputs[1, 2, 1] | 0.5      | 0",
    ]


def test_report_of_one_sequence_leaves_the_sequence_out_and_counts_the_rest() -> None:
    golden = np.zeros((1, 20, 1), np.int32)
    mismatch = compare("states", golden + 1, golden, lsb=1, single=True)
    assert mismatch is not None
    lines = str(mismatch).splitlines()
    assert lines[0].startswith(
        "states: 20 of 20 elements differ, first at step 0, element 0; worst states[0, 0] by 1 (1 LSB)"
    )
    assert lines[-1] == f"... and {20 - TABLE_ROWS} more"


def test_shapes_that_differ_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="golden"):
        compare("states", np.zeros((1, 2, 3)), np.zeros((1, 2, 4)))


def test_a_decision_is_the_largest_mean_from_the_first_voting_step() -> None:
    outputs = np.zeros((1, 4, 3))
    outputs[0, :2, 0] = 100.0
    outputs[0, 2, 1] = 1.0
    outputs[0, 3, 2] = 0.5
    assert decisions(outputs, 0).tolist() == [0]
    assert decisions(outputs, 2).tolist() == [1]
    assert decisions(outputs, 3).tolist() == [2]
