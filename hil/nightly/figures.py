"""The figures that a history keeps: what they are called, in which unit, and which change of them is worth a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: its key in an entry.
        words: what it is, with its unit.
        source: what of an entry's place says where it comes from; empty where nothing else need be equal.
        smallest: smallest change that is told, as a share of what it was before; 0 where it is counted, without noise.
    """

    name: str
    words: str
    source: Literal["", "cycles", "energy"] = ""
    smallest: float = 0.0

    @property
    def counted(self) -> bool:
        """Whether it is counted: then no figure is told but one that was there."""
        return self.smallest == 0


FIGURES: Final = (
    Figure("max_error", "worst error of a state, as a share of its bound"),
    Figure("outputs_error", "worst error of an output to what is expected, in the model's unit"),
    Figure("cycles_min", "shortest step in cycles", "cycles"),
    Figure("cycles_median", "median step in cycles", "cycles"),
    Figure("cycles_max", "longest step in cycles", "cycles"),
    Figure("average_uA", "average current in uA", "energy", 0.01),
    Figure("energy_median_uJ", "median energy of a step in uJ", "energy", 0.01),
    Figure("energy_max_uJ", "largest energy of a step in uJ", "energy", 0.01),
    Figure("flash_bytes", "flash that the firmware takes in bytes"),
    Figure("ram_bytes", "RAM that the firmware takes in bytes"),
)
