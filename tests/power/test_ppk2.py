"""The PPK2's driver against a simulated one that speaks its protocol on a pty."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.errors import RigError
from hil.power.figures import average_A, charge_C
from hil.power.opening import open_meter
from hil.power.ppk2_samples import Calibration, convert
from hil.power.window import Window, windows_between_marks
from tests.power.instruments.ppk2 import CALIBRATION, RATE_HZ, UP_A, Ppk2
from tests.power.instruments.source import Steps, constant, pulses
from tests.power.instruments.streaming_pty import StreamingPty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.power.meter import Meter
    from hil.power.trace import Trace
    from tests.power.instruments.source import Source


@contextmanager
def opened(device: Ppk2, query: str = "?voltage=3.0") -> Iterator[Meter]:
    with StreamingPty(device) as port, open_meter(f"ppk2:{port.path}{query}", clock=device.time) as meter:
        yield meter


def recorded(device: Ppk2, seconds: float, query: str = "?voltage=3.0") -> Trace:
    with opened(device, query) as meter:
        return measured(meter, device, seconds)


def measured(meter: Meter, device: Ppk2, seconds: float) -> Trace:
    begun_s = device.time()
    meter.start()
    device.time.wait_for(begun_s + seconds + 0.01)  # the first samples have waited for their reader
    return meter.stop()


# Each range near both of its ends and in its middle; as little as it resolves.
CURRENTS = (1e-6, 10e-6, 48e-6, 60e-6, 200e-6, 480e-6, 600e-6, 2e-3, 4.8e-3, 6e-3, 20e-3, 48e-3, 60e-3, 300e-3, 900e-3)


def test_constant_currents_in_every_range() -> None:
    device = Ppk2(constant(0.0))
    with opened(device) as meter:
        for current_A in CURRENTS:
            device.source = constant(current_A)
            made = measured(meter, device, 0.005)
            figure = average_A(made, Window(0.001, 0.004))
            assert figure.samples == 300
            assert abs(figure.value - current_A) <= figure.uncertainty
            assert figure.uncertainty <= (0.15 * current_A + 1e-3) / 0.85
            # What is left over is the code's last bit, not the instrument's whole accuracy.
            assert figure.value == pytest.approx(current_A, rel=0.02, abs=20e-9)
            assert made.ranges is not None
            assert set(made.ranges[100:]) == {sum(current_A > up for up in UP_A)}


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_device_as_wrong_as_it_may_be_is_within_what_is_stated(sign: int) -> None:
    device = Ppk2(constant(0.0), gain=tuple(1 + sign * share for share in (0.099, 0.099, 0.099, 0.099, 0.149)))
    with opened(device) as meter:
        for current_A in (30e-6, 300e-6, 3e-3, 30e-3, 300e-3):
            device.source = constant(current_A)
            figure = average_A(measured(meter, device, 0.005), Window(0.001, 0.004))
            assert 0.09 * current_A < abs(figure.value - current_A) <= figure.uncertainty


@pytest.mark.parametrize(
    ("rest_A", "active_A"), [(2e-6, 900e-6), (900e-6, 4e-3), (5e-6, 30e-3), (1e-3, 1.2e-3), (20e-6, 400e-3)]
)
def test_every_window_is_cut_at_its_mark(rest_A: float, active_A: float) -> None:
    source = pulses(rest_A, active_A, rest_s=0.00203, active_s=0.00341)
    made = recorded(Ppk2(source), 0.04)
    windows = windows_between_marks(made, "D0")
    assert len(windows) >= 6
    for number, window in enumerate(windows):
        begin_s = number * source.period_s + 0.00203
        assert abs(window.begin_s - begin_s) <= window.uncertainty_s + 1e-9
        assert abs(window.end_s - (begin_s + 0.00341)) <= window.uncertainty_s + 1e-9
        assert window.uncertainty_s == pytest.approx(1 / RATE_HZ)
        average, charge = average_A(made, window), charge_C(made, window)
        assert abs(average.value - active_A) <= average.uncertainty
        assert average.value == pytest.approx(active_A, rel=0.02)
        assert abs(charge.value - active_A * 0.00341) <= charge.uncertainty
    assert not any(made.marks[f"D{bit}"].any() for bit in range(1, 8))


@pytest.mark.parametrize("channel", ["D1", "D7"])
def test_other_channels(channel: str) -> None:
    source = Steps(((1e-3, 0.001, False), (2e-3, 0.001, True)), channel=channel)
    made = recorded(Ppk2(source), 0.01)
    assert len(windows_between_marks(made, channel)) >= 4
    assert windows_between_marks(made, "D0") == ()


def test_a_stepped_current_over_all_ranges() -> None:
    """Every step up and down through all ranges, averaged over whole periods, with the switches' samples paid for."""
    levels = (20e-6, 200e-6, 2e-3, 20e-3, 200e-3, 20e-6, 20e-3, 200e-6)
    source = Steps(tuple((level, 0.001, False) for level in levels))
    made = recorded(Ppk2(source), 0.04)
    assert made.ranges is not None
    assert set(made.ranges) == {0, 1, 2, 3, 4}
    figure = average_A(made, Window(0.008, 0.032))
    assert abs(figure.value - sum(levels) / len(levels)) <= figure.uncertainty
    assert figure.value == pytest.approx(sum(levels) / len(levels), rel=0.02)
    assert made.settling is not None
    assert 8 * 4 * 3 <= made.settling.sum() <= 8 * 6 * 5


