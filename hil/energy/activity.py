"""What a chip does over time, as far as its current depends on it. Standard library only: emulators report it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What the core does."""

    RUN = "run"
    SLEEP = "sleep"
    """Its clock is off, those of the peripherals are on."""
    STOP = "stop"
    STANDBY = "standby"
    WAKE = "wake"
    """Between the event that ends a stop and the first instruction: regulator and oscillator start."""


@dataclass(frozen=True)
class Activity:
    """What a chip does at a time.

    Attributes:
        state: of the core.
        clock_hz: of the core's clock, in Hz, also where the core sleeps; 0 where it stands still.
        voltage_range: which range of its regulator, 0 where the chip has none.
        peripherals: whose clocks are on, by the names that the chip's reference manual has.
        oscillators: that are on, likewise: ``HSI16``, ``PLL``, ``LSI``.
    """

    state: State
    clock_hz: int
    voltage_range: int = 0
    peripherals: frozenset[str] = frozenset()
    oscillators: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Span:
    """A time in which the activity and the marker stay as they are.

    Attributes:
        begin_s: in s since power-up; ``end_s`` likewise, and the begin of the next span.
        activity: in it.
        from_ram: share of the executed cycles that came from RAM, 0 to 1; 0 where nothing was executed.
        marker: level of the board's marker pin: high during steps.
    """

    begin_s: float
    end_s: float
    activity: Activity
    from_ram: float
    marker: bool
