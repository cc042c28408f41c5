"""The Joulescope's driver against one simulated behind its maker's library."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyjoulescope_driver
import pytest

from hil.errors import RigError
from hil.power.figures import average_A, charge_C
from hil.power.joulescope import _Recorder
from hil.power.opening import open_meter
from hil.power.window import Window, windows_between_marks
from tests.power.instruments.joulescope import Joulescope
from tests.power.instruments.source import Steps, constant, pulses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.power.meter import Meter
    from hil.power.trace import Trace

_JS110 = ("u/js110/000415",)


@contextmanager
def opened(device: Joulescope, address: str = "joulescope:") -> Iterator[Meter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyjoulescope_driver.Driver", device)
        with open_meter(address, clock=device.time) as meter:
            yield meter
        assert device.finalized
        assert not device.subscribed
        assert device.error is None


def measured(meter: Meter, device: Joulescope, seconds: float) -> Trace:
    device.time.reset()
    meter.start()
    device.time.wait_for(seconds)
    return meter.stop()


def recorded(device: Joulescope, seconds: float, address: str = "joulescope:") -> Trace:
    with opened(device, address) as meter:
        return measured(meter, device, seconds)


@pytest.mark.parametrize(("paths", "rate_hz"), [(_JS110, 2e6), (("u/js220/001234",), 1e6)])
def test_constant_currents(paths: tuple[str, ...], rate_hz: float) -> None:
    device = Joulescope(constant(0.0), paths=paths)
    with opened(device) as meter:
        for current_A in (50e-9, 5e-6, 1e-3, 20e-3, 2.0):
            device.source = constant(current_A)
            made = measured(meter, device, 0.004)
            assert made.sample_rate_hz == rate_hz
            figure = average_A(made)
            assert abs(figure.value - current_A) <= figure.uncertainty
            assert figure.value == pytest.approx(current_A, rel=1e-6)  # float32 on the wire


@pytest.mark.parametrize("gain", [0.9951, 1.0049])
def test_a_device_as_wrong_as_it_may_be_is_within_what_is_stated(gain: float) -> None:
    device = Joulescope(constant(3e-3), gain=gain)
    figure = average_A(recorded(device, 0.003, "joulescope:001234?accuracy=0.5"))
    assert 0.0048 * 3e-3 < abs(figure.value - 3e-3) <= figure.uncertainty < 0.0051 * 3e-3 + 101e-9


@pytest.mark.parametrize(
    ("paths", "channel"), [(_JS110, "GPI0"), (_JS110, "GPI1"), (("u/js220/001234",), "GPI0"), (("u/js220/x",), "GPI3")]
)
def test_every_window_is_cut_at_its_mark(paths: tuple[str, ...], channel: str) -> None:
    source = Steps(((1e-3, 0.0012345, False), (4e-3, 0.0023456, True)), channel=channel)
    device = Joulescope(source, paths=paths)
    made = recorded(device, 0.016)
    windows = windows_between_marks(made, channel)
    assert len(windows) >= 3
    begun_s = source_time(made, windows[0], source)
    for number, window in enumerate(windows):
        begin_s = begun_s + number * source.period_s
        assert abs(window.begin_s - begin_s) <= window.uncertainty_s * 2
        assert window.duration_s == pytest.approx(0.0023456, abs=2 * window.uncertainty_s)
        assert window.uncertainty_s == pytest.approx(made.sample_s)
        average, charge = average_A(made, window), charge_C(made, window)
        assert average.value == pytest.approx(4e-3, rel=1e-3)
        assert abs(average.value - 4e-3) <= average.uncertainty
        assert abs(charge.value - 4e-3 * 0.0023456) <= charge.uncertainty
    others = set(made.marks) - {channel}
    assert len(others) == (1 if paths == _JS110 else 3)
    assert not any(made.marks[each].any() for each in others)


def source_time(made: Trace, first: Window, source: Steps) -> float:
    """The first rise by the current itself, which steps at the same time: marks and current are not apart."""
    rise = int(np.argmax(made.current_A > 2.5e-3))
    if made.current_A[0] > 2.5e-3:
        fall = int(np.argmax(made.current_A < 2.5e-3))
        rise = fall + int(np.argmax(made.current_A[fall:] > 2.5e-3))
    assert source.period_s > 0
    assert abs(made.time_s[rise] - first.begin_s) <= made.sample_s * 1.01
    return float(made.time_s[rise])


@pytest.mark.parametrize(("paths", "missing"), [(("u/js220/001234",), 1000), (_JS110, 2000)])
def test_lost_current_is_a_gap_and_never_averaged(paths: tuple[str, ...], missing: int) -> None:
    made = recorded(Joulescope(constant(1e-3), paths=paths, lost={4: "s/i"}), 0.008)
    (gap,) = made.gaps
    assert gap.reason == f"{missing} samples or their levels were lost"
    assert gap.end_s - gap.begin_s == pytest.approx(0.001)
    with pytest.raises(RigError, match=f"{missing} samples or their levels were lost; there is no average"):
        average_A(made)
    for window in (Window(0.0, gap.begin_s - 1e-4), Window(gap.end_s + 1e-4, made.end_s - 1e-4)):
        assert average_A(made, window).value == pytest.approx(1e-3)


def test_lost_levels_are_a_gap() -> None:
    """No edge can be said not to have been there."""
    made = recorded(Joulescope(pulses(1e-3, 4e-3), lost={4: "s/gpi/0"}), 0.012)
    (gap,) = made.gaps
    assert gap.end_s - gap.begin_s == pytest.approx(0.001, abs=2e-6)


def test_samples_that_are_no_numbers_are_a_gap() -> None:
    made = recorded(Joulescope(constant(1e-3), nans=(3,)), 0.006)
    (gap,) = made.gaps
    assert gap.reason == "10 samples or their levels were lost"


def test_samples_that_come_twice_count_once() -> None:
    made = recorded(Joulescope(pulses(1e-3, 4e-3), repeated=(2, 5)), 0.01)
    assert made.gaps == ()
    assert np.diff(made.time_s) == pytest.approx(1e-6, rel=1e-6)


def test_unplugged_while_it_measures() -> None:
    device = Joulescope(constant(1e-3), removed_after=5)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.005)
        with pytest.raises(RigError, match=r"it stopped after 0\.005 s of measuring\n.*it was unplugged"):
            meter.stop()


def test_another_that_is_unplugged_is_no_matter() -> None:
    device = Joulescope(constant(1e-3))
    with opened(device) as meter:
        meter.start()
        device._say("@/!remove", "u/js220/other")
        device.time.wait_for(0.003)
        assert average_A(meter.stop()).value == pytest.approx(1e-3)


def test_silence_while_it_measures() -> None:
    device = Joulescope(constant(1e-3), silent_after=5)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.005)
        device.time.pass_to(0.9)
        with pytest.raises(RigError, match=r"came no more|fell silent after 0\.005 s"):
            meter.stop()


def test_silence_from_the_start() -> None:
    with (
        opened(Joulescope(constant(1e-3), silent_after=0)) as meter,
        pytest.raises(RigError, match="sent nothing for 1 s"),
    ):
        meter.start()


def test_levels_that_come_no_more() -> None:
    device = Joulescope(constant(1e-3), quiet_gpi_after=3)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.006)
        with pytest.raises(RigError, match="the levels of a digital input, came no more"):
            meter.stop()


@pytest.mark.parametrize(
    ("device", "address", "said"),
    [
        (Joulescope(constant(0), paths=()), "joulescope:", r"there is no Joulescope that is known\n.*is plugged in"),
        (Joulescope(constant(0)), "joulescope:9", r"there is no Joulescope 9 that is known\n.*u/js220/001234"),
        (Joulescope(constant(0), paths=("u/js320/1",)), "joulescope:", r"no Joulescope that is known\n.*u/js320/1"),
        (Joulescope(constant(0), paths=("u/js220/1", *_JS110)), "joulescope:", "there are several Joulescopes"),
        (Joulescope(constant(0), taken=True), "joulescope:", r"it cannot be opened\n.*BUSY(.|\n)*no other program"),
    ],
)
def test_what_is_not_there_is_said(device: Joulescope, address: str, said: str) -> None:
    with pytest.raises(RigError, match=said), opened(device, address):
        pass
    assert device.finalized


def test_one_of_several() -> None:
    device = Joulescope(constant(1e-3), paths=("u/js220/00AB", *_JS110))
    with opened(device, "joulescope:00ab?vref=external") as meter:
        assert device.opened == "u/js220/00AB"
        assert device.settings["c/gpio/vref"] == "external"
        identity = meter.identify()
    assert (identity.name, identity.serial, identity.firmware) == ("Joulescope JS220", "00AB", "1.2.3")
    assert "not looked up" in identity.stated
    with opened(device, "joulescope:000415?accuracy=0.3") as meter:
        assert device.settings["s/extio/voltage"] == "3.3V"
        identity = meter.identify()
    assert (identity.name, identity.firmware) == ("Joulescope JS110", "")
    assert identity.accuracy[0].relative == pytest.approx(0.003)


def test_it_does_not_supply() -> None:
    with opened(Joulescope(constant(1e-3))) as meter, pytest.raises(RigError, match="does not supply"):
        meter.supply(3.0)


def test_one_measurement_after_another_and_closing_in_between() -> None:
    device = Joulescope(constant(1e-3))
    with opened(device) as meter:
        for _ in range(2):
            assert average_A(measured(meter, device, 0.003)).value == pytest.approx(1e-3)
            assert not device.subscribed
        meter.start()
    assert device.settings["s/i/ctrl"] == 0


def test_the_real_library_starts_and_lists_what_there_is() -> None:
    with pytest.raises(RigError, match="there is no Joulescope nobody-has-this that is known"):
        open_meter("joulescope:nobody-has-this")


def test_the_real_library_tells_of_removal_as_the_simulated_one_does() -> None:
    with pyjoulescope_driver.Driver() as driver:
        recorder = _Recorder(driver, "u/js220/nobody-has-this", 4, lambda: 0.0)
        driver.subscribe("@/!remove", "pub", recorder._loser)
        driver.publish("@/!remove", "u/js220/nobody-has-this", timeout=0)
        with recorder._changed:
            assert recorder._changed.wait_for(lambda: recorder.fault, timeout=5)
        assert recorder.fault == "it was unplugged"
        driver.unsubscribe("@/!remove", recorder._loser)
