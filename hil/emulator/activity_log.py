"""The client of an emulated board's record of its activity: what it has told so far, as spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from hil.emulator.machine import MachineError
from hil.energy.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from numpy.typing import NDArray

    from hil.emulator.activity_record import ActivityRecord
    from hil.energy.activity import Activity

    class Recording(Protocol):
        """What records: a `hil.emulator.machine.Machine`, e.g. that of a `PoweredBoard`."""

        def record_activity(self, *, on: bool) -> None:
            """Record from now on, anew; or no more."""

        def take_activity(self) -> ActivityRecord:
            """What was recorded since it was taken last."""


_Number = TypeVar("_Number", np.float64, np.uint64, np.uint32)


class ActivityLog:
    """What a chip has done since `begin`.

    The board keeps a million changes: in a long run call `read_on` now and then.

    Args:
        machine: records it.
    """

    def __init__(self, machine: Recording) -> None:
        self._machine = machine
        self._records: list[ActivityRecord] = []

    def begin(self) -> None:
        """Record from now on; what was recorded before is gone.

        Raises:
            MachineError: the emulator does not tell what its chip does, in words; or it has ended.
        """
        self._records.clear()
        self._machine.record_activity(on=True)

    def read_on(self) -> None:
        """Fetch what was recorded since.

        Raises:
            MachineError: more has happened than there was room for, nothing is recorded, or the emulator has ended.
        """
        self.add(self._machine.take_activity())

    def add(self, record: ActivityRecord) -> None:
        """Have what a chip of this process has recorded (`Recorder.take`).

        Raises:
            MachineError: as `read_on`.
        """
        if record.lost:
            raise MachineError(
                f"{record.lost} changes of the board's activity were lost: more than it keeps",
                hint="read them on more often, or record a shorter run",
            )
        self._records.append(record)

    def end(self) -> Spans:
        """Fetch the rest, and record no more.

        Raises:
            MachineError: as `read_on`; or no time has gone by.
        """
        self.read_on()
        self._machine.record_activity(on=False)
        return self.spans()

    def spans(self) -> Spans:
        """All that was fetched since `begin`.

        Raises:
            MachineError: no time has gone by.
        """
        times = _joined((each.times for each in self._records), np.float64)
        if not len(times) or self._records[-1].end_s <= times[0]:
            raise MachineError("no time has gone by on the board since its activity is recorded")
        last = self._records[-1]
        cycles = _joined((each.ram_cycles for each in self._records), np.uint64)
        codes = _joined((each.codes for each in self._records), np.uint32)
        keep = np.flatnonzero(np.diff(times, append=last.end_s) > 0)
        # Of two records the second may begin with what the first ended with.
        kept = codes[keep]
        keep = keep[np.concatenate(([True], kept[1:] != kept[:-1]))]
        edges = np.append(times[keep], last.end_s)
        codes = codes[keep]
        activity = (codes >> 1).astype(np.uint32)
        from_ram = _shares(edges, np.append(cycles[keep], last.end_ram_cycles), activity, last.activities)
        return Spans(edges, activity, last.activities, from_ram, (codes & 1).astype(bool))


def _joined(parts: Iterable[bytes], kind: type[_Number]) -> NDArray[_Number]:
    """The numbers of all records."""
    return np.frombuffer(b"".join(parts), kind)


def _shares(
    edges: NDArray[np.float64],
    cycles: NDArray[np.uint64],
    activity: NDArray[np.uint32],
    activities: tuple[Activity, ...],
) -> NDArray[np.float64]:
    """Of the cycles in each span, how many came from RAM."""
    clock_hz = np.array([each.clock_hz for each in activities], np.float64)[activity]
    passed: NDArray[np.float64] = np.diff(edges) * clock_hz
    ram = np.diff(cycles).astype(np.float64)
    return np.clip(np.divide(ram, passed, out=np.zeros(len(ram)), where=passed > 0), 0.0, 1.0)
