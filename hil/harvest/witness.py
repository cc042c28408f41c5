"""Holds what a board shows, life after life, against the exact integer model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hil.errors import NumericError

if TYPE_CHECKING:
    from hil.harvest.chip import Seen
    from hil.harvest.plan import HarvestPlan


@dataclass
class Witness:
    """What a board has computed so far, all of it right.

    Attributes:
        plan: what it has to compute.
        board: its name.
        steps: that are new: each counts once.
        again: further ones, made for the second time after a power cut.
        checked: looked at.
        checkpoints: that were whole.
        saved: steps of the newest of them, 0 without one.
    """

    plan: HarvestPlan
    board: str
    steps: int = 0
    again: int = 0
    checked: int = 0
    checkpoints: int = 0
    saved: int = 0

    def wakes(self, seen: Seen) -> None:
        """A life's first step is about to begin.

        Raises:
            NumericError: it does not go on from the newest checkpoint, or one that was being written; or not from the
                states that it had then.
        """
        resumed = seen.resumed or 0
        if seen.steps != resumed or not self.saved <= resumed <= self.steps:
            raise self._wrong(seen, f"it resumes after {resumed} steps, and its newest checkpoint has {self.saved}")
        if resumed:
            self._compare("states", seen, seen.states, self.plan.after(resumed)[0])
        if resumed > self.saved:
            self.checkpoints += 1
            self.saved = resumed

    def goes_on(self, before: Seen, seen: Seen) -> None:
        """A step may have been made, and a checkpoint.

        Args:
            before: when the step began.
            seen: now.

        Raises:
            NumericError: any bit differs.
        """
        if seen.steps == before.steps:
            return
        if seen.steps != before.steps + 1:
            raise self._wrong(seen, f"the number of steps was {before.steps} before this one")
        states, outputs = self.plan.after(seen.steps)
        self._compare("states", seen, seen.states, states)
        self._compare("outputs", seen, seen.outputs, outputs)
        self.checked += 1
        self.again += seen.steps <= self.steps
        self.steps = max(self.steps, seen.steps)
        if seen.saved is not None and seen.saved != before.saved:
            self.checkpoints += 1
            self.saved = seen.saved

    def _compare(self, name: str, seen: Seen, found: np.ndarray, right: np.ndarray) -> None:
        wrong = np.flatnonzero(found != right)
        if len(wrong):
            at = int(wrong[0])
            raise self._wrong(
                seen,
                f"{len(wrong)} of {len(right)} {name} differ from the exact integer model's, first "
                f"{name}[{at}]: {found[at]} instead of {right[at]}",
            )

    def _wrong(self, seen: Seen, words: str) -> NumericError:
        return NumericError(
            f"{self.plan.model_name} on {self.board} (twin) on harvested power: after {seen.steps} steps in all, "
            f"{self.again} of them again: {words}"
        )
