"""Many spans of a chip's activity, as arrays: a run has hundreds of thousands."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from hil.energy.activity import Activity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spans:
    """N spans, without gaps.

    Attributes:
        edges_s: (N + 1,) in s since power-up, ascending: span n is from edge n to edge n + 1.
        activity: (N,) what the chip does in each, by its place in ``activities``.
        activities: all that there are.
        from_ram: (N,) share of the executed cycles that came from RAM, 0 to 1.
        marker: (N,) level of the marker pin.
    """

    edges_s: Floats
    activity: NDArray[np.uint32]
    activities: tuple[Activity, ...]
    from_ram: Floats
    marker: NDArray[np.bool_]

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Self:
        """From single ones that follow each other.

        Raises:
            ValueError: there is a gap between two, or there is none at all.
        """
        given = list(spans)
        if not given or any(after.begin_s != before.end_s for before, after in pairwise(given)):
            raise ValueError("spans must follow each other without a gap, and there must be one")
        known: dict[Activity, int] = {}
        numbers = [known.setdefault(each.activity, len(known)) for each in given]
        return cls(
            np.array([given[0].begin_s, *(each.end_s for each in given)]),
            np.array(numbers, np.uint32),
            tuple(known),
            np.array([each.from_ram for each in given]),
            np.array([each.marker for each in given]),
        )

    def __len__(self) -> int:
        return len(self.activity)

    def __iter__(self) -> Iterator[Span]:
        for n in range(len(self)):
            yield self[n]

    def __getitem__(self, n: int) -> Span:
        return Span(
            float(self.edges_s[n]),
            float(self.edges_s[n + 1]),
            self.activities[self.activity[n]],
            float(self.from_ram[n]),
            bool(self.marker[n]),
        )

    @property
    def durations_s(self) -> Floats:
        """(N,) in s."""
        return np.diff(self.edges_s)
