"""Amounts in the unit that people would say them in: ``1.22 mA``, ``349 nA``, ``3.09 µJ``. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PREFIXES: Final = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def quantity(value: float, unit: str) -> str:
    """Three digits, a prefix and the unit; ``unknown`` for what is no number."""
    if not math.isfinite(value):
        return "unknown"
    scale, prefix = _prefix(value)
    return f"{_digits(value / scale)} {prefix}{unit}"


def spread(values: NDArray[np.float64], unit: str) -> str:
    """Least, median and most in the unit of the most: ``6.60-7.11-7.61 µJ``; what is no number does not count."""
    if not np.isfinite(values).any():
        return "unknown"
    low, middle, high = (float(each) for each in np.nanquantile(values, (0, 0.5, 1)))
    scale, prefix = _prefix(high)
    return f"{'-'.join(_digits(each / scale) for each in (low, middle, high))} {prefix}{unit}"


def _prefix(value: float) -> tuple[float, str]:
    rounded = abs(float(f"{value:.3g}"))
    if not rounded:
        return _PREFIXES[0]
    return next((each for each in _PREFIXES if rounded >= each[0]), _PREFIXES[-1])


def _digits(value: float) -> str:
    """Three of them, zeros at the end as well; whole numbers from 100 on."""
    if not value:
        return "0"
    rounded = float(f"{value:.3g}")
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"


def amperes(value: float) -> str:
    """A current in A."""
    return quantity(value, "A")


def joules(value: float) -> str:
    """An energy in J."""
    return quantity(value, "J")


def seconds(value: float) -> str:
    """A time in s."""
    return quantity(value, "s")
