"""ST's X-NUCLEO-LPM01A over its virtual port: ``lpm01a:/dev/ttyACM1?voltage=3.0``.

No package on PyPI speaks to it, so this does, as UM2269 and the help text of its firmware have it. It supplies the
board and samples its current; it records no digital input, so windows are found in the current (its D7 can start it, no
more).
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from typing import TYPE_CHECKING, Final

from hil.errors import LinkError, RigError
from hil.link.transport import Transport
from hil.power.accuracy import Accuracy
from hil.power.arrivals import Arrivals
from hil.power.lpm01a_stream import AsciiStream, BinaryStream, Stream, place
from hil.power.managed import ManagedMeter
from hil.power.meter import MeterIdentity
from hil.power.trace import Gap, Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.power.address import MeterAddress

_BAUD: Final = 3_686_400
_RATES: Final = (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
_ASCII_MOST_HZ: Final = 5_000
"""Above, ASCII is limited to a second and less."""
_FORMATS: Final = {"binary": "bin_hexa", "ascii": "ascii_dec"}
_LEAST_V: Final = 1.8
_MOST_V: Final = 3.3
_OFF_V: Final = 0.05
"""By how much it may say that its supply is off what it was told."""
_RANGES_A: Final = {"optim": (0.0, 50e-3), "high": (30e-6, 50e-3)}
ACCURACY: Final = {0: Accuracy(0.02, 100e-9)}
STATED: Final = (
    "static mode better than 2 % (UM2243, section 9); dynamic mode, used here, taken for as good (recalled), "
    "and its least current, 100 nA, for its offset"
)

_ANSWER_S: Final = 2.0
_CALIBRATION_S: Final = 8.0
"""It calibrates itself after each change of the voltage."""
_SILENCE_S: Final = 1.0
_QUIET_READS: Final = 5
_JOIN_S: Final = 5.0
_PROMPT: Final = "PowerShield > "


class Lpm01aMeter(ManagedMeter):
    """An X-NUCLEO-LPM01A.

    Args:
        address: its port; options ``voltage`` of its supply in V, ``freq`` in samples a second, ``format`` (``binary``
            or ``ascii``) and ``funcmode`` (``optim`` from 100 nA, or ``high`` from 30 µA on).
        clock: time in seconds.

    Raises:
        RigError: the port is missing, in use or not permitted, no LPM01A answers there, or it cannot do what it is
            told.
    """

    def __init__(self, address: MeterAddress, *, clock: Callable[[], float]) -> None:
        address.allow("voltage", "freq", "format", "funcmode")
        super().__init__(address.text)
        self._at = address
        self._clock = clock
        self._format = address.choice("format", tuple(_FORMATS))
        self._funcmode = address.choice("funcmode", tuple(_RANGES_A))
        self._rate_hz = _rate(address, self._format)
        voltage_V = address.number("voltage", least=_LEAST_V, most=_MOST_V)
        self._powered = False
        self._recorder: _Recorder | None = None
        self._port = Transport(address.device, _BAUD)
        try:
            self._take_over()
            if voltage_V is not None:
                self.supply(voltage_V)
        except BaseException:
            self.close()
            raise

    def identify(self) -> MeterIdentity:
        """What it is."""
        return MeterIdentity("X-NUCLEO-LPM01A", self._serial, self._firmware, ACCURACY, STATED)

    def _take_over(self) -> None:
        """From whatever it was left in."""
        self._write("stop")
        end = time.monotonic() + _ANSWER_S
        quiet = 0
        while quiet < _QUIET_READS:
            quiet = 0 if self._read() else quiet + 1
            if time.monotonic() > end:
                raise self._none("it sends on when it is told to stop")
        self._command("htc")
        self._serial = self._command("powershield").removeprefix("PowerShield present").strip(": ")
        version = re.search(r"\d+\.\d+\.\d+", self._command("version"))
        self._firmware = version[0] if version else ""
        self._command("acqmode dyn")
        self._command("output current")
        self._command(f"format {_FORMATS[self._format]}")
        self._command(f"freq {_spelt(self._rate_hz)}")
        self._command("acqtime 0")
        self._command("trigsrc sw")
        self._command(f"funcmode {self._funcmode}")

    def _supply(self, voltage_V: float | None) -> None:
        if voltage_V is None:
            self._powered = False
            self._command("pwr off")
            return
        millivolts = round(self._at.voltage_V(voltage_V, _LEAST_V, _MOST_V) * 1000)
        self._command(f"volt {millivolts}m", _CALIBRATION_S)
        told = re.search(r"(\d+)([+-]\d+)", self._command("volt get"))
        set_V = float(f"{told[1]}e{told[2]}") if told else 0.0
        if abs(set_V - voltage_V) > _OFF_V:
            raise self._none(f"it was told to supply {millivolts} mV, and says {set_V * 1000:.0f} mV")
        self._command("pwr on")
        self._powered = True

    def _begin(self) -> None:
        if not self._powered:
            raise RigError(f"{self.address} powers no board", hint="add ?voltage=… to its address")
        stream: Stream = BinaryStream() if self._format == "binary" else AsciiStream()
        rest = self._started()
        recorder = _Recorder(self._port, stream, self._rate_hz, self._clock)
        recorder.start(rest)
        if recorder.fault:
            recorder.finish(lambda: self._write("stop"))
            raise self._lost(recorder)
        self._recorder = recorder

    def _started(self) -> bytes:
        """Tell it to measure; what came behind its answer."""
        self._write("start")
        heard, end = b"", time.monotonic() + _ANSWER_S
        answer = f"{_PROMPT}ack start".encode()
        while True:
            heard += self._read()
            before, found, rest = heard.partition(answer)
            if found and len(rest) >= len(b"\r\n"):
                return rest.removeprefix(b"\r\n")
            if b"error" in before and not found:
                raise self._none(f"it was told to start, and said: {before.decode('ascii', 'replace').strip()}")
            if time.monotonic() > end:
                raise self._none(f"it was told to start, and did not within {_ANSWER_S:g} s")

    def _end(self) -> Trace:
        recorder, self._recorder = self._recorder, None
        assert recorder is not None  # noqa: S101 - `stop` sees to it
        recorder.finish(lambda: self._write("stop"))
        if recorder.fault:
            raise self._lost(recorder)
        recorder.arrivals.check(self.address)
        return self._trace(recorder.stream)

    def _trace(self, stream: Stream) -> Trace:
        placed = place(stream.count, stream.stamps, self._rate_hz)
        current_A = stream.current_A()[placed.kept]
        least_A, most_A = _RANGES_A[self._funcmode]
        return Trace(
            instrument=f"X-NUCLEO-LPM01A {self.address}",
            time_s=placed.numbers / self._rate_hz,
            current_A=current_A,
            sample_rate_hz=self._rate_hz,
            accuracy=ACCURACY,
            outside=(current_A < least_A) | (current_A > most_A),
            gaps=tuple(Gap(begin / self._rate_hz, end / self._rate_hz, why) for begin, end, why in placed.gaps),
        )

    def _release(self) -> None:
        with contextlib.suppress(RigError):
            if self._recorder is not None:
                self._recorder.finish(lambda: self._write("stop"))
        with contextlib.suppress(RigError):
            if self._powered:
                self._command("pwr off")
        with contextlib.suppress(RigError):
            self._write("hrc")
        self._port.close()

    def _command(self, command: str, timeout_s: float = _ANSWER_S) -> str:
        """Have a command acknowledged; what its answer says behind it."""
        self._write(command)
        heard, end = "", time.monotonic() + timeout_s
        while time.monotonic() < end:
            heard += self._read().decode("ascii", "replace").replace("\0", "")
            for line in heard.split("\n")[:-1]:
                said = line.strip().removeprefix(_PROMPT.strip()).strip()
                if said.startswith(f"ack {command}"):
                    return said.removeprefix(f"ack {command}").strip(": ")
                if said.startswith((f"error {command}", "error:")):  # one of another command may come late
                    heard += self._read().decode("ascii", "replace")  # the reason comes in a line of its own
                    why = " ".join(heard.replace(_PROMPT, "").split())
                    raise self._none(f"it was told '{command}', and said: {why}")
        said = " ".join(heard.split())[:60]
        raise self._none(f"it was told '{command}', and said {repr(said) if said else 'nothing'} in {timeout_s:g} s")

    def _write(self, command: str) -> None:
        try:
            self._port.write(f"{command}\r\n".encode())
        except LinkError as error:
            raise self._none(str(error)) from error

    def _read(self) -> bytes:
        try:
            return self._port.read()
        except LinkError as error:
            raise self._none(str(error)) from error

    def _none(self, cause: str) -> RigError:
        return RigError(
            f"no X-NUCLEO-LPM01A answers as it should on port {self._at.device}",
            cause=cause,
            hint="check that this is its port; press its reset button",
        )

    def _lost(self, recorder: _Recorder) -> RigError:
        return RigError(
            f"X-NUCLEO-LPM01A on port {self._at.device} stopped after {recorder.arrivals.seconds:.3f} s of measuring",
            cause=recorder.fault,
            hint="check its USB cable, and measure again: what came before is not used",
        )


class _Recorder:
    """Takes the stream of a measurement, in a thread, as it comes.

    Attributes:
        stream: what came.
        arrivals: when.
        fault: what ended it before its time, in words; empty where nothing did.
    """

    def __init__(self, port: Transport, stream: Stream, rate_hz: float, clock: Callable[[], float]) -> None:
        self.stream = stream
        self.arrivals = Arrivals(rate_hz)
        self.fault = ""
        self._port = port
        self._clock = clock
        self._silence_s = max(_SILENCE_S, 3 / rate_hz)
        self._flowing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lpm01a recorder", daemon=True)

    def start(self, rest: bytes) -> None:
        """Returns when samples come, or with a fault."""
        self._take(rest)
        self._thread.start()
        self._flowing.wait(2 * self._silence_s)

    def finish(self, stop: Callable[[], None]) -> None:
        """Have it stopped, and take what comes until it says that it has."""
        try:
            stop()
        except RigError as error:
            self.fault = self.fault or str(error.cause)
        self._thread.join(_JOIN_S + self._silence_s)
        if self._thread.is_alive():
            self.fault = self.fault or "it sends on when it is told to stop"

    def _take(self, data: bytes) -> None:
        count = self.stream.count
        self.stream.feed(data)
        if self.stream.count > count:
            self.arrivals.note(self._clock(), self.stream.count)
            self._flowing.set()

    def _run(self) -> None:
        heard_at = time.monotonic()
        try:
            while not self.stream.ended and not self.stream.fault:
                if data := self._port.read():
                    heard_at = time.monotonic()
                    self._take(data)
                elif time.monotonic() - heard_at > self._silence_s:
                    self.fault = f"it sent nothing for {self._silence_s:g} s"
                    return
            self.fault = self.stream.fault
        except LinkError as error:
            self.fault = str(error)
        finally:
            self._flowing.set()


def _rate(address: MeterAddress, form: str) -> int:
    rate = address.number("freq", least=1, most=_RATES[0]) or (_RATES[0] if form == "binary" else _ASCII_MOST_HZ)
    if rate not in _RATES:
        raise address.bad(f"option 'freq' is {rate:g}", f"write one of: {', '.join(map(str, _RATES))}")
    if form == "ascii" and rate > _ASCII_MOST_HZ:
        hint = f"write freq={_ASCII_MOST_HZ}, or format=binary"
        raise address.bad(f"option 'freq' is {rate:g}, and in ASCII it measures for a second at most at that", hint)
    return int(rate)


def _spelt(rate_hz: int) -> str:
    return f"{rate_hz // 1000}k" if rate_hz >= 1000 else str(rate_hz)  # noqa: PLR2004 - its own prefix
