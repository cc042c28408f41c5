"""A `Source` that is an emulated board at work, in its own time: what its chip does now is what an instrument samples.

The board's time passes only while its chip does something, an instrument's with its samples. So the instrument is given
what the chip has done since it was looked at last, piece by piece, and more of the last for as long as the chip rests.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.emulator.activity_log import Recording
    from hil.energy.model import CurrentModel
    from tests.power.instruments.sampled import SampledTime

PATIENCE_S = 20.0
REST_S = 1e-3
"""For so long it is sampled at rest before it is looked at again."""


class LiveBoard:
    """A board whose chip records what it does; its code is taken to run from flash.

    Args:
        machine: records it.
        model: what the chip then draws.
        sampled: the instrument's time, which passes with its samples.
        channel: which input the board's marker is wired to.
    """

    def __init__(self, machine: Recording, model: CurrentModel, sampled: SampledTime, channel: str = "D0") -> None:
        self._machine = machine
        self._model = model
        self._sampled = sampled
        self._channel = channel
        self._lock = threading.RLock()
        self._ends: list[float] = []
        """Of each piece, in the instrument's time."""
        self._pieces: list[tuple[float, bool]] = []
        """Current in A and level of the marker."""
        self._code: int | None = None
        self._until_s = 0.0
        self._asked: tuple[float, tuple[float, bool]] = (-1.0, (0.0, False))
        machine.record_activity(on=True)

    def __call__(self) -> float:
        """The instrument's clock: when it will have sampled all that the chip has done so far."""
        with self._lock:
            self._look()
            return max(self._sampled(), self._end_s)

    def begin(self, now_s: float) -> None:
        """Measuring begins, at the instrument's time: what the chip has done before is never sampled."""
        with self._lock:
            self._look()
            self._ends, self._pieces = [now_s + 1e-9], self._pieces[-1:]

    def current_A(self, time_s: float) -> float:
        return self._at(time_s)[0]

    def mark(self, channel: str, time_s: float) -> bool:
        return channel == self._channel and self._at(time_s)[1]

    @property
    def _end_s(self) -> float:
        return self._ends[-1] if self._ends else 0.0

    def _at(self, time_s: float) -> tuple[float, bool]:
        if self._asked[0] != time_s:
            with self._lock:
                self._wait_for(time_s)
                self._asked = time_s, self._pieces[bisect_right(self._ends, time_s)]
        return self._asked[1]

    def _wait_for(self, time_s: float) -> None:
        """Have a piece for a time: of what the chip has done, or of its rest, where it rests."""
        given_up = time.monotonic() + PATIENCE_S
        while time_s >= self._end_s:
            self._look()
            if time_s < self._end_s:
                return
            if self._pieces and not self._pieces[-1][1]:
                self._ends[-1] = time_s + REST_S
                return
            assert time.monotonic() < given_up, "the board does not go on"
            time.sleep(0.001)

    def _look(self) -> None:
        """Take what the chip has done since."""
        record = self._machine.take_activity()
        assert not record.lost
        codes: list[int | None] = [*array("I", record.codes), None]
        for second, code in zip([*array("d", record.times), record.end_s], codes, strict=True):
            if self._code is not None and second > self._until_s:
                draw = self._model.draw(record.activities[self._code >> 1])
                assert draw.typical_A is not None, draw.unknown
                self._ends.append(self._end_s + second - self._until_s)
                self._pieces.append((draw.typical_A, bool(self._code & 1)))
            self._until_s = second
            self._code = self._code if code is None else code
