"""A current brought down to columns, held against what each column holds by the book."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import InputError
from hil.report.waveform import Waveform, columns_of


def waveform(
    lengths: list[float], current_A: list[float], windows: list[tuple[float, float]], most: float | None = None
) -> Waveform:
    current = np.array(current_A)
    return Waveform(
        how="modelled",
        source="by hand",
        edges_s=np.concatenate(([0.0], np.cumsum(lengths))) + 5.0,
        current_A=current,
        windows_s=np.array(windows, dtype=np.float64).reshape(-1, 2) + 5.0,
        maximum_A=None if most is None else current * most,
    )


def test_columns_by_hand() -> None:
    # 1 mA for 1 s, 5 mA for half a second, 2 mA for 2.5 s; a step from 0.5 s to 1.5 s.
    made = columns_of(waveform([1.0, 0.5, 2.5], [1e-3, 5e-3, 2e-3], [(0.5, 1.5)], most=2.0), 4)
    assert made.edges_s == pytest.approx([5, 6, 7, 8, 9])
    assert made.low_A == pytest.approx([1e-3, 2e-3, 2e-3, 2e-3])
    assert made.high_A == pytest.approx([1e-3, 5e-3, 2e-3, 2e-3])
    assert made.mean_A == pytest.approx([1e-3, 3.5e-3, 2e-3, 2e-3])
    assert made.marked == pytest.approx([0.5, 0.5, 0.0, 0.0])
    assert made.maximum_A == pytest.approx([2e-3, 10e-3, 4e-3, 4e-3])


def test_a_part() -> None:
    made = columns_of(waveform([1.0, 0.5, 2.5], [1e-3, 5e-3, 2e-3], [(0.5, 1.5)]), 2, 5.75, 6.75)
    assert made.mean_A == pytest.approx([(0.25 * 1e-3 + 0.25 * 5e-3) / 0.5, (0.25 * 5e-3 + 0.25 * 2e-3) / 0.5])
    assert made.marked == pytest.approx([1.0, 0.5])
    assert made.maximum_A is None


def test_what_nobody_knows_stays_unknown_and_draws_nothing_along() -> None:
    made = columns_of(waveform([1.0, 1.5, 1.5], [1e-3, math.nan, 3e-3], []), 4)
    assert made.mean_A[0] == pytest.approx(1e-3)
    assert np.isnan([made.low_A[1], made.high_A[1], made.mean_A[1]]).all()
    assert (made.low_A[2], made.mean_A[2]) == pytest.approx((3e-3, 3e-3))
    assert not made.marked.any()


_LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


@given(_LENGTHS, st.integers(1, 30), st.randoms(use_true_random=False))
def test_no_charge_and_no_peak_is_lost(lengths: list[int], count: int, random: object) -> None:
    currents = [float(random.randint(1, 9)) for _ in lengths]  # type: ignore[attr-defined]
    ends = np.cumsum(lengths).tolist()
    windows = [(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)][::2]
    made = columns_of(waveform([float(each) for each in lengths], currents, windows), count)
    charge = sum(length * current for length, current in zip(lengths, currents, strict=True))
    width = ends[-1] / count
    assert float(made.mean_A.sum()) * width == pytest.approx(charge)
    assert float(made.marked.sum()) * width == pytest.approx(sum(lengths[::2]))
    assert (np.min(made.low_A), np.max(made.high_A)) == (min(currents), max(currents))
    assert (made.low_A <= made.mean_A + 1e-9).all()
    assert (made.mean_A <= made.high_A + 1e-9).all()


def test_what_is_no_waveform() -> None:
    with pytest.raises(InputError, match="of other lengths"):
        waveform([], [], [])
    with pytest.raises(InputError, match="of other lengths"):
        Waveform("modelled", "", np.arange(3.0), np.zeros(3), np.zeros((0, 2)))
    with pytest.raises(InputError, match="times that do not increase"):
        waveform([1.0, 0.0], [1e-3, 1e-3], [])
    with pytest.raises(InputError, match="times that do not increase"):
        waveform([1.0, 1.0], [1e-3, 1e-3], [(0.2, 0.6), (0.5, 0.7)])
