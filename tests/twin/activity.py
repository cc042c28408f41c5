"""The activity of a chip in this process, recorded as a supervisor would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.activity_log import ActivityLog

if TYPE_CHECKING:
    from hil.emulator.activity_record import ActivityRecord
    from hil.emulator.twin.chip import Chip


class LocalRecording:
    """What an `ActivityLog` wants of a machine."""

    def __init__(self, chip: Chip, marker: str) -> None:
        self._chip = chip
        self._marker = marker

    def record_activity(self, *, on: bool) -> None:
        if on:
            self._chip.record(self._marker)
        else:
            self._chip.stop_recording()

    def take_activity(self) -> ActivityRecord:
        assert self._chip.recorder is not None
        return self._chip.recorder.take()


def recorded(chip: Chip, marker: str = "") -> ActivityLog:
    """A log of a chip that has begun."""
    log = ActivityLog(LocalRecording(chip, marker))
    log.begin()
    return log
