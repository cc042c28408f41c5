"""The faults that instruments, cables and wires are given, at places of a run that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.power.faulting import Fault
from tests.power.instruments.desk import JS110, JS220, LPM01A, LPM01A_ASCII, OTII_ACE, OTII_ARC, PPK2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.power.instruments.desk import Instrument
    from tests.power.runs import Run

TIMES: Final = "it numbers no samples, and tells its time in whole ms: up to 1.5 ms are missed by nobody"
NO_FAULT: Final = "none"
"""What a fault is named that is none: then every number must be right."""
_UNSEEN_S: Final = 0.0015


def places(run: Run, instrument: Instrument) -> dict[str, int]:
    """Numbers of samples at which a fault begins."""
    rise_s, fall_s = (float(each) for each in run.windows_s[len(run.windows_s) // 2])
    moments = {
        "at rest": run.windows_s[0, 0] / 2,
        "at a rise": rise_s - 3 / instrument.rate_hz,
        "in a step": (rise_s + fall_s) / 2,
        "at a fall": fall_s - 3 / instrument.rate_hz,
    }
    return {name: round(moment * instrument.rate_hz) for name, moment in moments.items()}


def all_faults(streamed: Run, stopped: Run) -> list[tuple[Fault, Run]]:
    """Of every instrument, each at a run that it can follow: at 5 kHz no edges are found among a stream's bytes."""
    faults = [
        *ppk2_faults(streamed),
        *lpm01a_faults(LPM01A, streamed),
        *joulescope_faults(streamed),
        *otii_faults(streamed),
    ]
    return [*((each, streamed) for each in faults), *((each, stopped) for each in lpm01a_faults(LPM01A_ASCII, stopped))]


def ppk2_faults(run: Run) -> Iterator[Fault]:
    last = round(run.duration_s * PPK2.rate_hz)
    yield Fault(NO_FAULT, PPK2)
    for place, number in places(run, PPK2).items():
        for missing in (1, 5, 63, 64, 65, 128, 200):
            yield Fault(f"{missing} samples lost {place}", PPK2, {"lost": {number: missing}})
        for count in (1, 2, 3, 4):
            yield Fault(f"{count} bytes lost {place}", PPK2, {"cut": {number: count}})
            yield Fault(f"{count} bytes doubled {place}", PPK2, {"doubled": {number: count}})
        yield Fault(f"0.64 s held back and lost {place}", PPK2, {"stalls_s": {number: 0.64}})
    for share in (0.01, 0.5, 0.9):
        number = round(last * share)
        yield Fault(f"silent from {share:.0%} on", PPK2, {"silent_after": number}, stops=True)
        yield Fault(f"unplugged at {share:.0%}", PPK2, {"unplug_after": number}, stops=True)
    yield Fault("current beyond its highest range", PPK2, factor=20e3)
    yield Fault("stuck in its lowest range", PPK2, {"fixed_range": 0})
    yield from _wires(PPK2, run)


def lpm01a_faults(instrument: Instrument, run: Run) -> Iterator[Fault]:
    binary = instrument is LPM01A
    losses, width, stamp_s = ((1, 50, 140, 400, 3000), 2, 0.002) if binary else ((1, 7, 20, 150), 9, 0.01)
    last = round(run.duration_s * instrument.rate_hz)
    yield Fault(NO_FAULT, instrument)
    for place, number in places(run, instrument).items():
        for missing in losses:
            untold = TIMES if missing / instrument.rate_hz < _UNSEEN_S else ""
            device = {"lost": {number: missing}, "stamp_s": stamp_s}
            yield Fault(f"{missing} samples lost {place}", instrument, device, untold=untold)
        for count in range(1, width + 1):
            untold, stops = (TIMES, False) if count == width else ("", True)
            for what, device in (("lost", {"cut": {number: count}}), ("doubled", {"doubled": {number: count}})):
                name = f"{count} bytes {what} {place}"
                yield Fault(name, instrument, device, untold=untold, stops=stops)
    for share in (0.01, 0.5, 0.9):
        number = round(last * share)
        yield Fault(f"silent from {share:.0%} on", instrument, {"silent_after": number}, stops=True)
        yield Fault(f"unplugged at {share:.0%}", instrument, {"unplug_after": number}, stops=True)
    yield Fault("its buffer is full", instrument, {"full_at_s": run.duration_s / 2})
    yield Fault("current beyond its range", instrument, factor=50e-3 / float(run.pieces_A.max()) * 1.1)
    if binary:
        yield Fault("overcurrent", instrument, factor=80e-3 / float(run.pieces_A.max()), stops=True)


def joulescope_faults(run: Run) -> Iterator[Fault]:
    for instrument in (JS110, JS220):
        yield Fault(NO_FAULT, instrument)
        middle = round(float(run.windows_s.mean()) * 1000)  # of rounds of 1 ms
        for number in (2, middle, middle + 1):
            yield Fault(f"1 ms of current lost in ms {number}", instrument, {"lost": {number: "s/i"}})
            yield Fault(f"1 ms of levels lost in ms {number}", instrument, {"lost": {number: "s/gpi/0"}})
            yield Fault(f"no numbers in ms {number}", instrument, {"nans": (number,)})
            yield Fault(f"samples repeated in ms {number}", instrument, {"repeated": (number,)})
        for number in (2, middle):
            yield Fault(f"silent from ms {number} on", instrument, {"silent_after": number}, stops=True)
            yield Fault(f"unplugged at ms {number}", instrument, {"removed_after": number}, stops=True)
            yield Fault(f"levels come no more from ms {number} on", instrument, {"quiet_gpi_after": number})
    yield from _wires(JS220, run)


def otii_faults(run: Run) -> Iterator[Fault]:
    for instrument in (OTII_ARC, OTII_ACE):
        yield Fault(NO_FAULT, instrument)
        for missing in (3, 100):
            yield Fault(f"{missing} samples lost", instrument, {"missing": missing})
        for command in ("project_stop_recording", "recording_get_channel_data"):
            yield Fault(f"its server hangs up at {command}", instrument, {"hang_up_at": command})
        for gain in (0.5, 1.01):
            yield Fault(f"samples {gain} times as far apart as it says", instrument, {"interval_gain": gain})
    yield from _wires(OTII_ACE, run)


def _wires(instrument: Instrument, run: Run) -> Iterator[Fault]:
    count = len(run.windows_s)
    yield Fault("the mark's wire loose", instrument, wire={"unseen": frozenset(range(count))})
    for number in (0, count // 2, count - 1):
        yield Fault(f"the mark's wire loose in step {number}", instrument, wire={"unseen": frozenset({number})})
    for bounces in (1, 2, 5):
        for width in (1.5, 4):
            wire = {"bounces": bounces, "bounce_s": width / instrument.rate_hz}
            yield Fault(f"the mark's wire bounces {bounces} times for {width:g} samples", instrument, wire=wire)
