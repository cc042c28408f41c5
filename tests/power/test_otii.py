"""Otii's driver against a simulated server on a TCP port."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.errors import RigError
from hil.power.figures import average_A, charge_C
from hil.power.opening import open_meter
from hil.power.window import Window, windows_between_marks
from tests.power.instruments.otii import OtiiServer
from tests.power.instruments.source import Steps, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.power.meter import Meter
    from hil.power.trace import Trace


@contextmanager
def opened(server: OtiiServer, rest: str = "?voltage=3.0") -> Iterator[Meter]:
    with server, open_meter(f"otii:127.0.0.1:{server.port}{rest}") as meter:
        yield meter


def measured(meter: Meter) -> Trace:
    meter.start()
    return meter.stop()


def recorded(server: OtiiServer, rest: str = "?voltage=3.0") -> Trace:
    with opened(server, rest) as meter:
        return measured(meter)


@pytest.mark.parametrize(("kind", "rate_hz"), [("Arc", 4_000), ("Ace", 50_000)])
@pytest.mark.parametrize("begin_s", [0.0, 0.25])
def test_constant_currents(kind: str, rate_hz: int, begin_s: float) -> None:
    server = OtiiServer(constant(0.0), devices=(("one", kind),), begin_s=begin_s)
    with opened(server) as meter:
        for current_A in (100e-9, 5e-6, 1e-3, 19e-3, 200e-3):
            server.source = constant(current_A)
            made = measured(meter)
            assert made.sample_rate_hz == rate_hz
            assert len(made.time_s) == rate_hz // 10
            assert made.time_s[0] == 0
            figure = average_A(made)
            assert figure.value == pytest.approx(current_A, rel=1e-9)
            assert figure.uncertainty >= (0.0005 * current_A if current_A < 20e-3 else 150e-6)


@pytest.mark.parametrize(("kind", "gain"), [("Arc", 0.99902), ("Arc", 1.00098), ("Ace", 0.99951), ("Ace", 1.00049)])
def test_a_device_as_wrong_as_it_may_be_is_within_what_is_stated(kind: str, gain: float) -> None:
    figure = average_A(recorded(OtiiServer(constant(3e-3), devices=(("one", kind),), gain=gain)))
    assert 0.0004 * 3e-3 < abs(figure.value - 3e-3) <= figure.uncertainty < 0.0011 * 3e-3 + 51e-9


def test_a_device_in_its_high_range_is_less_exact() -> None:
    figure = average_A(recorded(OtiiServer(constant(3e-3), high_range=True)))
    assert figure.uncertainty == pytest.approx(150e-6, rel=0.02)


@pytest.mark.parametrize("channel", ["GPI1", "GPI2"])
@pytest.mark.parametrize("begin_s", [0.0, 3.125])
@pytest.mark.parametrize("high_first", [False, True])
def test_every_window_is_cut_at_its_mark(channel: str, begin_s: float, high_first: bool) -> None:
    levels = ((1e-3, 0.0123, False), (4e-3, 0.0077, True))
    source = Steps(levels[::-1] if high_first else levels, channel=channel)
    made = recorded(OtiiServer(source, begin_s=begin_s, record_s=0.2))
    windows = windows_between_marks(made, channel)
    assert len(windows) == 9
    for number, window in enumerate(windows):
        mark_s = number * 0.02 + (0.02 if high_first else 0.0123)
        assert abs(window.begin_s - mark_s) <= window.uncertainty_s + 1e-9
        assert abs(window.end_s - (mark_s + 0.0077)) <= window.uncertainty_s + 1e-9
        average, charge = average_A(made, window), charge_C(made, window)
        assert abs(average.value - 4e-3) <= average.uncertainty
        assert abs(charge.value - 4e-3 * 0.0077) <= charge.uncertainty
    (other,) = set(made.marks) - {channel}
    assert not made.marks[other].any()


def test_more_samples_than_one_answer_holds() -> None:
    source = Steps(((1e-3, 0.5, False), (3e-3, 0.7, False)))
    made = recorded(OtiiServer(source, record_s=1.2))
    assert len(made.time_s) == 60_000
    assert average_A(made, Window(0.5, 1.2)).value == pytest.approx(3e-3)
    assert average_A(made, Window(0.0, 0.5)).value == pytest.approx(1e-3)


def test_answers_that_come_byte_for_byte() -> None:
    """A character of two bytes is in the device's name; the library itself would fail at half of it."""
    server = OtiiServer(constant(1e-3), bytewise=True, record_s=0.01)
    with opened(server, "/Äce?voltage=3.0") as meter:
        assert average_A(measured(meter)).value == pytest.approx(1e-3)


@pytest.mark.parametrize(("missing", "said"), [(3, "holds 4997 samples, and 5000 are due"), (5000, "holds no samples")])
def test_missing_samples_are_never_averaged(missing: int, said: str) -> None:
    with pytest.raises(RigError, match=f"cannot be used: it {said}"):
        recorded(OtiiServer(constant(1e-3), missing=missing))


def test_another_rate_than_it_says_is_refused() -> None:
    with pytest.raises(RigError, match="apart, not as 50000 Hz are"):
        recorded(OtiiServer(constant(1e-3), interval_gain=1.01))


def test_a_current_beyond_its_range_is_refused() -> None:
    made = recorded(OtiiServer(Steps(((1e-3, 0.05, False), (6.0, 0.05, False)))))
    with pytest.raises(RigError, match="samples that the instrument does not stand for"):
        average_A(made)


