"""Qoitech's Otii Arc and Ace by their server: ``otii:localhost:1905/My Ace?voltage=3.0``.

The server is Otii 3 or ``otii_server``; its API needs a reserved Automation Toolbox licence. They supply the board, or
not, and sample current and two digital inputs, GPI1 and GPI2, at 4 kHz (Arc) and 50 kHz (Ace). The server records; what
it recorded is fetched at the end.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hil.errors import RigError
from hil.nearest import offer
from hil.power.accuracy import Accuracy
from hil.power.managed import ManagedMeter
from hil.power.meter import MeterIdentity
from hil.power.otii_connection import OtiiConnection
from hil.power.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from hil.power.address import MeterAddress

_PORT: Final = 1905
_INPUTS: Final = {"GPI1": "i1", "GPI2": "i2"}
_CURRENT: Final = "mc"
_LEAST_V: Final = 0.5
_MOST_V: Final = 5.0
_ACCURACY: Final = {
    "Arc": {0: Accuracy(0.001, 50e-9), 1: Accuracy(0.001, 150e-6)},
    "Ace": {0: Accuracy(0.0005, 25e-9), 1: Accuracy(0.0005, 150e-6)},
}
"""By type and range. A device of type Simulator is none of them: it measures nothing."""
_STATED: Final = (
    "low currents: qoitech.com, How accurate is your current measurement; above 20 mA: an Arc's (recalled), "
    "and an Ace's taken for as good"
)
_LOW_A: Final = 20e-3
_MOST_A: Final = 5.0
_RATE_SLACK: Final = 0.001
_MISSING_SLACK: Final = 2
"""Samples by which a recording may be shorter than its time says: its ends are rounded."""


class OtiiMeter(ManagedMeter):
    """An Otii Arc or Ace.

    Args:
        address: host, port and name of the device as its server shows it (none: the only one); option ``voltage`` of
            its supply in V.
        clock: not used: the server keeps the time.

    Raises:
        RigError: there is no server, no licence, no such device, or it cannot supply this voltage.
    """

    def __init__(self, address: MeterAddress, *, clock: Callable[[], float]) -> None:  # noqa: ARG002 - see above
        address.allow("voltage")
        super().__init__(address.text)
        self._at = address
        host, port, name = _parts(address)
        voltage_V = address.number("voltage", least=_LEAST_V, most=_MOST_V)
        self._connection = OtiiConnection(address.text, host, port)
        self._powered = False
        self._project: Any = None
        try:
            self._ask("whether it has a licence", self._check_licence)
            self._device = self._choose(name)
            self._ask("its version", self._read_version)
            self._ask("a project", self._prepare)
            if voltage_V is not None:
                self.supply(voltage_V)
        except BaseException:
            self.close()
            raise

    def identify(self) -> MeterIdentity:
        """What it is."""
        accuracy = _ACCURACY[self._device.type]
        return MeterIdentity(f"Otii {self._device.type}", str(self._device.id), self._firmware, accuracy, _STATED)

    def _check_licence(self) -> None:
        if not self._connection.otii.has_license("Automation"):
            raise RigError(
                f"the Otii server of {self.address} has no licence for its API reserved",
                hint="log in there, and reserve an Automation Toolbox licence",
            )

    def _choose(self, name: str) -> Any:
        devices = list(self._ask("its devices", lambda: self._connection.otii.get_devices(timeout=1)))
        fitting = [each for each in devices if each.type in _ACCURACY and (not name or each.name == name)]
        if len(fitting) == 1:
            return fitting[0]
        names = [each.name for each in devices]
        if len(fitting) > 1:
            raise RigError(f"the Otii server of {self.address} has several devices", hint=offer("", names, "devices"))
        hint = offer(name, names, "devices") if names else "plug it in, and see that the server shows it"
        raise RigError(f"the Otii server of {self.address} has no device{f' {name}' * bool(name)}", hint=hint)

    def _read_version(self) -> None:
        self._firmware = str(self._device.get_version()["fw_version"])

    def _prepare(self) -> None:
        self._project = self._connection.otii.create_project()
        self._device.add_to_project()
        for channel in (_CURRENT, *_INPUTS.values()):
            self._device.enable_channel(channel, True)

    def _supply(self, voltage_V: float | None) -> None:
        if voltage_V is None:
            self._powered = False
            self._ask("to switch its supply off", lambda: self._device.set_main(False))
            return
        wanted_V = self._at.voltage_V(voltage_V, _LEAST_V, _MOST_V)
        self._ask(f"to supply {wanted_V:g} V", lambda: self._device.set_main_voltage(wanted_V))
        self._ask("to switch its supply on", lambda: self._device.set_main(True))
        self._powered = True

    def _begin(self) -> None:
        self._ask("to record", self._project.start_recording)

    def _end(self) -> Trace:
        self._ask("to stop recording", self._project.stop_recording)
        recording = self._ask("its recording", self._project.get_last_recording)
        if recording is None:
            raise self._bad("it has no recording")
        if not self._ask("whether it is connected", self._device.is_connected):
            raise self._bad("the device was unplugged")
        current_A, begin_s, rate_hz = self._ask("the current", lambda: self._fetch_current(recording))
        in_high = self._ask("its range", self._device.get_range) == "high"  # else it ranges by itself
        time_s = np.arange(len(current_A)) / rate_hz
        levels = self._ask("its digital inputs", lambda: self._fetch_inputs(recording, time_s + begin_s))
        self._ask("to forget the recording", recording.delete)
        return Trace(
            instrument=f"Otii {self.address}",
            time_s=time_s,
            current_A=current_A,
            sample_rate_hz=rate_hz,
            accuracy=_ACCURACY[self._device.type],
            marks=levels,
            ranges=(in_high | (np.abs(current_A) >= _LOW_A)).astype(np.int8),
            outside=np.abs(current_A) > _MOST_A,
        )

    def _fetch_current(self, recording: Any) -> tuple[NDArray[np.float64], float, float]:
        """Current, time of its first sample, and rate; a recording shorter than its own time is refused."""
        info = recording.get_channel_info(self._device.id, _CURRENT)
        rate_hz, lasts_s = float(info["sample_rate"]), float(info["to"]) - float(info["from"])
        count = int(recording.get_channel_data_count(self._device.id, _CURRENT))
        if count <= 0:
            raise self._bad("it holds no samples")
        data = recording.get_channel_data(self._device.id, _CURRENT, 0, count)
        values = np.array(data["values"], dtype=np.float64)
        due = round(lasts_s * rate_hz)
        if len(values) != count or abs(due - count) > _MISSING_SLACK:
            raise self._bad(f"it holds {len(values)} samples, and {due} are due in {lasts_s:g} s at {rate_hz:g} Hz")
        if abs(float(data["interval"]) * rate_hz - 1) > _RATE_SLACK:
            raise self._bad(f"its samples are {data['interval']} s apart, not as {rate_hz:g} Hz are")
        return values, float(data["timestamp"]), rate_hz

    def _fetch_inputs(self, recording: Any, time_s: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
        return {name: self._fetch_levels(recording, name, time_s) for name in _INPUTS}

    def _fetch_levels(self, recording: Any, name: str, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The level at each sample; the server keeps changes."""
        channel = _INPUTS[name]
        count = int(recording.get_channel_data_count(self._device.id, channel))
        if count <= 0:
            return np.zeros(len(time_s), np.bool_)
        changes = recording.get_channel_data(self._device.id, channel, 0, count)["values"]
        if len(changes) != count:
            raise self._bad(f"it holds {len(changes)} of {count} changes of {name}")
        return _levels_at(time_s, changes)

    def _release(self) -> None:
        with contextlib.suppress(RigError):
            if self._powered:
                self._ask("to switch its supply off", lambda: self._device.set_main(False))
        with contextlib.suppress(RigError):
            if self._project is not None:
                self._ask("to close its project", lambda: self._project.close(force=True))
        self._connection.close()

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        return self._connection.ask(what, call)

    def _bad(self, what: str) -> RigError:
        return RigError(
            f"the recording of {self.address} cannot be used: {what}",
            hint="check the device's USB cable, and measure again",
        )


def _levels_at(time_s: NDArray[np.float64], changes: list[Mapping[str, Any]]) -> NDArray[np.bool_]:
    """The level at times, from changes; before the first it was the other."""
    times = np.array([float(each["timestamp"]) for each in changes])
    values = np.array([bool(each["value"]) for each in changes])
    # A change within rounding of a sample's time is at it.
    place = np.searchsorted(times, time_s + 1e-9, side="right")
    return np.concatenate([[not values[0]], values])[place]


def _parts(address: MeterAddress) -> tuple[str, int, str]:
    """Host, port and device."""
    where, _, name = address.device.partition("/")
    host, _, port = where.partition(":")
    if not host or (port and not port.isdecimal()):
        raise address.bad(f"'{where}' is no host and port", "write otii:HOST:PORT/NAME, e.g. otii:localhost:1905/Ace")
    return host, int(port or _PORT), name
