"""A chip whose activity can be recorded: what its parts tell, and what comes to a recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.twin.recorder import Recorder
from hil.emulator.twin.timebase import Timebase
from hil.energy.activity import Activity, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.twin.core import Core
    from hil.emulator.twin.recorder import OutputPort


class RecordedChip(Timebase):
    """Tells what it does, and has it recorded where somebody asks.

    Attributes:
        recorder: of its activity; None while it is not recorded, which costs next to nothing.
        standing_still: the core's clock stands still (deep sleep): seconds go by, cycles do not.
    """

    def __init__(self, core: Core, clock_hz: int) -> None:
        super().__init__(core, clock_hz)
        self.recorder: Recorder | None = None
        self.standing_still = False

    def record(self, marker: str = "") -> Recorder:
        """Record the activity from now on; what was recorded before is gone.

        Args:
            marker: name of the pin that is high during steps; empty without one.

        Raises:
            ValueError: there is no such pin.
        """
        port = self.output_pin(marker) if marker else None
        self.stop_recording()
        state = State.SLEEP if self.core.shared.asleep else State.RUN
        self.recorder = Recorder(self, State.STOP if self.standing_still else state, port)
        return self.recorder

    def stop_recording(self) -> None:
        """Record no more."""
        if self.recorder is not None:
            self.recorder.close()
        self.recorder = None

    def activity(self, state: State) -> Activity:
        """What the chip does now, with the core in a state. A part adds what else it knows."""
        return Activity(state, 0 if state in {State.STOP, State.STANDBY} else self.clock_hz)

    def output_pin(self, name: str) -> tuple[OutputPort, int]:
        """Port and number of a pin. A part overrides this.

        Raises:
            ValueError: there is no such pin.
        """
        raise ValueError(f"the part has no pin '{name}'")

    def ram_cycles(self) -> int:
        """Cycles that the core has executed from RAM since power-up."""
        shared = self.core.shared
        return shared.ram_cycles + (shared.clock - shared.ram_since if shared.in_ram else 0)

    def set_up_anew(self) -> None:
        """Clocks, voltage range or what has a clock may have changed."""
        if self.recorder is not None:
            self.recorder.refresh()

    def _enter(self, state: State) -> None:
        if self.recorder is not None:
            self.recorder.enter(state)

    def _wake_by(self, start: Callable[[], None]) -> None:
        """Have the core's clock started."""
        if self.recorder is None:
            start()
        else:
            self.recorder.wake(start)

    def _idle_to(self, cycle: int) -> None:
        """The core waits up to a cycle, if that is to come; it executes nothing meanwhile where it is asleep."""
        shared = self.core.shared
        if cycle > shared.clock:
            if shared.asleep:
                shared.ram_since += cycle - shared.clock
            shared.clock = cycle
