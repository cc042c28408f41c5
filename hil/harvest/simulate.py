"""A board on harvested power: the twin runs whenever its capacitor has charged, until it is empty.

What the chip draws is looked up for what it does at each time (`hil.energy.model`), so that the voltage follows to the
instruction at which the power goes; what the memories' operation under way leaves is torn there. Charging is computed.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.errors import InputError
from hil.harvest.capacitor import Capacitor
from hil.harvest.life import Draws, Life
from hil.harvest.outcome import HarvestRun, Need, Phase
from hil.harvest.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.harvest.outcome import Conditions
    from hil.harvest.program import Program

AWAKE_MOST_S: Final = 60.0
"""Simulated time with power, in s; what would come after is not worth waiting for."""

_LIVES_TO_SPARE: Final = 8  # beyond one for each word of a checkpoint; without one in all of them there will be none
_SLICE_S: Final = 0.25  # the chip runs no longer before the capacitor is looked at
_NEAR_S: Final = 1e-7  # before its end the capacitor is empty
_NOTES: Final = (
    (
        "modelled, not measured: typical currents of the data sheet, at whatever voltage the capacitor has; no leakage "
        "and no losses, neither of the capacitor nor of a converter; nothing is drawn without power"
    ),
    (
        "the board makes its steps one after the other, as fast as its energy lets it, from recordings in its flash; a "
        "sensor would draw more"
    ),
)


@dataclass
class _Ledger:
    """All lives so far."""

    energy_J: dict[Phase, float] = field(default_factory=lambda: dict.fromkeys(Phase, 0.0))
    duration_s: float = 0.0
    awake_s: float = 0.0
    boots: int = 0
    cuts: int = 0
    empty: int = 0  # lives without a checkpoint, one after the other

    def is_over(self, conditions: Conditions) -> bool:
        return self.duration_s >= conditions.seconds or self.awake_s >= AWAKE_MOST_S


def simulate(
    program: Program,
    conditions: Conditions,
    *,
    promised: float | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> HarvestRun:
    """Let a board live on harvested power for a time.

    Args:
        program: firmware, network and recordings.
        conditions: its power.
        promised: inferences per hour; None: as many as the recordings have.
        progress: told the share of the time that is over, at each power cut.

    Raises:
        InputError: a checkpoint comes later than anybody simulates.
        NumericError: a state or output differs in any bit from the exact integer model's.
        NoCurrentError: what the chip does has no modelled current.
        TargetFault: the firmware ended.
    """
    draws, witness, ledger = Draws.of(program), Witness(program.plan, program.board.name), _Ledger()
    need = _measure_need(program, draws, conditions)
    capacitor = Capacitor(conditions.capacitor_uF * 1e-6, conditions.power_uW * 1e-6, conditions.v_on)
    charge_s = capacitor.time_between(conditions.v_off, conditions.v_on, 0.0)
    most_empty = program.plan.checkpoint_words + _LIVES_TO_SPARE
    eeprom = b""
    while ledger.empty < most_empty and not ledger.is_over(conditions):
        ledger.duration_s += charge_s
        ledger.boots += 1
        before = witness.checkpoints
        life = Life(program, eeprom, draws, witness, ledger.boots)
        eeprom = _live(life, capacitor, conditions, ledger)
        for phase, energy_J in life.energy_J.items():
            ledger.energy_J[phase] += energy_J
        ledger.empty = ledger.empty + 1 if witness.checkpoints == before else 0
        progress(min(1.0, ledger.duration_s / conditions.seconds))
    return HarvestRun(
        model_name=program.plan.model_name,
        board=program.board.name,
        conditions=conditions,
        checkpoint_steps=program.plan.every,
        duration_s=ledger.duration_s,
        awake_s=ledger.awake_s,
        steps=witness.steps,
        lost=witness.steps - witness.saved if ledger.cuts == ledger.boots else 0,
        again=witness.again,
        boots=ledger.boots,
        cuts=ledger.cuts,
        checkpoints=witness.checkpoints,
        checked=witness.checked,
        energy_uJ={phase: ledger.energy_J[phase] * 1e6 for phase in Phase},
        elapsed_s=program.plan.elapsed_s,
        promised=promised,
        need=need,
        is_stuck=ledger.empty == most_empty or (ledger.cuts > 0 and witness.checkpoints == 0),
        supply_V=draws.model.supply_V,
        without=tuple(sorted(draws.without)),
        sources=tuple(draws.sources),
        notes=(*_NOTES, *_what_was_left_out(program, conditions, ledger)),
    )


def _live(life: Life, capacitor: Capacitor, conditions: Conditions, ledger: _Ledger) -> bytes:
    """One life, and what it leaves in the data EEPROM. One that has power for good ends with the time.

    One that lasts too long ends early: what the capacitor still has then need not be charged.
    """
    now_V = conditions.v_on

    def voltage_V(time_s: float, current_A: float) -> float:
        nonlocal now_V
        before_V, now_V = now_V, capacitor.after(now_V, time_s, current_A)
        ledger.duration_s += time_s
        ledger.awake_s += time_s
        return (before_V + now_V) / 2

    with life.chip as chip:
        while True:
            left_s = capacitor.time_between(now_V, conditions.v_off, life.most_A())
            if left_s <= _NEAR_S or now_V <= conditions.v_off:
                ledger.cuts += 1
                return life.cut(chip.seconds(), seed=ledger.cuts)
            if math.isinf(left_s) and ledger.is_over(conditions):
                return chip.eeprom
            if not math.isinf(left_s) and chip.seconds() >= AWAKE_MOST_S:
                ledger.duration_s -= capacitor.time_between(conditions.v_off, now_V, 0.0)
                return chip.eeprom
            life.advance(min(left_s, _SLICE_S), voltage_V)


def _measure_need(program: Program, draws: Draws, conditions: Conditions) -> Need:
    """A life with as much power as it takes, until its first checkpoint is whole, of which each word changes.

    Raises:
        InputError: that takes longer than a life is looked at.
    """
    middle_V = (conditions.v_on + conditions.v_off) / 2
    store = program.board.memory.eeprom
    full = random.Random(0).randbytes(store.bytes if store is not None else 0)  # noqa: S311 # no secret
    life = Life(program, full, draws, Witness(program.plan, program.board.name), 0)
    with life.chip as chip:
        while not life.has_saved:
            if chip.seconds() >= AWAKE_MOST_S:
                raise InputError(
                    f"{program.plan.model_name} makes its first checkpoint, after {program.plan.every} steps, later "
                    f"than the {AWAKE_MOST_S:g} s with power that are simulated",
                    hint="take a smaller checkpoint_steps",
                )
            life.advance(_SLICE_S, lambda _time_s, _current_A: middle_V)
        duration_s = float(chip.seconds())
    arriving_C = conditions.power_uW * 1e-6 / conditions.v_on * duration_s
    energy_J = sum(life.energy_J.values())
    return Need(
        capacitor_uF=max(0.0, life.charge_C - arriving_C) * 1e6 / (conditions.v_on - conditions.v_off),
        charge_uC=life.charge_C * 1e6,
        duration_s=duration_s,
        shares={phase: life.energy_J[phase] / energy_J for phase in Phase},
    )


def _what_was_left_out(program: Program, conditions: Conditions, ledger: _Ledger) -> list[str]:
    notes, plan = [], program.plan
    if ledger.awake_s >= AWAKE_MOST_S and ledger.duration_s < conditions.seconds:
        notes.append(
            f"looked at for {ledger.duration_s:.4g} s instead of {conditions.seconds:g}: the board had power for "
            f"{ledger.awake_s:.4g} s of them, and would go on like that"
        )
    if plan.left_out:
        notes.append(
            f"of {plan.vectors_name} the slot holds {plan.recorded} steps, which come again and again; {plan.left_out} "
            "are left out"
        )
    return notes
