"""Nordic's Power Profiler Kit II through ppk2lab: ``ppk2:/dev/ttyACM0?mode=source&voltage=3.0``.

It samples current and eight digital inputs, D0 to D7, at 100 kHz. Its counter of samples has six bits: a loss of an
exact multiple of 64 samples cannot be seen in it, and is told by the clock from some 100 ms on; within a
window of the marker by the cycles of its steps (`hil.power.window_cycles`).

Of the library only what speaks to the device is used: its port, its commands, its metadata and its parser of the
stream. It would simulate a device where an environment variable says so; here it never does.
"""

from __future__ import annotations

import contextlib
import math
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.errors import RigError
from hil.power.arrivals import Arrivals
from hil.power.managed import ManagedMeter
from hil.power.meter import MeterIdentity
from hil.power.packages import load
from hil.power.ppk2_samples import ACCURACY, RATE_HZ, STATED, Calibration, convert
from hil.power.trace import Gap, Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hil.power.address import MeterAddress

_MODES: Final = ("source", "ampere")
_LEAST_V: Final = 0.8
_MOST_V: Final = 5.0
_SILENCE_S: Final = 1.0
_JOIN_S: Final = 4.0
"""The library ends a stream within a second of silence; one of nonsense it would read for ever."""


class Ppk2Meter(ManagedMeter):
    """A PPK2.

    Args:
        address: its port; options ``mode`` (``source``: it powers the board; ``ampere``: the board's own supply runs
            through it) and ``voltage`` of that supply in V, which its calibration needs in both.
        clock: time in seconds.

    Raises:
        RigError: the port is missing, in use or not permitted, no PPK2 answers there, or it cannot do this voltage.
    """

    def __init__(self, address: MeterAddress, *, clock: Callable[[], float]) -> None:
        address.allow("mode", "voltage")
        super().__init__(address.text)
        self._at = address
        mode = address.choice("mode", _MODES)
        voltage_V = address.number("voltage", least=_LEAST_V, most=_MOST_V)
        self._clock = clock
        self._library: Any = load("ppk2lab", "ppk2lab", "PPK2", "Mode", "Ppk2labError", "GapEvent")
        self._voltage_V: float | None = None
        self._recorder: _Recorder | None = None
        try:
            self._device: Any = self._library.PPK2.open(port=address.device, simulate=False, max_voltage_mv=None)
        except self._library.Ppk2labError as error:
            raise self._refused(error) from error
        try:
            self._calibrations = self._read_calibration()
            self._set_mode(mode)
            if voltage_V is not None:
                self.supply(voltage_V)
        except BaseException:
            self.close()
            raise

    def identify(self) -> MeterIdentity:
        """What it is; it tells no firmware version over this port, but the revision of its hardware."""
        info, metadata = self._device.info, self._device.metadata
        hardware = "" if metadata.hw is None else f"hardware {metadata.hw}"
        return MeterIdentity("PPK2", info.serial_number or "", hardware, ACCURACY, STATED)

    def _supply(self, voltage_V: float | None) -> None:
        if voltage_V is None:
            self._voltage_V = None
            self._ask(lambda: self._device.set_dut_power(False))
            return
        millivolts = round(self._at.voltage_V(voltage_V, _LEAST_V, _MOST_V) * 1000)
        change = self._ask(lambda: self._device.set_source_voltage_mv(millivolts))
        if not change.observed_after or self._device.state.source_voltage_mv != millivolts:
            raise self._none(
                f"it was told to supply {millivolts} mV, and says {'; '.join(change.warnings) or 'nothing'}"
            )
        self._ask(lambda: self._device.set_dut_power(True))
        self._voltage_V = voltage_V

    def _begin(self) -> None:
        if self._voltage_V is None:
            raise RigError(
                f"{self.address} has no voltage: nothing powers the board, and its calibration needs one",
                hint="add &voltage=… to its address",
            )
        recorder = _Recorder(self._device, self._library, self._clock)
        recorder.start()
        if recorder.error is not None:
            raise self._lost(recorder)
        self._recorder = recorder

    def _end(self) -> Trace:
        recorder, self._recorder = self._recorder, None
        assert recorder is not None  # noqa: S101 - `stop` sees to it
        recorder.finish()
        if recorder.error is not None:
            raise self._lost(recorder)
        return self._trace(recorder)

    def _release(self) -> None:
        with contextlib.suppress(Exception):  # what fails now was told before, or is nobody's concern any more
            if self._recorder is not None:
                self._recorder.finish()
        with contextlib.suppress(Exception):
            self._device.close()

    def _trace(self, recorder: _Recorder) -> Trace:
        recorder.arrivals.check(self.address)
        words = np.concatenate(recorder.words)
        number = np.concatenate(recorder.numbers)
        assert self._voltage_V is not None  # noqa: S101 - `_begin` sees to it
        samples = convert(words, self._calibrations, self._voltage_V)
        if not np.isfinite(samples.current_A).all():
            bad = samples.ranges[~np.isfinite(samples.current_A)]
            raise RigError(
                f"{self.address} measured {len(bad)} samples in range {bad[0]}, of which it has no calibration",
                hint="calibrate it, or return it: Nordic calibrates each before it is sold",
            )
        return Trace(
            instrument=f"PPK2 {self.address}",
            time_s=number / RATE_HZ,
            current_A=samples.current_A,
            sample_rate_hz=RATE_HZ,
            accuracy=ACCURACY,
            marks=samples.marks,
            ranges=samples.ranges,
            outside=samples.outside,
            settling=samples.settling,
            gaps=tuple(recorder.gaps),
        )

    def _set_mode(self, mode: str) -> None:
        wanted = self._library.Mode[mode.upper()]
        change = self._ask(lambda: self._device.set_mode(wanted))
        if not change.observed_after or self._device.state.mode is not wanted:
            raise self._none(f"mode {mode} was asked for, and it does not say that it is in it")

    def _read_calibration(self) -> dict[int, Calibration]:
        """By range; those that lack a constant are left out."""
        metadata, found = self._device.metadata, {}
        for number in ACCURACY:
            values = [metadata.cal[name][number] for name in ("R", "GS", "GI", "O", "S", "I", "UG")]
            if all(value is not None and math.isfinite(value) for value in values) and values[0] > 0:
                found[number] = Calibration(*values)
        if not metadata.terminated or not found:
            said = metadata.raw_text[:40].encode("unicode_escape").decode()
            raise self._none(f"its answer has no calibration: '{said}'")
        return found

    def _ask(self, what: Callable[[], Any]) -> Any:
        try:
            return what()
        except self._library.Ppk2labError as error:
            if error.code == "VOLTAGE_OUT_OF_RANGE":  # a ceiling that the user has set for the library
                raise RigError(f"{self.address} may not supply that much", cause=error.message) from error
            raise self._none(error.message) from error

    def _refused(self, error: Any) -> RigError:
        """The sentence for a port that does not open."""
        device, cause = self._at.device, error.message
        if error.code == "DEVICE_NOT_FOUND":
            return RigError(
                f"there is no port {device}", cause=cause, hint="'ppk2lab discover' lists the PPK2s there are"
            )
        if error.code == "PERMISSION_DENIED":
            join = "add yourself to its group ('sudo usermod -aG dialout $USER') and log in again"
            return RigError(f"no permission to open port {device}", cause=cause, hint=join)
        if error.code == "PORT_BUSY":
            return RigError(f"port {device} is in use by another program", cause=cause, hint="close the other program")
        return self._none(cause)

    def _none(self, cause: str) -> RigError:
        return RigError(
            f"no PPK2 answers as it should on port {self._at.device}",
            cause=cause,
            hint="check that this is the first of its two ports; unplug it and plug it in again",
        )

    def _lost(self, recorder: _Recorder) -> RigError:
        error = recorder.error
        said = f"PPK2 on port {self._at.device} stopped after {recorder.arrivals.seconds:.3f} s of measuring"
        hint = "check its USB cable, and measure again: what came before is not used"
        return RigError(said, cause=getattr(error, "message", None) or str(error), hint=hint)


