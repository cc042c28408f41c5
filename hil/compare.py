"""Result against golden → mismatch: how many elements differ, where first, by how much, in LSB and absolute. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Index = tuple[int, int, int]

TABLE_ROWS = 6


@dataclass(frozen=True)
class Row:
    """One differing element: its (sequence, step, element) and both values."""

    index: Index
    obtained: float
    expected: float


@dataclass(frozen=True)
class Mismatch:
    """How an (S, T, E) array differs from its golden.

    Attributes:
        name: the array, e.g. ``states``.
        differing: how many elements differ by more than allowed.
        total: how many were compared.
        allowed: largest difference allowed, in the array's unit (0: equality).
        first: the first differing element, by sequence, then step.
        worst: the element that differs most.
        worst_absolute: its difference, in the array's unit (NaN where the obtained value is none).
        worst_lsb: its difference in units of the last place, where the array has one.
        rows: the first few differing elements.
        single: the vectors hold one sequence, so that indices leave the sequence out.
    """

    name: str
    differing: int
    total: int
    allowed: float
    first: Index
    worst: Index
    worst_absolute: float
    worst_lsb: float | None
    rows: tuple[Row, ...]
    single: bool

    def __str__(self) -> str:
        return "\n".join([self.headline, *self.table])

    @property
    def headline(self) -> str:
        """One sentence: n/N differ, first, worst."""
        lsb = "" if self.worst_lsb is None else f" ({self.worst_lsb:.10g} LSB)"
        allowed = f", allowed {self.allowed:.4g}" if self.allowed else ""
        return (
            f"{self.name}: {self.differing} of {self.total} elements differ, first at {self._words(self.first)}; "
            f"worst {self._index(self.worst)} by {self.worst_absolute:.6g}{lsb}{allowed}"
        )

    @property
    def table(self) -> list[str]:
        """Index | Obtained | Expected of the first few, one line each, with a heading."""
        cells = [
            ("Index", "Obtained", "Expected"),
            *((self._index(row.index), f"{row.obtained:.10g}", f"{row.expected:.10g}") for row in self.rows),
        ]
        widths = [max(len(row[column]) for row in cells) for column in range(3)]
        lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        hidden = self.differing - len(self.rows)
        return [line.rstrip() for line in lines] + ([f"... and {hidden} more"] if hidden else [])

    def _index(self, index: Index) -> str:
        shown = index[1:] if self.single else index
        return f"{self.name}[{', '.join(str(i) for i in shown)}]"

    def _words(self, index: Index) -> str:
        sequence, step, element = index
        return (
            f"step {step}, element {element}" if self.single else f"sequence {sequence}, step {step}, element {element}"
        )


def compare(
    name: str,
    obtained: Array,
    expected: Array,
    *,
    atol: float = 0.0,
    lsb: Array | float | None = None,
    single: bool = False,
) -> Mismatch | None:
    """Compare (S, T, E) arrays element by element; None where all agree.

    Args:
        name: what the arrays are, for the report.
        obtained: what the device gave.
        expected: the golden.
        atol: largest absolute difference allowed; 0 asks for equality. A NaN always differs.
        lsb: size of one unit of the last place, in the arrays' unit, for all or for each element (E,).
        single: say indices without the sequence.

    Raises:
        ValueError: if the shapes differ or are not (S, T, E).
    """
    if obtained.shape != expected.shape or obtained.ndim != len(("sequence", "step", "element")):
        raise ValueError(f"{name} have shape {obtained.shape}, their golden {expected.shape}; both must be (S, T, E)")
    difference = _difference(obtained, expected)
    wrong = ~(difference <= atol)
    count = int(wrong.sum())
    if not count:
        return None
    places = [_as_index(place) for place in np.argwhere(wrong)[:TABLE_ROWS]]
    ranked = np.where(wrong, np.where(np.isnan(difference), np.inf, difference), -1.0)
    worst = _as_index(np.unravel_index(int(np.argmax(ranked)), ranked.shape))
    unit = None if lsb is None else float(np.broadcast_to(np.asarray(lsb, dtype=float), (obtained.shape[2],))[worst[2]])
    return Mismatch(
        name=name,
        differing=count,
        total=obtained.size,
        allowed=atol,
        first=places[0],
        worst=worst,
        worst_absolute=float(difference[worst]),
        worst_lsb=None if unit is None else float(difference[worst]) / unit,
        rows=tuple(Row(place, float(obtained[place]), float(expected[place])) for place in places),
        single=single,
    )


def decisions(outputs: Array, from_step: int) -> NDArray[np.int64]:
    """The class of each sequence: argmax of the mean output from a step on.

    Args:
        outputs: (S, T, O).
        from_step: first step that votes, from 0; must be below T.

    Returns:
        (S,) indices into the outputs.
    """
    return np.asarray(outputs[:, from_step:].mean(axis=1).argmax(axis=1), dtype=np.int64)


def largest_error(obtained: Array, expected: Array) -> float:
    """Largest absolute difference; infinite where an obtained value is no number."""
    difference = _difference(obtained, expected)
    return float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))


def _difference(obtained: Array, expected: Array) -> NDArray[np.float64]:
    """Absolute differences, exact for 32-bit integers, NaN where either is no number."""
    with np.errstate(invalid="ignore"):
        return np.abs(obtained.astype(np.float64) - expected.astype(np.float64))


def _as_index(place: Array | tuple[Any, ...]) -> Index:
    sequence, step, element = (int(part) for part in place)
    return sequence, step, element
