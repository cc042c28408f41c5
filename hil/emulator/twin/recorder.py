"""Records what a chip does over time, as far as its current depends on it: each change, once.

Of what changes more than once in the same cycle only the last stays, so that a look at a sleeping core that does not
wake it leaves nothing.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from hil.emulator.activity_record import ActivityRecord
from hil.energy.activity import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from typing import Protocol

    from hil.energy.activity import Activity

    class OutputPort(Protocol):
        """A port of pins.

        Attributes:
            on_output: told each change of the output latch: cycle, old and new value.
        """

        on_output: list[Callable[[int, int, int], None]]

        @property
        def latch(self) -> int:
            """What the pins that are outputs drive, a bit each."""

    class Recorded(Protocol):
        """What a recorder needs of a chip."""

        def seconds(self) -> Fraction:
            """Time since power-up."""

        def ram_cycles(self) -> int:
            """Cycles that the core has executed from RAM."""

        def activity(self, state: State) -> Activity:
            """What it does, if its core is in a state."""


LIMIT: Final = 1 << 20
"""Changes that are kept until they are taken; 20 bytes each."""


class Recorder:
    """The record of one chip, from now on.

    Args:
        chip: whose.
        state: of its core now.
        marker: port and number of the marker pin; None without one.
        limit: of changes that are kept until somebody takes them.

    Attributes:
        state: of the core.
    """

    def __init__(
        self, chip: Recorded, state: State, marker: tuple[OutputPort, int] | None = None, limit: int = LIMIT
    ) -> None:
        self._chip = chip
        self._limit = limit
        self._marker = marker
        self.state = state
        self._known: dict[Activity, int] = {}
        self._numbers: dict[State, int] = {}  # of the states, as the chip is set up now
        self._level = 0
        self._clear()
        self._last = -1
        self._lost = 0
        self._waking = False
        if marker is not None:
            port, pin = marker
            self._level = port.latch >> pin & 1
            port.on_output.append(self._output)
        self._note(float(chip.seconds()))

    def close(self) -> None:
        """Let go of the marker pin."""
        if self._marker is not None:
            self._marker[0].on_output.remove(self._output)

    def take(self) -> ActivityRecord:
        """What was recorded since this was called last."""
        record = ActivityRecord(
            tuple(self._known),
            self._times.tobytes(),
            self._cycles.tobytes(),
            self._codes.tobytes(),
            float(self._chip.seconds()),
            self._chip.ram_cycles(),
            self._lost,
        )
        self._clear()
        return record

    def _clear(self) -> None:
        self._times = array("d")
        self._cycles = array("Q")
        self._codes = array("I")

    # What changes

    def enter(self, state: State) -> None:
        """The core's state is another."""
        if state is not self.state:
            self.state = state
            self._note(float(self._chip.seconds()))

    def refresh(self) -> None:
        """Clocks, voltage range or peripherals may have changed."""
        self._numbers.clear()
        if not self._waking:
            self._note(float(self._chip.seconds()))

    def wake(self, start: Callable[[], None]) -> None:
        """The chip starts its clock, which takes time: in it the chip is as it will be when it runs."""
        since = float(self._chip.seconds())
        self._waking = True
        try:
            start()
        finally:
            self._waking = False
        self._numbers.clear()
        self.state = State.WAKE
        self._note(since)
        self.enter(State.RUN)

    def _output(self, _cycle: int, old: int, new: int) -> None:
        pin = self._marker[1] if self._marker is not None else 0
        if (old ^ new) >> pin & 1:
            self._level = new >> pin & 1
            self._note(float(self._chip.seconds()))

    def _note(self, second: float) -> None:
        number = self._numbers.get(self.state)
        if number is None:
            activity = self._chip.activity(self.state)
            number = self._numbers[self.state] = self._known.setdefault(activity, len(self._known))
        code = number << 1 | self._level
        if code == self._last:
            return
        if self._lost or len(self._times) == self._limit:
            self._lost += 1
            return
        self._last = code
        if self._times and self._times[-1] == second:
            del self._times[-1], self._cycles[-1], self._codes[-1]
            if self._codes and self._codes[-1] == code:
                return
        self._times.append(second)
        self._cycles.append(self._chip.ram_cycles())
        self._codes.append(code)