class _Recorder:
    """Takes the stream of a measurement, in a thread, as it comes.

    Attributes:
        words: samples, in pieces.
        numbers: the number of each sample on the device's count, in pieces.
        gaps: what is missing.
        arrivals: when they came.
        error: what ended the stream before its time.
    """

    def __init__(self, device: Any, library: Any, clock: Callable[[], float]) -> None:
        self.words: list[NDArray[np.uint32]] = []
        self.numbers: list[NDArray[np.int64]] = []
        self.gaps: list[Gap] = []
        self.arrivals = Arrivals(RATE_HZ)
        self.error: Exception | None = None
        self._device = device
        self._library = library
        self._clock = clock
        self._flowing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ppk2 recorder", daemon=True)

    def start(self) -> None:
        """Returns when samples come, or with an error."""
        self._thread.start()
        if not self._flowing.wait(2 * _SILENCE_S):
            self.error = TimeoutError(f"nothing came within {2 * _SILENCE_S:g} s")

    def finish(self) -> None:
        """Take what is on its way and end the stream."""
        self.arrivals.call_off(self._clock())
        self._thread.join(_JOIN_S)
        if self._thread.is_alive():
            with contextlib.suppress(Exception):  # its reader ends with its port
                self._device.transport.close()
            self._thread.join(_JOIN_S)
            self.error = ValueError("what it sends are no samples")

    def _run(self) -> None:
        try:
            with self._device.stream(idle_timeout_s=_SILENCE_S) as events:
                for event in events:
                    self._take(event)
                    if self.arrivals.is_over(self._clock()):
                        break
        except Exception as error:  # noqa: BLE001 - told where the measurement ends
            self.error = error
        finally:
            self._flowing.set()

    def _take(self, event: Any) -> None:
        if isinstance(event, self._library.GapEvent):
            missing = event.missing or 0
            counted = f"{missing} samples were lost, or a multiple of 64 more"
            reason = counted if missing else "samples were lost, nobody knows how many"
            self.gaps.append(
                Gap(event.index / RATE_HZ, (event.index + missing) / RATE_HZ, f"{reason} ({event.reason})")
            )
            return
        self.words.append(np.frombuffer(event.words, dtype=np.uint32).copy())
        self.numbers.append(np.arange(event.start_index, event.end_index))
        self.arrivals.note(self._clock(), event.end_index)
        self._flowing.set()
