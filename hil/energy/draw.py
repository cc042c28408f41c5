"""What a chip is modelled to draw in one activity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Draw:
    """A modelled current.

    Attributes:
        typical_A: in A; None where nobody could look it up.
        maximum_A: in A, likewise.
        unknown: why there is no typical current, naming the key of the board's file; empty where there is.
        without: what is on and not in it, as nobody could look up what it draws: names of peripherals.
        sources: documents and pages that it is made of.
    """

    typical_A: float | None
    maximum_A: float | None
    unknown: str = ""
    without: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
