"""A board on the twin that runs by itself, for one life: from power-up until its power goes."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.emulator.twin.core import Stop
from hil.emulator.twin.kept import fill
from hil.emulator.twin.stm32l031.part import RAM_ORIGIN, Stm32l031
from hil.energy.activity import State
from hil.errors import TargetFault

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from hil.harvest.program import Program

_NO_BAUD: Final = 115200  # it has no serial port
_SEEN: Final = struct.Struct("<7I")  # struct harvest_seen of firmware/harvest/harvest.h
_NONE: Final = 0xFFFFFFFF
_STATUS: Final = (
    "runs",
    "finds no plan in its image slot",
    "finds no network in its image slot",
    "has too little RAM or store for the network",
    "has a state that the runtime refuses",
    "has a step that the runtime refuses",
    "could not write a checkpoint",
    "stopped in a fault",
)
"""By ``enum harvest_status``."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What the firmware shows.

    Attributes:
        status: 0 while it runs; ``detail`` goes with it.
        resumed: steps of the checkpoint that it found at boot; None without one.
        saved: steps of the last checkpoint; None before the first.
        steps: made in all.
        states: (N,) after them, in the device's numbers.
        outputs: (O,) likewise; of no meaning before the first step of a life.
    """

    status: int
    detail: int
    resumed: int | None
    saved: int | None
    steps: int
    states: NDArray[np.int32]
    outputs: NDArray[np.int32]

    @property
    def words(self) -> str:
        """What its status means."""
        return f"{_STATUS[self.status] if self.status < len(_STATUS) else self.status} (detail {self.detail})"


class HarvestChip(Stm32l031):
    """The chip, powered at second 0. RAM holds noise, as after any power cut.

    Args:
        program: content of its flash.
        eeprom: content of its data EEPROM.
        seed: of the noise.

    Attributes:
        marker: whether the marker is high: during steps.
        state: of the core.
    """

    def __init__(self, program: Program, eeprom: bytes, seed: int) -> None:
        self.state = State.RUN
        self.marker = self._stirred = False
        super().__init__(_NO_BAUD)
        self._program = program
        fill(self.flash_content, program.flash)
        fill(self.eeprom_content, eeprom.ljust(len(self.eeprom_content), b"\0"))
        noise = random.Random(seed).randbytes(len(self.ram_content))  # noqa: S311 # no secret
        fill(self.ram_content, noise)
        self.reset()
        port, self._marker_pin = self.pins.port(program.board.marker)
        port.on_output.append(self._output)

    @property
    def eeprom(self) -> bytes:
        """Content of its data EEPROM."""
        return bytes(self.eeprom_content)

    @property
    def seen(self) -> Seen:
        """What the firmware shows; of no meaning before its first step."""
        ram = bytes(self.ram_content)
        at = self._program.seen_at - RAM_ORIGIN
        status, detail, resumed, saved, steps, states, outputs = _SEEN.unpack_from(ram, at)
        plan = self._program.plan

        def words(address: int, count: int) -> NDArray[np.int32]:
            first = address - RAM_ORIGIN
            if not 0 <= first <= len(ram) - 4 * count:
                return np.zeros(count, np.int32)
            return np.frombuffer(ram, "<i4", count, first)

        return Seen(
            status,
            detail,
            None if resumed == _NONE else resumed,
            None if saved == _NONE else saved,
            steps,
            words(states, plan.states.shape[1]),
            words(outputs, plan.outputs.shape[1]),
        )

    def advance(self, second: Fraction) -> None:
        """Run up to a time since power-up, or until the marker or the chip's activity changes, if that is sooner.

        It is an instruction later, at most, than the time; within an operation of the memories no later.

        Raises:
            TargetFault: the firmware has ended, or uses what the twin does not model.
        """
        self._stirred = False
        timer = self.at_second(second, lambda: None, lasting=True)  # so that there always is something due
        try:
            while self.seconds() < second and not self._stirred:
                stop = self.run(self.now() + max(1, self.cycles(second - self.seconds())))
                if self.trouble or stop not in {Stop.DUE, Stop.ASLEEP}:
                    raise self.refuse(self.trouble or f"its core has stopped ({stop.name}): {self.fault_words()}")
        finally:
            self.cancel(timer)
        if self.core.shared.asleep or self.in_hard_fault:  # which it only is where it has ended
            raise self.refuse(f"the firmware {self.seen.words}")

    def lose(self, second: Fraction, seed: int) -> bytes:
        """The power goes at a time that is over by an instruction at most: what is left in the data EEPROM."""
        self.flash.nvm.cut(seed, second)
        return self.eeprom

    def set_up_anew(self) -> None:
        """See `RecordedChip`."""
        super().set_up_anew()
        self._stir()

    def _enter(self, state: State) -> None:
        super()._enter(state)
        if state is not self.state:
            self.state = state
            self._stir()

    def _stir(self) -> None:
        self._stirred = True
        self._come_back_by(0)

    def _goes_on(self, stop: Stop, horizon: int) -> bool:
        return super()._goes_on(stop, horizon) and not self._stirred

    def refuse(self, words: str) -> TargetFault:
        """An error about its firmware."""
        board, plan = self._program.board, self._program.plan
        return TargetFault(f"board '{board.name}' (twin) with {plan.model_name} on harvested power: {words}")

    def _output(self, _cycle: int, old: int, new: int) -> None:
        if (old ^ new) >> self._marker_pin & 1:
            self.marker = bool(new >> self._marker_pin & 1)
            self._stir()
