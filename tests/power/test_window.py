"""Where traces are cut: at marks, and at edges in the current itself."""

from __future__ import annotations

from random import Random

import pytest

from hil.errors import RigError
from hil.power.figures import average_A, charge_C
from hil.power.window import repeats, windows_between_marks, windows_in_current
from tests.power.traces import trace


def marked(marks: str) -> list[tuple[int, int]]:
    made = trace([1e-3] * len(marks), marks=marks)
    return [(round(window.begin_s * 1000), round(window.end_s * 1000)) for window in windows_between_marks(made, "D0")]


def test_windows_are_from_rise_to_fall() -> None:
    assert marked("..###..#....") == [(2, 5), (7, 8)]
    assert marked("............") == []


def test_what_is_cut_off_by_the_recording_is_none() -> None:
    assert marked("##..##..##") == [(4, 6)]
    assert marked("##########") == []


def test_the_number_of_windows_is_held() -> None:
    made = trace([1e-3] * 10, marks="..##..##..", gap=(5, 3))
    assert len(windows_between_marks(made, "D0", count=2)) == 2
    with pytest.raises(RigError, match=r"channel D0 was high 2 times from begin to end .* not 3; 1 gaps"):
        windows_between_marks(made, "D0", count=3)


def test_a_channel_that_is_not_there_is_said() -> None:
    with pytest.raises(RigError, match="has no digital channel 'D1'") as caught:
        windows_between_marks(trace([1e-3], marks="."), "D1")
    assert "D0" in str(caught.value.hint)
    with pytest.raises(RigError, match="use an instrument with digital inputs"):
        windows_between_marks(trace([1e-3]), "D0")


def batches(*, noise_A: float = 0.0, slope: int = 0) -> list[float]:
    """Rest at 1 mA, three batches of 4 mA; with noise, and with edges that take so many samples."""
    random = Random(5)
    levels = [1e-3] * 40
    for _ in range(3):
        levels += [1e-3 + 3e-3 * (k + 1) / (slope + 1) for k in range(slope)] + [4e-3] * 60
        levels += [4e-3 - 3e-3 * (k + 1) / (slope + 1) for k in range(slope)] + [1e-3] * 40
    return [level + random.gauss(0, noise_A) for level in levels]


def test_edges_in_the_current() -> None:
    windows = windows_in_current(trace(batches(noise_A=50e-6)), count=3)
    assert [(round(each.begin_s, 6), round(each.end_s, 6)) for each in windows] == [
        (0.04, 0.1),
        (0.14, 0.2),
        (0.24, 0.3),
    ]
    assert {round(each.uncertainty_s, 6) for each in windows} == {0.001}


def test_noise_at_the_middle_of_an_edge_is_one_edge() -> None:
    # 1 mA to 4 mA and back over values that cross the middle, 2.5 mA, three times each.
    wobble = [2e-3, 2.7e-3, 2.2e-3, 2.8e-3, 2.3e-3, 2.6e-3]
    made = trace([1e-3] * 40 + wobble + [4e-3] * 40 + wobble + [1e-3] * 40)
    (window,) = windows_in_current(made, count=1)
    assert abs(window.begin_s - 0.043) <= window.uncertainty_s
    assert abs(window.end_s - 0.089) <= window.uncertainty_s
    assert window.uncertainty_s == pytest.approx(0.007)


def test_slow_edges_are_less_certain_and_so_is_what_follows() -> None:
    made = trace(batches(slope=7))
    windows = windows_in_current(made, count=3)
    assert {round(each.uncertainty_s * 1000) for each in windows} == {5}
    assert (windows[0].begin_s, windows[0].end_s) == pytest.approx((0.044, 0.110))  # past the middle, 2.5 mA
    # By hand: 60 samples of 4 mA and two slopes of 7 samples that average 2.5 mA, from middle to middle.
    charge = charge_C(made, windows[0])
    assert abs(charge.value - (60 * 4e-3 + 7 * 3.25e-3) * 1e-3) <= charge.uncertainty
    steep = trace(batches())
    assert average_A(made, windows[0]).uncertainty > average_A(steep, windows_in_current(steep)[0]).uncertainty


def test_spikes_are_no_batches() -> None:
    current = batches()
    current[20] = 4e-3  # high while at rest
    current[70] = 1e-3  # low within the first batch
    assert len(windows_in_current(trace(current))) == 5
    assert len(windows_in_current(trace(current), least_s=0.003, count=3)) == 3


@pytest.mark.parametrize(
    ("current", "said"),
    [
        ([1e-3] * 100, "it is 1e\\+03 µA throughout"),
        ([1e-3], "it has 1 samples"),
        ([], "it has 0 samples"),
        ([1e-3 + Random(k).gauss(0, 100e-6) for k in range(500)], "it varies by"),
    ],
)
def test_a_current_without_edges_is_said(current: list[float], said: str) -> None:
    with pytest.raises(RigError, match=f"no edges can be found .*{said}"):
        windows_in_current(trace(current))


@pytest.mark.parametrize(
    ("lengths", "level"),
    [
        ((100, 50, 39, 50, 100), "1.17e"),  # a rest that is too short to be one, in a batch
        ((100, 100, 10, 39, 10, 100, 100), "1.16e"),  # a batch that is too short to be one, in a rest
    ],
)
def test_edges_that_do_not_part_the_levels_are_none(lengths: tuple[int, ...], level: str) -> None:
    levels_A = (1.05e-3, 1.22e-3)
    current = [levels_A[number % 2] for number, length in enumerate(lengths) for _ in range(length)]
    with pytest.raises(RigError, match=rf"no edges can be found .*{level}\+03 µA on average, its levels are 1.05e\+03"):
        windows_in_current(trace(current), least_s=0.04)


def test_as_many_repeats_as_the_window_needs() -> None:
    # A step of 100 µs, cut ±10 µs at both ends; 1 % of 20 µs is 2 ms: 20 steps.
    assert repeats(100e-6, uncertainty_s=10e-6, tolerance=0.01) == 20
    assert repeats(1.0, uncertainty_s=10e-6, tolerance=0.01) == 1
