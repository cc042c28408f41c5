"""How far a current may be off, as the maker of an instrument states it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Accuracy:
    """± (a share of the current + a constant).

    Attributes:
        relative: share of the current, e.g. 0.1 for 10 %; below 1.
        absolute_A: in A.
    """

    relative: float
    absolute_A: float

    def bound_A(self, current_A: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """How far readings may be off, in A: the current is no further from them, nor they from it, than this.

        Of a current that reads 10 % low, 10 % are 11 % of the reading.
        """
        readings = np.abs(np.asarray(current_A, dtype=np.float64))
        return (self.relative * readings + self.absolute_A) / (1 - self.relative)

    def __str__(self) -> str:
        return f"±({self.relative:.2%} + {self.absolute_A * 1e6:g} µA)"
