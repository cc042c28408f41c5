"""A JS110 or JS220 behind `pyjoulescope_driver.Driver`: its topics and the dictionaries that it hands to subscribers.

That is the narrowest boundary that can be reached: below it are the maker's C library, with libusb linked into it, and
USB. Topics, rates, decimation, packing of levels and the counter are as in github.com/jetperch/joulescope_driver
(doc/js220.txt, src/devices/js220/js220_usb.c, js110_usb.c, pyjoulescope_driver/binding.pyx).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.power.instruments.sampled import SampledTime

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.power.instruments.source import Source

COUNTER_HZ = 2_000_000
AHEAD = 800
"""Of the counter, by which levels are ahead of the current."""
_BLOCK = 2000
"""Of the counter in each round: 1 ms."""
_SETTINGS = {
    "js220": {"s/i/range/mode": ("auto", "manual", "off"), "c/gpio/vref": ("external", "3v3")},
    "js110": {"s/i/range/select": ("auto", "10 A", "off"), "s/extio/voltage": ("0V", "1.8V", "3.3V", "5.0V")},
}


@dataclass
class Joulescope:
    """A driver with its devices; called, it is itself, as `Driver()` is.

    Attributes:
        source: what the device that is opened measures.
        paths: of the devices that are plugged in.
        lost: by the number of a round, blocks of this signal that do not come.
        nans: rounds in which samples are no numbers.
        repeated: rounds whose current begins in the round before.
        removed_after, silent_after, quiet_gpi_after: numbers of rounds.
        taken: whether another program has it.
    """

    source: Source
    paths: tuple[str, ...] = ("u/js220/001234",)
    time: SampledTime = field(default_factory=SampledTime)
    gain: float = 1.0
    begin: int = 2**33 + 12_346
    lost: dict[int, str] = field(default_factory=dict)
    nans: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    removed_after: int | None = None
    silent_after: int | None = None
    quiet_gpi_after: int | None = None
    taken: bool = False

    opened: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    finalized: bool = False
    error: BaseException | None = None
    _subscribers: dict[str, list[Callable[[str, Any], None]]] = field(default_factory=dict)
    _thread: threading.Thread | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _round: int = 0

    def __call__(self) -> Joulescope:
        return self

    def device_paths(self, timeout: float | None = None) -> list[str]:  # noqa: ARG002 - as the driver has it
        return list(self.paths)

    def open(self, device_prefix: str, mode: str | None = None, timeout: float | None = None) -> None:  # noqa: ARG002
        if self.taken:
            raise RuntimeError("open failed 4 | BUSY")
        assert device_prefix in self.paths
        assert mode == "defaults"
        self.opened = device_prefix

    def close(self, device_prefix: str, timeout: float | None = None) -> None:  # noqa: ARG002
        assert device_prefix == self.opened
        self._end()
        self.opened = ""

    def finalize(self, timeout: float | None = None) -> None:  # noqa: ARG002
        self._end()
        self.finalized = True

    def query(self, topic: str, timeout: float | None = None) -> int:  # noqa: ARG002
        assert topic == f"{self.opened}/c/fw/version"
        if self._model == "js110":
            raise RuntimeError("query failed 7 | NOT_FOUND")
        return 1 << 24 | 2 << 16 | 3

    def publish(self, topic: str, value: object, timeout: float | None = None) -> None:  # noqa: ARG002
        name = topic.removeprefix(f"{self.opened}/")
        if name in _SETTINGS[self._model]:
            assert value in _SETTINGS[self._model][name]
        elif name.removesuffix("/ctrl") not in self._signals:
            raise RuntimeError(f"publish {topic} failed 5 | NOT_FOUND")
        self.settings[name] = value
        if name == "s/i/ctrl":
            self._end()
            if value:
                self._ended.clear()
                self._round = 0
                self._thread = threading.Thread(target=self._run, name="joulescope", daemon=True)
                self._thread.start()

    def subscribe(self, topic: str, flags: str, fn: Callable[[str, Any], None], timeout: float | None = None) -> None:  # noqa: ARG002
        assert flags == "pub"
        self._subscribers.setdefault(topic, []).append(fn)

    def unsubscribe(self, topic: str, fn: Callable[[str, Any], None], timeout: float | None = None) -> None:  # noqa: ARG002
        # As the library: the very same object, not one that is equal to it.
        self._subscribers[topic] = [each for each in self._subscribers[topic] if each is not fn]

    @property
    def subscribed(self) -> set[str]:
        return {topic for topic, functions in self._subscribers.items() if functions}

    @property
    def _model(self) -> str:
        return self.opened.split("/")[1]

    @property
    def _signals(self) -> list[str]:
        return ["s/i"] + [f"s/gpi/{number}" for number in range(2 if self._model == "js110" else 4)]

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
            assert not self._thread.is_alive()
        self._thread = None

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                if self.removed_after is not None and self._round >= self.removed_after:
                    self._say("@/!remove", self.opened)
                    return
                if self.silent_after is not None and self._round >= self.silent_after:
                    return
                self._send()
                self._round += 1
                self.time.pass_to(self._round * _BLOCK / COUNTER_HZ)
        except BaseException as error:
            self.error = error
            raise

    def _send(self) -> None:
        """One round of every signal; the levels run ahead of the current."""
        begin = self.begin + self._round * _BLOCK
        for signal in reversed(self._signals):
            if not self.settings.get(f"{signal}/ctrl") or self.lost.get(self._round) == signal:
                continue
            if signal == "s/i":
                self._send_current(begin)
            elif self.quiet_gpi_after is None or self._round < self.quiet_gpi_after:
                self._send_levels(signal, begin + AHEAD)

    def _send_current(self, begin: int) -> None:
        step = 1 if self._model == "js110" else 2
        if self._round in self.repeated:
            begin -= 200 * step
        count = self.begin + (self._round + 1) * _BLOCK - begin
        times = (np.arange(begin, begin + count, step) - self.begin) / COUNTER_HZ
        data = np.array([self.source.current_A(time_s) for time_s in times], np.float32) * np.float32(self.gain)
        if self._round in self.nans:
            data[100:110] = np.nan
        self._stream("s/i", begin, step, data)

    def _send_levels(self, signal: str, begin: int) -> None:
        times = (np.arange(begin, begin + _BLOCK) - self.begin) / COUNTER_HZ
        channel = f"GPI{signal.rpartition('/')[2]}"
        levels = [self.source.mark(channel, time_s) for time_s in times]
        self._stream(signal, begin, 1, np.packbits(np.array(levels, np.uint8), bitorder="little"))

    def _stream(self, signal: str, begin: int, step: int, data: Any) -> None:
        value = {
            "sample_id": begin,
            "utc": 0,
            "field_id": 1,
            "index": 0,
            "sample_rate": COUNTER_HZ,
            "decimate_factor": step,
            "time_map": {"offset_time": 0, "offset_counter": 0, "counter_rate": float(COUNTER_HZ)},
            "data": data,
        }
        self._say(f"{self.opened}/{signal}/!data", value)

    def _say(self, topic: str, value: object) -> None:
        for function in list(self._subscribers.get(topic, ())):
            function(topic, value)
