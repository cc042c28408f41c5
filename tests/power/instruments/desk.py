"""Each simulated instrument with the real driver on it, as one function: a source in, its recording out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from hil.power.opening import open_meter
from tests.power.instruments.joulescope import AHEAD, COUNTER_HZ, Joulescope
from tests.power.instruments.lpm01a import Lpm01a
from tests.power.instruments.otii import OtiiServer
from tests.power.instruments.ppk2 import Ppk2
from tests.power.instruments.streaming_pty import StreamingPty

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.power.trace import Trace
    from tests.power.instruments.source import Source


_PATIENCE_S = 0.5


@dataclass(frozen=True)
class Instrument:
    """Attributes:
    name: its kind and how it is set.
    rate_hz: of its samples.
    record: from a source, how many seconds, by what share of its stated accuracy it reads too much, whether it stops
        before its time, and what else its simulation takes.
    channel: its digital input that the marker is wired to; empty where it has none.
    begins_s: time of the source where its recording begins.
    points: whether a sample is the current at its time, and not its mean up to the next (recalled of all).
    """

    name: str
    rate_hz: float
    record: Callable[..., Trace]
    channel: str = ""
    begins_s: float = 0.0
    points: bool = False

    @property
    def over_s(self) -> float:
        """What a sample is the mean over, in s."""
        return 0.0 if self.points else 1 / self.rate_hz


def _ppk2(mode: str) -> Callable[..., Trace]:
    def record(source: Source, seconds: float, off: float = 0.0, *, stops: bool = False, **simulated: Any) -> Trace:
        gain = tuple(1 + off * most for most in (0.1, 0.1, 0.1, 0.1, 0.15))
        device = Ppk2(source, gain=gain, **simulated)
        with StreamingPty(device) as port:
            address = f"ppk2:{port.path}?mode={mode}&voltage=3.0"
            # The first samples have waited for their reader.
            return _record(address, device, seconds + 0.01, stops=stops)

    return record


def _lpm01a(query: str) -> Callable[..., Trace]:
    def record(source: Source, seconds: float, off: float = 0.0, *, stops: bool = False, **simulated: Any) -> Trace:
        device = Lpm01a(source, gain=1 + off * 0.02, **simulated)
        with StreamingPty(device) as port:
            return _record(f"lpm01a:{port.path}?voltage=3.0{query}", device, seconds, stops=stops)

    return record


def _joulescope(path: str) -> Callable[..., Trace]:
    def record(source: Source, seconds: float, off: float = 0.0, *, stops: bool = False, **simulated: Any) -> Trace:
        device = Joulescope(source, paths=(path,), gain=1 + off * 0.01, **simulated)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pyjoulescope_driver.Driver", device)
            made = _record("joulescope:", device, seconds, stops=stops)
        assert device.error is None
        return made

    return record


def _record(address: str, device: Ppk2 | Lpm01a | Joulescope, seconds: float, *, stops: bool) -> Trace:
    with open_meter(address, clock=device.time) as meter:
        meter.start()
        if stops:
            device.time.wait_or_pass(seconds, _PATIENCE_S)
        else:
            device.time.wait_for(seconds)
        return meter.stop()


def _otii(kind: str, stated: float) -> Callable[..., Trace]:
    def record(source: Source, seconds: float, off: float = 0.0, *, stops: bool = False, **simulated: Any) -> Trace:
        assert not stops, "its recording is fetched when it is over"
        server = OtiiServer(source, devices=((kind, kind),), record_s=seconds, gain=1 + off * stated, **simulated)
        with server, open_meter(f"otii:127.0.0.1:{server.port}?voltage=3.0") as meter:
            meter.start()
            return meter.stop()

    return record


PPK2 = Instrument("PPK2, source", 1e5, _ppk2("source"), "D0", points=True)
PPK2_AMPERE = Instrument("PPK2, ampere", 1e5, _ppk2("ampere"), "D0", points=True)
LPM01A = Instrument("LPM01A, binary", 1e5, _lpm01a(""))
LPM01A_ASCII = Instrument("LPM01A, ascii", 5e3, _lpm01a("&format=ascii"))
# Levels come ahead of the current, and a recording begins where both are known.
JS110 = Instrument("Joulescope JS110", 2e6, _joulescope("u/js110/000415"), "GPI0", AHEAD / COUNTER_HZ)
JS220 = Instrument("Joulescope JS220", 1e6, _joulescope("u/js220/001234"), "GPI0", AHEAD / COUNTER_HZ)
OTII_ARC = Instrument("Otii Arc", 4e3, _otii("Arc", 0.001), "GPI1")
OTII_ACE = Instrument("Otii Ace", 5e4, _otii("Ace", 0.0005), "GPI1")
ALL = (PPK2, PPK2_AMPERE, LPM01A, LPM01A_ASCII, JS110, JS220, OTII_ARC, OTII_ACE)