def test_the_formula_by_hand() -> None:
    """Code 1000 in range 2 at 3 V: 4000 - 105.1 = 3894.9, each of them 1.8 V / 163840 / 10.3027 ohms = 1.066354 µA, are
    4.153343 mA; times (0.9 * 4.153343e-3 + 0.9966) 4.154747 mA; with 0.57 µA - 0.41 µA 4.154907 mA; times 0.992
    4.121668 mA.
    """
    at = Calibration(*(CALIBRATION[name][2] for name in ("R", "GS", "GI", "O", "S", "I", "UG")))
    words = np.array([1000 | 2 << 14 | 5 << 18 | 0b1000_0001 << 24], dtype=np.uint32)
    samples = convert(words, {2: at}, 3.0)
    assert samples.current_A[0] == pytest.approx(4.121668e-3, rel=1e-6)
    assert samples.ranges[0] == 2
    assert [name for name, level in samples.marks.items() if level[0]] == ["D0", "D7"]


@pytest.mark.parametrize("missing", [1, 5, 63, 200])
def test_lost_samples_are_a_gap_and_never_averaged(missing: int) -> None:
    source = pulses(1e-3, 3e-3, rest_s=0.002, active_s=0.003)
    made = recorded(Ppk2(source, lost={850: missing}), 0.025)  # within the window from 7 ms to 10 ms
    (gap,) = made.gaps
    assert gap.begin_s == pytest.approx(0.0085)
    assert gap.end_s - gap.begin_s == pytest.approx(missing % 64 / RATE_HZ)
    windows = windows_between_marks(made, "D0")
    with pytest.raises(
        RigError, match=r"misses samples from 0\.008500 s on: \d+ samples were lost, or a multiple of 64 more"
    ):
        average_A(made, windows[1])
    for window in (windows[0], windows[2]):
        assert average_A(made, window).value == pytest.approx(3e-3, rel=0.02)
    with pytest.raises(RigError, match="misses samples"):
        average_A(made)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_bytes_lost_on_the_wire_are_never_averaged(count: int) -> None:
    source = pulses(1e-3, 3e-3, rest_s=0.002, active_s=0.003)
    made = recorded(Ppk2(source, cut={850: count}), 0.05)
    assert len(made.gaps) == 1
    assert made.gaps[0].begin_s <= 0.0085
    assert "nobody knows how many" in made.gaps[0].reason
    refused = 0
    for window in windows_between_marks(made, "D0"):
        try:
            assert average_A(made, window).value == pytest.approx(3e-3, rel=0.02)
        except RigError:
            refused += 1
    assert refused <= 1
    with pytest.raises(RigError, match="misses samples"):
        average_A(made)


def test_samples_that_its_counter_cannot_miss_are_missed_by_the_clock() -> None:
    with pytest.raises(RigError, match=r"sent samples for 0\.\d+ s in [01]\.\d+ s: some were lost unseen"):
        recorded(Ppk2(constant(1e-3), stalls_s={20_000: 0.64}), 0.5)


