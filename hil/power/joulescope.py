"""Joulescope JS110 and JS220 through their maker's driver, pyjoulescope_driver: ``joulescope:001234``.

They measure and do not supply. They sample current at 2 MHz (JS110) and 1 MHz (JS220), and digital inputs at 2 MHz:
GPI0 and GPI1, on the JS220 GPI2 and GPI3 as well. Both are numbered by one counter, which puts marks and current
together and tells what is missing.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.errors import RigError
from hil.power.accuracy import Accuracy
from hil.power.arrivals import Arrivals
from hil.power.joulescope_pieces import Piece, assemble
from hil.power.managed import ManagedMeter
from hil.power.meter import MeterIdentity
from hil.power.packages import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.power.address import MeterAddress
    from hil.power.trace import Trace

_INPUTS: Final = {"js110": 2, "js220": 4}
_VREFS: Final = ("3v3", "external")
_CURRENT: Final = "s/i"
_REMOVED: Final = "@/!remove"
_PERCENT: Final = 1.0
_OFFSET_A: Final = 100e-9
_STATED: Final = (
    "not looked up: 1 % and 100 nA are taken, wider than what both are sold with (recalled); give &accuracy=… in %"
)
_SILENCE_S: Final = 1.0


class JoulescopeMeter(ManagedMeter):
    """A JS110 or JS220.

    Args:
        address: its serial number, or nothing for the only one; options ``vref``, the level of the JS220's inputs
            (``3v3`` or ``external``), and ``accuracy`` in % by its data sheet.
        clock: time in seconds.

    Raises:
        RigError: there is none of this number, or several; it is in use or not permitted.
    """

    def __init__(self, address: MeterAddress, *, clock: Callable[[], float]) -> None:
        address.allow("vref", "accuracy")
        super().__init__(address.text)
        vref = address.choice("vref", _VREFS)
        percent = address.number("accuracy", least=0.001, most=50)
        self._accuracy = {0: Accuracy((percent or _PERCENT) / 100, _OFFSET_A)}
        self._stated = _STATED if percent is None else "as the address has it"
        self._clock = clock
        self._recorder: _Recorder | None = None
        library = load("pyjoulescope_driver", "pyjoulescope_driver", "Driver")
        self._driver: Any = self._try(library.Driver, "its driver does not start")
        self._path = ""
        try:
            path = self._choose(address.device)
            self._model, self._serial = path.split("/")[-2:]
            self._inputs = _INPUTS[self._model]
            self._try(lambda: self._driver.open(path, mode="defaults"), "it cannot be opened")
            self._path = path
            self._configure(vref)
        except BaseException:
            self.close()
            raise

    def identify(self) -> MeterIdentity:
        """What it is."""
        firmware = ""
        with contextlib.suppress(Exception):  # not every model tells
            version = int(self._driver.query(f"{self._path}/c/fw/version"))
            firmware = f"{version >> 24}.{version >> 16 & 0xFF}.{version & 0xFFFF}"
        return MeterIdentity(f"Joulescope {self._model.upper()}", self._serial, firmware, self._accuracy, self._stated)

    def _choose(self, serial: str) -> str:
        paths: list[str] = sorted(self._try(self._driver.device_paths, "its driver lists no devices"))
        known = [path for path in paths if path.split("/")[-2] in _INPUTS]
        fitting = [path for path in known if not serial or path.lower().split("/")[-1] == serial.lower()]
        if len(fitting) == 1:
            return fitting[0]
        there = f"there are: {', '.join(paths)}" if paths else "no Joulescope is plugged in, or you may not open it"
        if len(fitting) > 1:
            raise RigError("there are several Joulescopes", hint=f"name one by its serial number; {there}")
        raise RigError(f"there is no Joulescope{f' {serial}' * bool(serial)} that is known", hint=there)

    def _configure(self, vref: str) -> None:
        settings = (
            {"s/i/range/mode": "auto", "c/gpio/vref": vref}
            if self._model == "js220"
            else {"s/i/range/select": "auto", "s/extio/voltage": "3.3V"}
        )
        for topic, value in settings.items():
            self._publish(topic, value)

    def _supply(self, voltage_V: float | None) -> None:  # noqa: ARG002 - it has none
        raise RigError(f"{self.address} does not supply: it measures what another supply gives", hint="power the board")

    def _begin(self) -> None:
        recorder = _Recorder(self._driver, self._path, self._inputs, self._clock)
        try:
            self._try(lambda: recorder.start(self._publish), "it does not start")
        except RigError:
            recorder.unsubscribe()
            raise
        self._recorder = recorder
        if not recorder.flowing.wait(_SILENCE_S):
            self._recorder = None
            self._end_stream(recorder)
            raise self._failed("it does not start", f"it sent nothing for {_SILENCE_S:g} s")

    def _end(self) -> Trace:
        recorder, self._recorder = self._recorder, None
        assert recorder is not None  # noqa: S101 - `stop` sees to it
        recorder.finish()
        self._end_stream(recorder)
        if recorder.fault:
            raise self._failed(f"it stopped after {recorder.seconds:.3f} s of measuring", recorder.fault)
        recorder.check(self.address)
        return assemble(f"Joulescope {self.address}", recorder.current, recorder.levels, self._accuracy)

    def _end_stream(self, recorder: _Recorder) -> None:
        with contextlib.suppress(Exception):  # it may be gone
            recorder.stop(self._publish)
        recorder.unsubscribe()

    def _release(self) -> None:
        if self._recorder is not None:
            self._end_stream(self._recorder)
        with contextlib.suppress(Exception):  # it may be gone
            if self._path:
                self._driver.close(self._path)
        with contextlib.suppress(Exception):
            self._driver.finalize()

    def _publish(self, topic: str, value: object) -> None:
        self._try(lambda: self._driver.publish(f"{self._path}/{topic}", value), f"'{topic}' cannot be set to {value}")

    def _try(self, what: Callable[[], Any], failed: str) -> Any:
        try:
            return what()
        except (RuntimeError, TimeoutError, OSError, ValueError) as error:
            raise self._failed(failed, str(error)) from error

    def _failed(self, what: str, cause: str) -> RigError:
        return RigError(
            f"Joulescope {self.address}: {what}",
            cause=cause,
            hint="check its USB cable and udev rule, and that no other program has it",
        )


class _Recorder:
    """Takes the pieces of a measurement as the library's thread brings them.

    Attributes:
        current: pieces of current.
        levels: pieces of each digital input, by its name.
        flowing: set when current has come.
        fault: what ended it before its time, in words.
    """

    def __init__(self, driver: Any, path: str, inputs: int, clock: Callable[[], float]) -> None:
        self.current: list[Piece] = []
        self.levels: dict[str, list[Piece]] = {f"GPI{number}": [] for number in range(inputs)}
        self.flowing = threading.Event()
        self.fault = ""
        self._driver = driver
        self._path = path
        self._clock = clock
        self._arrivals: Arrivals | None = None
        self._changed = threading.Condition()
        self._signals = [f"s/gpi/{number}" for number in range(inputs)] + [_CURRENT]
        # The very same bound methods must be given to unsubscribe.
        self._taker, self._loser = self._take, self._lose

    @property
    def seconds(self) -> float:
        """How long the samples last that came."""
        return self._arrivals.seconds if self._arrivals else 0.0

    def start(self, publish: Callable[[str, object], None]) -> None:
        """Have everything sent; current last, so that marks are there when it comes."""
        self._driver.subscribe(_REMOVED, "pub", self._loser)
        for signal in self._signals:
            self._driver.subscribe(f"{self._path}/{signal}/!data", "pub", self._taker)
            publish(f"{signal}/ctrl", 1)

    def stop(self, publish: Callable[[str, object], None]) -> None:
        """Have nothing sent any more."""
        for signal in self._signals:
            publish(f"{signal}/ctrl", 0)

    def unsubscribe(self) -> None:
        """Nothing is taken any more."""
        topics = [(f"{self._path}/{signal}/!data", self._taker) for signal in self._signals]
        for topic, function in [*topics, (_REMOVED, self._loser)]:
            with contextlib.suppress(Exception):  # it may not have been subscribed
                self._driver.unsubscribe(topic, function)

    def finish(self) -> None:
        """Wait for what is on its way."""
        with self._changed:
            if self._arrivals is not None:
                self._arrivals.call_off(self._clock())
            if not self._changed.wait_for(self._is_over, timeout=_SILENCE_S):
                self.fault = "its current, or the levels of a digital input, came no more"

    def check(self, address: str) -> None:
        """Hold what came against the clock.

        Raises:
            RigError: too little came.
        """
        (self._arrivals or Arrivals(1.0)).check(address)

    def _is_over(self) -> bool:
        levels = min((pieces[-1].end if pieces else 0 for pieces in self.levels.values()), default=0)
        marked = bool(self.current) and levels >= self.current[-1].start
        return bool(self.fault) or (marked and (self._arrivals is None or self._arrivals.is_over(self._clock())))

    def _take(self, topic: str, value: dict[str, Any]) -> None:
        """In the library's thread."""
        signal = topic.removeprefix(f"{self._path}/").removesuffix("/!data")
        data = value["data"]
        if signal != _CURRENT:
            data = np.unpackbits(data, bitorder="little").astype(np.bool_)
        piece = Piece(int(value["sample_id"]), int(value["decimate_factor"]), int(value["sample_rate"]), data)
        with self._changed:
            if signal == _CURRENT:
                self.current.append(piece)
                self._note(piece)
            else:
                self.levels[f"GPI{signal.rpartition('/')[2]}"].append(piece)
            self._changed.notify_all()

    def _note(self, piece: Piece) -> None:
        if self._arrivals is None:
            self._arrivals = Arrivals(piece.rate_hz)
        self._arrivals.note(self._clock(), (piece.end - self.current[0].start) // piece.step)
        self.flowing.set()

    def _lose(self, topic: str, value: object) -> None:  # noqa: ARG002 - the library gives both
        """In the library's thread."""
        if value == self._path:
            with self._changed:
                self.fault = "it was unplugged"
                self._changed.notify_all()
