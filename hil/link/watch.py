"""A node that watches by itself: what a WATCH asks of it, and what its reports say (docs/protocol.md, "Watch")."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.frame import RuleKind, Status, WatchFlag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.frame import Frame

_WATCH: Final = struct.Struct("<IIHHBBBBi")
_HEAD: Final = struct.Struct("<II")
_TOTALS: Final = struct.Struct("<IIIIIQ")
_END: Final = 0xFFFFFFFF
SHIFT_MOST: Final = 31
"""As RULE_SHIFT_MOST in firmware/agent/rule.h."""


@dataclass(frozen=True)
class DeviceRule:
    """What an anomaly is, in the device's numbers.

    Attributes:
        kind: what has to hold of the output.
        output: its index.
        steps: for how many steps in a row, 1 to 255.
        threshold: of `RuleKind.ABOVE`, in the output's own format.
        shifts: of `RuleKind.LARGEST`, for each output: it counts 2^shift times, 0 to `SHIFT_MOST`, so that outputs of
            several formats can be compared. They lie in the slot, in front of the recording.
    """

    kind: RuleKind
    output: int
    steps: int
    threshold: int = 0
    shifts: tuple[int, ...] = ()


@dataclass(frozen=True)
class WatchPlan:
    """What a node is to do.

    Attributes:
        period_ms: a step each so many milliseconds.
        offset: of the recording in the image slot, in bytes: the state that each sequence begins with, the rule's
            shifts, then for each step the elapsed time and the inputs.
        sequences: of the recording.
        steps: of each sequence.
        rule: what an anomaly is.
        samples: report every sample instead, and make no step.
    """

    period_ms: int
    offset: int
    sequences: int
    steps: int
    rule: DeviceRule
    samples: bool = False

    def encode(self) -> bytes:
        """The payload of WATCH."""
        flags = WatchFlag.SAMPLES if self.samples else 0
        rule = self.rule
        return _WATCH.pack(
            self.period_ms,
            self.offset,
            self.sequences,
            self.steps,
            rule.kind,
            rule.output,
            rule.steps,
            flags,
            rule.threshold,
        )


@dataclass(frozen=True)
class Report:
    """What a node has told: outputs at an anomaly, or a sample.

    Attributes:
        sequence: where, from 0 on.
        step: where in it.
        values: int32; the outputs, or elapsed time and inputs.
    """

    sequence: int
    step: int
    values: NDArray[np.int32]


@dataclass(frozen=True)
class Totals:
    """What a node tells at the end of its recording.

    Attributes:
        steps: made, or samples taken.
        anomalies: found.
        late: ticks of its timer that came while a step was still made.
        dropped: reports for which it had no room, as nobody took the earlier ones.
        crc: CRC-32 over the outputs of each step and the last state of each sequence, or over the samples.
        cycles: of all steps, by the core's own counter, interrupts included.
    """

    steps: int
    anomalies: int
    late: int
    dropped: int
    crc: int
    cycles: int


@dataclass
class ReportBox:
    """Collects a node's reports, each once, whatever comes twice or not at all.

    Attributes:
        reports: by their numbers, from 1 on.
        totals: of the end, once that has come.
        refused: status and detail where a step was refused at the end.
    """

    reports: dict[int, Report] = field(default_factory=dict)
    totals: Totals | None = None
    refused: tuple[int, int] | None = None
    _end: int = 0

    @property
    def taken(self) -> int:
        """Number of the last report before which none is missing."""
        number = len(self.reports)
        if number and max(self.reports) != number:
            number = next(n for n in range(1, number + 1) if n not in self.reports) - 1
        return number + 1 if self._end == number + 1 else number

    @property
    def complete(self) -> bool:
        """Whether all have come, the end too."""
        return self._end > 0 and self.taken == self._end

    @property
    def ended(self) -> Totals | None:
        """What the end told, once all before it have come as well."""
        return self.totals if self.complete else None

    @property
    def gap(self) -> bool:
        """Whether one is missing before the last that came."""
        latest = max(self._end, max(self.reports, default=0))
        return self.taken < latest

    def take(self, frame: Frame) -> None:
        """Take a REPORT."""
        body = frame.payload[:-5] if frame.status != Status.OK else frame.body
        if len(body) < _HEAD.size:
            return
        number, where = _HEAD.unpack_from(body)
        if where != _END:
            values = np.frombuffer(body, "<i4", offset=_HEAD.size).astype(np.int32)
            self.reports.setdefault(number, Report(where & 0xFFFF, where >> 16, values))
        elif len(body) == _HEAD.size + _TOTALS.size:
            self.totals = Totals(*_TOTALS.unpack_from(body, _HEAD.size))
            self._end = number
            if frame.status != Status.OK:
                self.refused = (frame.status, frame.detail)
