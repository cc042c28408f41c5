"""Amounts in words, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hil.report.quantity import amperes, joules, seconds, spread


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.2163e-3, "1.22 mA"),
        (0.35e-6, "350 nA"),
        (999.6e-6, "1.00 mA"),
        (2.0, "2.00 A"),
        (-4e-6, "-4.00 µA"),
        (0.0, "0 A"),
        (3e-14, "0.0300 pA"),
        (math.nan, "unknown"),
    ],
)
def test_a_current(value: float, words: str) -> None:
    assert amperes(value) == words


def test_others() -> None:
    assert joules(3.0912e-6) == "3.09 µJ"
    assert seconds(128.24) == "128 s"
    assert seconds(4000.0) == "4000 s"


def test_a_spread_has_one_unit() -> None:
    assert spread(np.array([6.6e-6, 7.111e-6, 1.25e-5, math.nan]), "J") == "6.60-7.11-12.5 µJ"
    assert spread(np.array([0.9e-6, 1.1e-3]), "A") == "0.000900-0.550-1.10 mA"
    assert spread(np.array([math.nan]), "J") == "unknown"