def test_a_current_beyond_its_highest_range_is_refused() -> None:
    made = recorded(Ppk2(Steps(((1e-3, 0.002, False), (20.0, 0.001, False)))), 0.01)
    assert average_A(made, Window(0.0003, 0.0018)).value == pytest.approx(1e-3, rel=0.02)
    with pytest.raises(RigError, match="samples that the instrument does not stand for"):
        average_A(made)


def test_a_device_stuck_in_a_range_is_refused() -> None:
    made = recorded(Ppk2(constant(5e-3), fixed_range=0), 0.005)
    with pytest.raises(RigError, match="the current was at the end of its range or beyond"):
        average_A(made)


def test_unplugged_while_it_measures() -> None:
    device = Ppk2(constant(1e-3), unplug_after=5000)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.05)
        device.time.pass_to(0.5)
        with pytest.raises(
            RigError, match=r"PPK2 on port .* stopped after 0\.0\d+ s of measuring\n.*stream interrupted"
        ):
            meter.stop()


def test_nonsense_while_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would look for a sample in it for ever."""
    monkeypatch.setattr("hil.power.ppk2._JOIN_S", 1.0)
    device = Ppk2(constant(1e-3), nonsense_after=1000)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.05)
        with pytest.raises(RigError, match=r"stopped after 0\.01\d+ s of measuring\n.*what it sends are no samples"):
            meter.stop()


def test_silence_while_it_measures() -> None:
    device = Ppk2(constant(1e-3), silent_after=1000)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.01)
        device.time.pass_to(0.5)
        with pytest.raises(RigError, match=r"stopped after 0\.010 s of measuring(.|\n)*no data from the device"):
            meter.stop()


def test_silence_from_the_start() -> None:
    with opened(Ppk2(constant(1e-3), silent_after=0)) as meter:
        with pytest.raises(RigError, match=r"stopped after 0\.000 s of measuring"):
            meter.start()
        with pytest.raises(RigError, match="does not measure"):
            meter.stop()


class _Other:
    """Something else on the port: it says the same, whatever it hears; if `babbles`, all the time."""

    def __init__(self, says: bytes, *, babbles: bool = False) -> None:
        self._says = says
        self._babbles = babbles

    def feed(self, data: bytes) -> bytes:
        return self._says if b"\x19" in data else b""

    def stream(self) -> bytes:
        return self._says if self._babbles else b""


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        (_Other(b""), "device sent no metadata reply"),
        (_Other(b"unknown command\r\n"), "its answer has no calibration: 'unknown command"),
        (_Other(b"hello\nEND\n"), "its answer has no calibration: 'hello"),
        (_Other(b"temperature 21 C\r\n", babbles=True), "its answer has no calibration: '[a-z 0-9]*C"),
    ],
)
def test_what_is_no_ppk2_is_said(other: _Other, cause: str) -> None:
    with (
        StreamingPty(other) as port,
        pytest.raises(RigError, match=f"no PPK2 answers as it should on port {port.path}(.|\n)*{cause}"),
    ):
        open_meter(f"ppk2:{port.path}")


def test_a_range_without_calibration_is_refused_where_it_is_used() -> None:
    device = Ppk2(Steps(((1e-3, 0.002, False), (20e-3, 0.002, False))), leave_out=("GI3",))
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.01)
        with pytest.raises(RigError, match="samples in range 3, of which it has no calibration"):
            meter.stop()
    device = Ppk2(constant(1e-3), leave_out=("GI3",))
    assert average_A(recorded(device, 0.005), Window(0.001, 0.004)).value == pytest.approx(1e-3, rel=0.02)


def test_a_shunt_of_no_ohms_is_no_calibration() -> None:
    """As seen on devices (github.com/IRNAS/ppk2-api-python); another's in its place would be a wrong number."""
    device = Ppk2(constant(1e-3), calibration={**CALIBRATION, "R": (1003.0, 101.0, 0.0, 0.96, 0.05)})
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.005)
        with pytest.raises(RigError, match="samples in range 2, of which it has no calibration"):
            meter.stop()


