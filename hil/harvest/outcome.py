"""What a simulated time on harvested power gave, and whether the network keeps up: pure data and its sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hil.errors import HarvestError, RigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOUR_S: Final = 3600.0
_TOLD: Final = 0.005  # smaller shares are not


class NoCurrentError(RigError):
    """Nobody could look up what the chip draws in a state that it is in."""


class Phase(StrEnum):
    """What energy went to."""

    BOOT = "boots"
    """From power-up to the first step."""
    STEP = "steps"
    AGAIN = "steps again"
    """Made before a power cut after the last checkpoint, or cut short."""
    CHECKPOINT = "checkpoints"
    REST = "between steps"


@dataclass(frozen=True)
class Conditions:
    """What a board is powered with.

    Attributes:
        power_uW: that arrives at the capacitor, in uW, always the same.
        capacitor_uF: in uF.
        v_on: in V: the board gets its power when the capacitor has charged to it, and the capacitor is kept there.
        v_off: in V: it loses its power when the capacitor has discharged to it.
        seconds: how long it is looked at, in s.
    """

    power_uW: float
    capacitor_uF: float
    v_on: float
    v_off: float
    seconds: float

    @property
    def usable_uC(self) -> float:
        """Charge between the two voltages, in uC."""
        return self.capacitor_uF * (self.v_on - self.v_off)


@dataclass(frozen=True)
class Need:
    """What a life takes in which boot, steps and a checkpoint are whole, every word of which changes.

    Attributes:
        capacitor_uF: capacity that is enough for it between the two voltages.
        charge_uC: that it takes.
        duration_s: how long they take.
        shares: of that charge, by phase.
    """

    capacitor_uF: float
    charge_uC: float
    duration_s: float
    shares: Mapping[Phase, float]


@dataclass(frozen=True)
class HarvestRun:
    """Lives from power-up to power cut, one after the other. All of it modelled: typical currents, no leakage.

    Attributes:
        model_name: of the network.
        board: it ran on.
        conditions: its power.
        checkpoint_steps: steps between two checkpoints.
        duration_s: simulated time, charging included.
        awake_s: of it, with power.
        steps: that are new: each counts once.
        lost: of them, those that the last power cut took, as no checkpoint was whole after them.
        again: further ones, made after a power cut for the second time.
        boots: power-ups.
        cuts: power cuts.
        checkpoints: written.
        checked: steps whose states and outputs were held against the exact integer model, all equal.
        energy_uJ: that the chip took, by phase.
        elapsed_s: mean time that a step stands for, in the network's seconds.
        promised: inferences per hour; None: as many as the recordings have.
        need: of a life with a whole checkpoint.
        is_stuck: each life ended without any checkpoint, or many one after the other did: nothing more will be
            computed, and the rest was not looked at.
        supply_V: at which the currents were looked up.
        without: what was on and is not in the currents, as nobody could look up what it draws.
        sources: documents and pages of the currents.
        notes: sentences for people.
    """

    model_name: str
    board: str
    conditions: Conditions
    checkpoint_steps: int
    duration_s: float
    awake_s: float
    steps: int
    lost: int
    again: int
    boots: int
    cuts: int
    checkpoints: int
    checked: int
    energy_uJ: Mapping[Phase, float]
    elapsed_s: float
    promised: float | None
    need: Need
    is_stuck: bool
    supply_V: float | None
    without: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    def per_hour(self, count: float) -> float:
        """A number of events, as a rate."""
        return count * _HOUR_S / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def inferences_per_hour(self) -> float:
        """New steps that stay; none where each life begins anew."""
        return 0.0 if self.is_stuck else self.per_hour(self.steps - self.lost)

    @property
    def wanted_per_hour(self) -> float:
        """What was promised: `promised`, or else a step for each time that one stands for."""
        return _HOUR_S / self.elapsed_s if self.promised is None else self.promised

    @property
    def keeps_up(self) -> bool:
        """Whether as many steps are made as the recordings have in the same time."""
        return self.inferences_per_hour >= _HOUR_S / self.elapsed_s

    @property
    def holds(self) -> bool:
        """Whether the promise does."""
        return not self.is_stuck and self.inferences_per_hour >= self.wanted_per_hour

    def share(self, phase: Phase) -> float:
        """Of the energy that the chip took."""
        total = sum(self.energy_uJ.values())
        return self.energy_uJ.get(phase, 0.0) / total if total > 0 else 0.0

    @property
    def is_small(self) -> bool:
        """Whether no life lasts for a whole checkpoint: then each is finished over several, or never."""
        return self.need.capacitor_uF > self.conditions.capacitor_uF

    @property
    def advice(self) -> str:
        """What to do about too few steps."""
        if self.is_small:
            return "take a larger capacitor, or voltages further apart" + (
                ", or a smaller checkpoint_steps" if self.checkpoint_steps > 1 else ""
            )
        if self.share(Phase.CHECKPOINT) > self.share(Phase.STEP):
            return "checkpoints take more than steps do: try a larger checkpoint_steps"
        return "harvest more, or take fewer steps: a cheaper solver ('hil tune') or longer elapsed times"

    @property
    def promise_words(self) -> str:
        """What is promised."""
        if self.promised is not None:
            return f"{self.promised:.6g} inferences per hour"
        return f"{self.wanted_per_hour:.6g} inferences per hour, one for each {self.elapsed_s:.6g} s of the recordings"

    @property
    def need_words(self) -> str:
        """What a life takes, and what it gets."""
        need, conditions = self.need, self.conditions
        steps = "a step" if self.checkpoint_steps == 1 else f"{self.checkpoint_steps} steps"
        parts = ", ".join(f"{phase} {share:.0%}" for phase, share in need.shares.items() if share >= _TOLD)
        return (
            f"boot, {steps} and a whole checkpoint take {need.charge_uC:.4g} uC in {need.duration_s * 1e3:.4g} ms "
            f"({parts}); a capacitor of {conditions.capacitor_uF:g} uF gives {conditions.usable_uC:.4g} uC between "
            f"{conditions.v_on:g} and {conditions.v_off:g} V"
            + (f": {need.capacitor_uF:.4g} uF are needed" if self.is_small else "")
        )


def check_harvest(run: HarvestRun) -> None:
    """Return if the promise holds; that all bits are equal was a condition of the run.

    Raises:
        HarvestError: saying by how much it does not.
    """
    if run.holds:
        return
    who = f"{run.model_name} on {run.board} (twin), {run.conditions.power_uW:g} uW harvested, modelled"
    if run.is_stuck:
        words = f"nothing is computed, as power is lost before any checkpoint is whole in {run.boots} lives"
    else:
        words = f"{run.inferences_per_hour:.6g} inferences per hour"
    where = ", ".join(f"{phase} {run.share(phase):.1%}" for phase in Phase if run.share(phase) >= _TOLD)
    raise HarvestError(
        f"{who}: {words}; promised are {run.promise_words}",
        cause=f"energy went to {where}; {run.need_words}",
        hint=run.advice,
    )
