"""One life of a board on harvested power, from power-up to power cut: where its charge goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from hil.energy.model import CurrentModel
from hil.harvest.chip import HarvestChip
from hil.harvest.outcome import NoCurrentError, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.energy.activity import Activity
    from hil.harvest.chip import Seen
    from hil.harvest.program import Program
    from hil.harvest.witness import Witness


@dataclass
class Draws:
    """What a board's chip draws, and what that is made of.

    Attributes:
        model: of its current.
        without: what was on and is not in it.
        sources: documents and pages.
    """

    model: CurrentModel
    without: set[str] = field(default_factory=set)
    sources: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program) -> Self:
        """Those of a board."""
        return cls(CurrentModel.of(program.board))

    def current_A(self, activity: Activity, from_ram: float) -> float:
        """Typical, in A.

        Raises:
            NoCurrentError: nobody could look it up.
        """
        draw = self.model.draw(activity, from_ram)
        if draw.typical_A is None:
            raise NoCurrentError(
                f"harvest not measured: board '{self.model.board.name}' cannot be simulated on harvested power: "
                f"{draw.unknown}",
                hint="write the current into the board's file, with the page that says it",
            )
        self.without |= set(draw.without)
        self.sources |= dict.fromkeys(draw.sources)
        return draw.typical_A


class Life:
    """A chip with power, and what it takes.

    Args:
        program: what it runs.
        eeprom: what the life before has left.
        draws: its currents.
        witness: of what it computes.
        seed: of the noise in its RAM.

    Attributes:
        chip: the chip, which the caller closes.
        charge_C: that it has taken.
        energy_J: likewise, by phase.
    """

    def __init__(self, program: Program, eeprom: bytes, draws: Draws, witness: Witness, seed: int) -> None:
        self.chip = HarvestChip(program, eeprom, seed)
        self.charge_C = 0.0
        self.energy_J = dict.fromkeys(Phase, 0.0)
        self._every = program.plan.every
        self._draws = draws
        self._witness = witness
        self._memories = (0.0,) if program.board.kernel_memory == "flash" else (0.0, 1.0)
        self._seen: Seen | None = None  # when the last step began
        self._in_phase_J = 0.0

    def most_A(self) -> float:
        """The current that the chip does not exceed while its activity stays as it is, in A."""
        activity = self.chip.activity(self.chip.state)
        return max(self._draws.current_A(activity, share) for share in self._memories)

    def advance(self, time_s: float, voltage_V: Callable[[float, float], float]) -> None:
        """Run for a time, or until the marker or the activity changes.

        Args:
            time_s: in s.
            voltage_V: takes a time and the current drawn in it, and tells the mean voltage, in V.

        Raises:
            NumericError: a bit is wrong.
            TargetFault: the firmware has ended.
        """
        chip = self.chip
        begin, ram, high = chip.seconds(), chip.ram_cycles(), chip.marker
        activity = chip.activity(chip.state)
        chip.advance(begin + Fraction(time_s))
        spent_s = float(chip.seconds() - begin)
        executed = activity.clock_hz * spent_s
        from_ram = min(1.0, (chip.ram_cycles() - ram) / executed) if executed > 0 else 0.0
        current_A = self._draws.current_A(activity, from_ram)
        self.charge_C += current_A * spent_s
        self._in_phase_J += current_A * spent_s * voltage_V(spent_s, current_A)
        if chip.marker and not high:
            self._step_begins()
        elif high and not chip.marker:
            self._book(self._of_step())

    def cut(self, second: Fraction, seed: int) -> bytes:
        """The power goes at a time that is over by an instruction at most: what is left in the data EEPROM."""
        if self._seen is None:
            self._book(Phase.BOOT)
        elif self.chip.marker:
            self._book(Phase.AGAIN)
        else:
            seen = self.chip.seen
            self._witness.goes_on(self._seen, seen)
            saves = seen.steps != self._seen.steps and seen.steps % self._every == 0
            self._book(Phase.CHECKPOINT if saves else Phase.REST)
        return self.chip.lose(second, seed)

    @property
    def has_saved(self) -> bool:
        """Whether a checkpoint was made in it, and the step that follows has begun."""
        return self.energy_J[Phase.CHECKPOINT] > 0

    def _step_begins(self) -> None:
        before, seen = self._seen, self.chip.seen
        if before is None:
            self._book(Phase.BOOT)
            self._witness.wakes(seen)
        else:
            self._book(Phase.REST if seen.saved == before.saved else Phase.CHECKPOINT)
            self._witness.goes_on(before, seen)
        self._seen = seen

    def _of_step(self) -> Phase:
        made = 0 if self._seen is None else self._seen.steps + 1
        return Phase.AGAIN if made <= self._witness.steps else Phase.STEP

    def _book(self, phase: Phase) -> None:
        self.energy_J[phase] += self._in_phase_J
        self._in_phase_J = 0.0