@pytest.mark.parametrize(("mode", "number"), [("source", 2), ("ampere", 1)])
def test_mode_and_supply(mode: str, number: int) -> None:
    device = Ppk2(constant(1e-3))
    with opened(device, f"?mode={mode}&voltage=1.8") as meter:
        device.wait_until_powered()
        assert (device.mode, device.voltage_mV) == (number, 1800)
        meter.supply(None)
        device.wait_until_powered(powered=False)
        meter.supply(2.5)
        device.wait_until_powered()
        assert device.voltage_mV == 2500
        with pytest.raises(RigError, match=r"cannot supply 5\.5 V"):
            meter.supply(5.5)
        assert device.voltage_mV == 2500
        meter.supply(None)
        with pytest.raises(RigError, match="has no voltage: nothing powers the board"):
            meter.start()
        meter.supply(2.5)
    assert device.commands[-1] == b"\x0c\x00"  # closing takes the power away


def test_the_calibration_is_at_the_supply_that_was_set() -> None:
    """S·V: with S of -4 mA/V a current read as at 3 V is off by 8 mA at 5 V, and by 9 mA at 0.8 V."""
    calibration = {**CALIBRATION, "S": (0.0, 0.0, 0.0, 0.0, -4e-3)}
    for voltage in ("0.8", "5.0"):
        made = recorded(Ppk2(constant(60e-3), calibration=calibration), 0.005, f"?voltage={voltage}")
        assert average_A(made, Window(0.001, 0.004)).value == pytest.approx(60e-3, rel=0.02)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (Ppk2(constant(1e-3), obeys_voltage=False), "it was told to supply 3000 mV"),
        (Ppk2(constant(1e-3), obeys_mode=False, mode=1), "mode source was asked for"),
    ],
)
def test_what_it_does_not_do_is_said(device: Ppk2, said: str) -> None:
    with pytest.raises(RigError, match=said), opened(device):
        pass


def test_it_is_opened_while_it_still_measures_for_another() -> None:
    device = Ppk2(constant(1e-3), measures=True)
    assert average_A(recorded(device, 0.02), Window(0.0, 0.004)).value == pytest.approx(1e-3, rel=0.02)


def test_one_measurement_after_another() -> None:
    device = Ppk2(pulses(1e-3, 3e-3))
    with opened(device) as meter:
        for _ in range(3):
            made = measured(meter, device, 0.02)
            assert made.time_s[0] == 0
            assert average_A(made, windows_between_marks(made, "D0")[1]).value == pytest.approx(3e-3, rel=0.02)


def test_what_is_called_out_of_turn() -> None:
    device = Ppk2(constant(1e-3))
    with opened(device) as meter:
        with pytest.raises(RigError, match="does not measure"):
            meter.stop()
        meter.start()
        with pytest.raises(RigError, match="measures already"):
            meter.start()
        with pytest.raises(RigError, match="cannot be changed while it measures"):
            meter.supply(2.0)
        meter.stop()
    with pytest.raises(RigError, match="is closed"):
        meter.start()
    meter.close()


def test_closing_while_it_measures_stops_it() -> None:
    device = Ppk2(constant(1e-3))
    with opened(device) as meter:
        meter.start()
    assert device.commands[-2:] == [b"\x07", b"\x0c\x00"]
    assert not device.measures
    assert not device.powered


def test_a_simulator_is_never_taken_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPK2LAB_SIMULATE", "1")
    with pytest.raises(RigError, match="there is no port /dev/none"):
        open_meter("ppk2:/dev/none")


def test_a_ceiling_for_the_library_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPK2LAB_MAX_VOLTAGE_MV", "2000")
    with pytest.raises(RigError, match="may not supply that much"), opened(Ppk2(constant(1e-3))):
        pass


def test_a_busy_port_is_said() -> None:
    device = Ppk2(constant(1e-3))
    with (
        StreamingPty(device) as port,
        open_meter(f"ppk2:{port.path}", clock=device.time),
        pytest.raises(RigError, match="in use by another program"),
    ):
        open_meter(f"ppk2:{port.path}", clock=device.time)


def test_it_says_what_it_is() -> None:
    source: Source = constant(1e-3)
    with opened(Ppk2(source)) as meter:
        identity = meter.identify()
    assert (identity.name, identity.firmware) == ("PPK2", "hardware 9173")
    assert identity.accuracy[3].relative == 0.10
    assert identity.accuracy[4].relative == 0.15
    assert "typical" in identity.stated
