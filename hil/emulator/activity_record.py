"""What an emulator has recorded of its chip's activity, as it goes from its process to who asked.

Standard library only, as all that emulators import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

from hil.energy.activity import Activity, State

_CHANGE_BYTES: Final = 20


@dataclass(frozen=True)
class ActivityRecord:
    """Changes of a chip's activity since the record before; the first record begins with what it was.

    Attributes:
        activities: all that there were since the recording began; changes name them by their place here.
        times: when each change was, in s since power-up: 8 bytes, as ``array('d')`` has them.
        ram_cycles: how many cycles the core had executed from RAM by then: 8 bytes, ``array('Q')``.
        codes: what it became: 4 bytes, ``array('I')``, place in ``activities`` times 2, and 1 with the marker high.
        end_s: until when this record tells, in s.
        end_ram_cycles: as ``ram_cycles``, then.
        lost: changes for which there was no room since the recording began: then what is told is not whole.
    """

    activities: tuple[Activity, ...]
    times: bytes
    ram_cycles: bytes
    codes: bytes
    end_s: float
    end_ram_cycles: int
    lost: int

    def fields(self) -> dict[str, Any]:
        """What is not in `payload`, as JSON takes it."""
        return {
            "activities": [
                {
                    "state": each.state.value,
                    "clock_hz": each.clock_hz,
                    "voltage_range": each.voltage_range,
                    "peripherals": sorted(each.peripherals),
                    "oscillators": sorted(each.oscillators),
                }
                for each in self.activities
            ],
            "end_s": self.end_s,
            "end_ram_cycles": self.end_ram_cycles,
            "lost": self.lost,
        }

    def payload(self) -> bytes:
        """The changes."""
        return self.times + self.ram_cycles + self.codes

    @classmethod
    def of(cls, fields: dict[str, Any], payload: bytes) -> Self:
        """From `fields` and `payload`."""
        count = len(payload) // _CHANGE_BYTES
        activities = tuple(
            Activity(
                State(each["state"]),
                each["clock_hz"],
                each["voltage_range"],
                frozenset(each["peripherals"]),
                frozenset(each["oscillators"]),
            )
            for each in fields["activities"]
        )
        return cls(
            activities,
            payload[: 8 * count],
            payload[8 * count : 16 * count],
            payload[16 * count :],
            fields["end_s"],
            fields["end_ram_cycles"],
            fields["lost"],
        )
