"""A run's current as a waveform, from a model and from an instrument's recording."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hil.energy.model import CurrentModel
from hil.energy.modelled import ModelledCurrent
from hil.energy.spans import Spans
from hil.report.current_of import waveform_of
from tests.energies import measured, modelled
from tests.energy.small import RUN, SLEEP, board, spans
from tests.power.traces import trace


def test_of_a_model() -> None:
    """With the invented currents: asleep 400 µA and USART2's 80 µA, run 1.6 mA and 80 µA and HSI16's 80 µA."""
    made = Spans.of(spans((0.002, SLEEP, 0.0, False), (0.001, RUN, 0.0, True), (0.003, SLEEP, 0.0, False)))
    current = ModelledCurrent(made, CurrentModel.of(board()))
    waveform = waveform_of(current, modelled(without=("PWR", "GPIOA")))
    assert waveform.how == "modelled"
    assert waveform.source == "model of a data sheet; not in it: PWR, GPIOA"
    assert waveform.edges_s == pytest.approx([0.5, 0.502, 0.503, 0.506])
    assert waveform.current_A == pytest.approx([480e-6, 1760e-6, 480e-6])
    assert waveform.windows_s.ravel() == pytest.approx([0.502, 0.503])
    assert waveform.maximum_A is not None
    assert (waveform.maximum_A > waveform.current_A).all()


def test_of_a_model_without_maxima() -> None:
    made = Spans.of(spans((0.002, SLEEP, 0.0, False), (0.001, RUN, 0.0, True), (0.003, SLEEP, 0.0, False)))
    unknown = {"maximum_uA": "unknown"}
    rows = [{"state": "sleep", "typical_uA": 400.0, **unknown}, {"state": "run", "typical_uA": 1600.0, **unknown}]
    current = ModelledCurrent(made, CurrentModel.of(board(rows, [])))
    assert waveform_of(current, modelled()).maximum_A is None


def test_of_a_recording_with_marks() -> None:
    made = trace([1e-3, 1e-3, 2e-3, 2e-3, 1e-3], marks="..##.")
    waveform = waveform_of(made, measured(), "D0")
    assert (waveform.how, waveform.source) == ("measured", "PPK2 A1")
    assert waveform.edges_s == pytest.approx([0, 0.001, 0.002, 0.003, 0.004, 0.005])
    assert waveform.current_A == pytest.approx(made.current_A)
    assert waveform.windows_s.tolist() == [pytest.approx([0.002, 0.004])]
    assert waveform.maximum_A is None


def test_what_a_recording_misses_is_unknown() -> None:
    waveform = waveform_of(trace([1e-3, 1e-3, 2e-3], gap=(2, 3)), measured())
    assert waveform.edges_s == pytest.approx([0, 0.001, 0.002, 0.005, 0.006])
    assert waveform.current_A[[0, 1, 3]] == pytest.approx([1e-3, 1e-3, 2e-3])
    assert np.isnan(waveform.current_A[2])


def test_windows_of_a_recording_without_marks_are_those_in_the_current() -> None:
    current = [1e-3] * 40 + [4e-3] * 60 + [1e-3] * 20 + [4e-3] * 2 + [1e-3] * 20 + [4e-3] * 60 + [1e-3] * 40
    waveform = waveform_of(trace(current), measured())
    assert waveform.windows_s.ravel() == pytest.approx([0.04, 0.1, 0.142, 0.202])
    flat = waveform_of(trace([1e-3] * 50), measured())
    assert flat.windows_s.shape == (0, 2)


def test_how_is_told_as_for_figures() -> None:
    made = dataclasses.replace(measured(), kind="simulated")
    assert waveform_of(trace([1e-3]), made).how == "simulated instrument, emulated board"
