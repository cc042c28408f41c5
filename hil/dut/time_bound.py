"""The bound on the time that a run on a device may take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hil.errors import LinkError

if TYPE_CHECKING:
    from hil.vectors import Vectors


class TimeBound:
    """Ends a run that takes too long; its clock starts when it is made.

    Args:
        board_name: for the sentence.
        timeout_s: the bound, in seconds.
        vectors: what is run, for the sentence.

    Attributes:
        done: steps done so far; whoever counts them writes it.
    """

    def __init__(self, board_name: str, timeout_s: float, vectors: Vectors) -> None:
        self._board_name = board_name
        self._timeout_s = timeout_s
        self._vectors = vectors
        self._start = time.perf_counter()
        self.done = 0

    @property
    def elapsed_s(self) -> float:
        """Time since it was made, in seconds."""
        return time.perf_counter() - self._start

    def check(self) -> None:
        """Raise LinkError when the time is over; called also while nothing comes."""
        if self.elapsed_s > self._timeout_s:
            total = self._vectors.sequences * self._vectors.steps
            raise LinkError(
                f"board '{self._board_name}' has done {self.done} of {total} steps of {self._vectors.path.name} "
                f"in {self._timeout_s:g} s",
                hint="where the firmware does not hang: raise timeout_s in the case file, or give it fewer steps",
            )