def test_the_device_is_unplugged_while_it_measures() -> None:
    server = OtiiServer(constant(1e-3))
    with opened(server) as meter:
        meter.start()
        server.connected = False
        with pytest.raises(RigError, match="the device was unplugged"):
            meter.stop()


@pytest.mark.parametrize("command", ["project_stop_recording", "recording_get_channel_data"])
def test_the_server_goes_away_while_it_measures(command: str) -> None:
    with opened(OtiiServer(constant(1e-3), hang_up_at=command)) as meter:
        meter.start()
        with pytest.raises(RigError, match=r"does not answer as it should: .*\n.*it closed the connection"):
            meter.stop()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"what?\r\n", "JSONDecodeError"),
        (b'{"type": "response"}\r\n', "KeyError: 'trans_id'"),
        (b"[]\r\n", "TypeError"),
        (b"\xff\xfe\r\n", "UnicodeDecodeError|JSONDecodeError"),
    ],
)
def test_nonsense_is_said(answer: bytes, said: str) -> None:
    with opened(OtiiServer(constant(1e-3), answer={"project_stop_recording": answer})) as meter:
        meter.start()
        with pytest.raises(RigError, match=rf"does not answer as it should: to stop recording\n.*({said})"):
            meter.stop()


@pytest.mark.parametrize("command", ["project_stop_recording", "recording_get_channel_data"])
def test_silence_is_bounded(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would wait for samples without an end."""
    monkeypatch.setattr("hil.power.otii_connection._ANSWER_S", 0.2)
    with opened(OtiiServer(constant(1e-3), answer={command: None})) as meter:
        meter.start()
        with pytest.raises(RigError, match=r"does not answer as it should: .*\n.*TimeoutError"):
            meter.stop()


def test_a_late_answer_is_not_taken_for_the_next() -> None:
    late = b'{"type": "response", "cmd": "x", "trans_id": "0", "data": {"connected": false}}\r\n'
    server = OtiiServer(constant(1e-3))
    with opened(server) as meter:
        meter.start()
        server._send = _after(late, server._send)
        assert average_A(meter.stop()).value == pytest.approx(1e-3)


def _after(late: bytes, send: object) -> object:
    def both(peer: socket.socket, message: object) -> None:
        peer.sendall(late)
        send(peer, message)

    return both


@pytest.mark.parametrize(
    ("server", "rest", "said"),
    [
        (OtiiServer(constant(0), licence=False), "", r"has no licence for its API reserved\n.*Automation Toolbox"),
        (
            OtiiServer(constant(0), refuse={"otii_get_devices": "No license"}),
            "",
            r"refuses: its devices\n.*No license(.|\n)*Automation Toolbox",
        ),
        (OtiiServer(constant(0), refuse={"otii_has_license": "Not logged in"}), "", r"Not logged in(.|\n)*log in"),
        (OtiiServer(constant(0), refuse={"otii_create_project": "Odd"}), "", "refuses: a project"),
        (OtiiServer(constant(0), devices=()), "", "has no device\n  hint: plug it in"),
        (OtiiServer(constant(0)), "/Ace", "has no device Ace\n  hint: did you mean 'Äce'"),
        (OtiiServer(constant(0), devices=(("a", "Arc"), ("b", "Ace"))), "", "has several devices\n  hint: .*a, b"),
        (OtiiServer(constant(0), devices=(("s", "Simulator"),)), "", "has no device"),
        (OtiiServer(constant(0)), "?voltage=12", "write a number from 0.5 to 5"),
        (OtiiServer(constant(0), hang_up_at="arc_get_version"), "", "it closed the connection"),
    ],
)
def test_what_it_cannot_be_opened_for(server: OtiiServer, rest: str, said: str) -> None:
    with pytest.raises(RigError, match=said), opened(server, rest):
        pass


@pytest.mark.parametrize("where", ["", ":1905", "localhost:x"])
def test_what_is_no_server_address(where: str) -> None:
    with pytest.raises(RigError, match="is no host and port"):
        open_meter(f"otii:{where}")


def test_no_server_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(RigError, match=rf"there is no Otii server at 127\.0\.0\.1:{port}\n(.|\n)*start Otii 3"):
        open_meter(f"otii:127.0.0.1:{port}")


def test_another_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.power.otii_connection._CONNECT_S", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(RigError, match=r"does not answer as it should: who it is\n.*TimeoutError"),
    ):
        open_meter(f"otii:127.0.0.1:{other.getsockname()[1]}")


def test_one_of_several_and_its_supply() -> None:
    server = OtiiServer(constant(1e-3), devices=(("a", "Arc"), ("b", "Ace")))
    with opened(server, "/b") as meter:
        assert meter.identify().name == "Otii Ace"
        assert (meter.identify().serial, meter.identify().firmware) == ("Ace1", "1.1.4")
        assert server.enabled == {"mc", "i1", "i2"}
        assert not server.powered
        meter.supply(2.2)
        assert (server.voltage_V, server.powered) == (2.2, True)
        meter.supply(None)
        assert not server.powered
        meter.supply(1.8)
    assert not server.powered
    assert server.commands[-1] == "project_close"


def test_one_measurement_after_another() -> None:
    server = OtiiServer(constant(1e-3), record_s=0.01)
    with opened(server) as meter:
        for current_A in (1e-3, 2e-3):
            server.source = constant(current_A)
            made = measured(meter)
            assert np.allclose(made.current_A, current_A)
    assert server.commands.count("recording_delete") == 2
