"""The X-NUCLEO-LPM01A's driver against a simulated one that speaks its protocol on a pty."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.errors import RigError
from hil.power.figures import average_A, charge_C
from hil.power.lpm01a_stream import AsciiStream, BinaryStream, Stamp, place
from hil.power.opening import open_meter
from hil.power.window import Window, windows_between_marks, windows_in_current
from tests.power.instruments.lpm01a import Lpm01a, encoded, written
from tests.power.instruments.source import Steps, constant, pulses
from tests.power.instruments.streaming_pty import StreamingPty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.power.meter import Meter
    from hil.power.trace import Trace

_BINARY = "?voltage=3.0"
_ASCII = "?voltage=3.0&format=ascii"
_FORMATS = [_BINARY, _ASCII]


@contextmanager
def opened(device: Lpm01a, query: str = _BINARY) -> Iterator[Meter]:
    with StreamingPty(device) as port, open_meter(f"lpm01a:{port.path}{query}", clock=device.time) as meter:
        yield meter


def measured(meter: Meter, device: Lpm01a, seconds: float) -> Trace:
    device.time.reset()
    meter.start()
    device.time.wait_for(seconds)
    return meter.stop()


def recorded(device: Lpm01a, seconds: float, query: str = _BINARY) -> Trace:
    with opened(device, query) as meter:
        return measured(meter, device, seconds)


@pytest.mark.parametrize("query", [*_FORMATS, "?voltage=3.0&freq=20000", "?voltage=3.0&format=ascii&freq=1000"])
def test_constant_currents(query: str) -> None:
    device = Lpm01a(constant(0.0))
    with opened(device, query) as meter:
        for current_A in (150e-9, 1e-6, 7.77e-6, 100e-6, 640.9e-6, 2e-3, 10e-3, 49e-3):
            device.source = constant(current_A)
            figure = average_A(measured(meter, device, 0.05))
            assert abs(figure.value - current_A) <= figure.uncertainty
            assert figure.value == pytest.approx(current_A, rel=0.002)  # twelve bits, at least eight of them in use


@pytest.mark.parametrize("gain", [0.981, 1.019])
def test_a_device_as_wrong_as_it_may_be_is_within_what_is_stated(gain: float) -> None:
    device = Lpm01a(constant(0.0), gain=gain)
    with opened(device) as meter:
        for current_A in (1e-6, 100e-6, 10e-3):
            device.source = constant(current_A)
            figure = average_A(measured(meter, device, 0.01))
            assert 0.018 * current_A < abs(figure.value - current_A) <= figure.uncertainty


@pytest.mark.parametrize("query", _FORMATS)
def test_units_by_hand(query: str) -> None:
    """The help text's own example: 52A0 and 6409-07 are 640.9 µA."""
    binary, text = BinaryStream(), AsciiStream()
    binary.feed(bytes.fromhex("f0f3 00000000 00 ffff 52a0"))
    text.feed(b"6409-07\r\n")
    stream = binary if query == _BINARY else text
    assert stream.current_A()[0] == pytest.approx(640.9e-6, abs=0.05e-6)
    assert (encoded(640.9e-6), written(640.9e-6)) == (bytes.fromhex("52a0"), b"6409-07\r\n")


@pytest.mark.parametrize(
    ("rest_A", "active_A", "query", "rest_s", "active_s"),
    [
        (2e-6, 900e-6, _BINARY, 0.00203, 0.00341),
        (1e-3, 1.2e-3, _BINARY, 0.00203, 0.00341),
        (100e-6, 30e-3, _BINARY, 0.00201, 0.00122),
        (900e-6, 4e-3, _ASCII, 0.02, 0.031),
    ],
)
def test_windows_are_found_in_the_current(
    rest_A: float, active_A: float, query: str, rest_s: float, active_s: float
) -> None:
    """There is no digital channel; as the current steps at once, every edge is right to one sample."""
    source = pulses(rest_A, active_A, rest_s=rest_s, active_s=active_s)
    made = recorded(Lpm01a(source), 6 * source.period_s, query)
    windows = windows_in_current(made)
    assert len(windows) >= 5
    for number, window in enumerate(windows):
        begin_s = number * source.period_s + rest_s
        assert window.uncertainty_s == pytest.approx(made.sample_s)
        assert abs(window.begin_s - begin_s) <= window.uncertainty_s + 1e-9
        assert abs(window.end_s - (begin_s + active_s)) <= window.uncertainty_s + 1e-9
        average, charge = average_A(made, window), charge_C(made, window)
        assert abs(average.value - active_A) <= average.uncertainty
        assert abs(charge.value - active_A * active_s) <= charge.uncertainty
    with pytest.raises(RigError, match="has no digital channel 'D7'"):
        windows_between_marks(made, "D7")


@pytest.mark.parametrize(
    ("query", "first", "missing"), [(_BINARY, 3350, 300), (_BINARY, 3350, 5000), (_ASCII, 167, 40)]
)
def test_lost_samples_are_a_gap_and_never_averaged(query: str, first: int, missing: int) -> None:
    device = Lpm01a(constant(1e-3), lost={first: missing})
    made = recorded(device, 0.15, query)
    (gap,) = made.gaps
    assert made.end_s == pytest.approx(device.time(), abs=0.003)  # behind the gap the time is the device's own again
    lost_s = first / made.sample_rate_hz
    assert gap.begin_s <= lost_s < gap.end_s
    assert gap.end_s - gap.begin_s == pytest.approx(0.01 + missing / made.sample_rate_hz, abs=0.0102)
    with pytest.raises(RigError, match=r"misses samples from 0\.03\d+ s on: about \d+ samples were lost"):
        average_A(made)
    for window in (Window(0.0, gap.begin_s - 0.001), Window(gap.end_s + 0.001, made.end_s - 0.001)):
        assert average_A(made, window).value == pytest.approx(1e-3, rel=0.002)


def test_windows_behind_a_gap_are_where_they_were() -> None:
    source = Steps(((1e-3, 0.060, False), (3e-3, 0.020, True), (1e-3, 0.120, False)))
    made = recorded(Lpm01a(source, lost={2345: 1500}), 0.15)
    (window,) = windows_in_current(made, count=1)
    assert (window.begin_s, window.end_s) == pytest.approx((0.060, 0.080), abs=0.0011)
    assert average_A(made, window).value == pytest.approx(3e-3, rel=0.002)


def test_a_full_buffer_is_a_gap() -> None:
    made = recorded(Lpm01a(constant(1e-3), full_at_s=0.04), 0.05)
    with pytest.raises(RigError, match="its buffer was full"):
        average_A(made)
    assert average_A(made, Window(0.0, 0.028)).value == pytest.approx(1e-3, rel=0.002)


@pytest.mark.parametrize("query", _FORMATS)
@pytest.mark.parametrize("current_A", [1e-3, 640.9e-6, 3.3e-3])
def test_a_byte_lost_on_the_wire_ends_the_measurement(query: str, current_A: float) -> None:
    with pytest.raises(RigError, match=r"stopped after .*\n.*bytes were lost"):
        recorded(Lpm01a(constant(current_A), cut={105: 1}), 0.002 if query == _BINARY else 0.022, query)


def _meta(kind: int, text: bytes = b"") -> bytes:
    return bytes((0xF0, kind)) + text + b"\xff\xff"


@pytest.mark.parametrize(
    ("query", "bytes_", "said"),
    [
        (_BINARY, _meta(0xF1, b"error: buffer overflow"), "it said: error: buffer overflow"),
        (_BINARY, _meta(0xF5), "the board drew more than it can measure: overcurrent"),
        (_BINARY, _meta(0xF6), "it switched the board off"),
        (_BINARY, b"\xf0\xf9\xff\xff", "it sent f0 f9 ff ff where a sample was due"),
        (_BINARY, b"\xf0\xf3\0\0\0\0\0\0\0", "which has no end: bytes were lost"),
        (_BINARY, b"\xf0\xf1" + b"a" * 300, "what it began to tell has no end"),
        (_ASCII, b"error: buffer overflow\r\n", "it said: error: buffer overflow"),
        (_ASCII, b"hello\r\n", "it sent 'hello' where a sample was due"),
        (_ASCII, b"\x80" * 300, "it sent a line without an end"),
    ],
)
def test_what_it_says_instead_of_samples(query: str, bytes_: bytes, said: str) -> None:
    with pytest.raises(RigError, match=f"stopped after (.|\n)*{said}"):
        recorded(Lpm01a(constant(1e-3), fault_at={120: bytes_}), 0.002 if query == _BINARY else 0.025, query)


def test_notes_and_voltages_do_no_harm() -> None:
    notes = _meta(0xF2, b"note: target resets") + b"\xf0\xf7\x0b\xb8\xff\xff"
    assert average_A(recorded(Lpm01a(constant(1e-3), fault_at={120: notes}), 0.02)).samples > 1500


def test_a_current_beyond_its_range_is_refused() -> None:
    made = recorded(Lpm01a(Steps(((1e-3, 0.01, False), (60e-3, 0.01, False)))), 0.02)
    with pytest.raises(RigError, match=r"samples that the instrument does not stand for, the first at 0\.010000 s"):
        average_A(made)
    assert average_A(made, Window(0.0, 0.0099)).value == pytest.approx(1e-3, rel=0.002)


def test_a_current_below_its_range_is_refused() -> None:
    made = recorded(Lpm01a(constant(20e-6)), 0.01, "?voltage=3.0&funcmode=high")
    with pytest.raises(RigError, match="the current was at the end of its range or beyond"):
        average_A(made)
    assert average_A(recorded(Lpm01a(constant(20e-6)), 0.01)).value == pytest.approx(20e-6, rel=0.002)


def test_overcurrent_ends_the_measurement() -> None:
    with pytest.raises(RigError, match="overcurrent"):
        recorded(Lpm01a(Steps(((1e-3, 0.01, False), (100e-3, 0.01, False)))), 0.011)


def test_unplugged_while_it_measures() -> None:
    device = Lpm01a(constant(1e-3), unplug_after=10_000)
    with opened(device) as meter:
        meter.start()
        device.time.wait_for(0.1)
        with pytest.raises(RigError, match=r"stopped after 0\.\d* s of measuring\n.*went away"):
            meter.stop()


@pytest.mark.parametrize("query", _FORMATS)
def test_silence_while_it_measures(query: str) -> None:
    device = Lpm01a(constant(1e-3), silent_after=100)
    with opened(device, query) as meter:
        meter.start()
        device.time.wait_for(0.001)
        device.measures = False  # it answers nothing any more
        device.refuses = "stop"
        with pytest.raises(
            RigError, match=r"stopped after (.|\n)*it sent nothing for 1 s|it said: PowerShield > error stop"
        ):
            meter.stop()


def test_silence_from_the_start() -> None:
    with (
        opened(Lpm01a(constant(1e-3), silent_after=0)) as meter,
        pytest.raises(RigError, match=r"stopped after 0\.000 s of measuring\n.*it sent nothing for 1 s"),
    ):
        meter.start()


class _Other:
    """Something else on the port."""

    def __init__(self, says: bytes, *, babbles: bool = False) -> None:
        self._says = says
        self._babbles = babbles

    def feed(self, data: bytes) -> bytes:
        return self._says if data else b""

    def stream(self) -> bytes:
        return self._says if self._babbles else b""


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        (_Other(b""), "it was told 'htc', and said nothing in 2 s"),
        (_Other(b"what?\r\n"), "it was told 'htc', and said 'what"),
        (_Other(b"temperature 21 C\r\n", babbles=True), "it sends on when it is told to stop"),
    ],
)
def test_what_is_no_lpm01a_is_said(other: _Other, cause: str) -> None:
    with (
        StreamingPty(other) as port,
        pytest.raises(RigError, match=rf"no X-NUCLEO-LPM01A answers as it should on port {port.path}(.|\n)*{cause}"),
    ):
        open_meter(f"lpm01a:{port.path}")


@pytest.mark.parametrize("command", ["htc", "freq 100k", "volt 3000m", "pwr on", "funcmode optim"])
def test_what_it_refuses_is_said(command: str) -> None:
    with (
        pytest.raises(RigError, match=f"it was told '{command}', and said: error {command} Error detail: not possible"),
        opened(Lpm01a(constant(1e-3), refuses=command)),
    ):
        pass


def test_a_start_that_it_refuses_is_said() -> None:
    with (
        opened(Lpm01a(constant(1e-3), refuses="start")) as meter,
        pytest.raises(RigError, match="it was told to start, and said: PowerShield > error start"),
    ):
        meter.start()


def test_supply() -> None:
    device = Lpm01a(constant(1e-3))
    with opened(device, "") as meter:
        with pytest.raises(RigError, match="powers no board"):
            meter.start()
        meter.supply(1.8)
        assert (device.voltage_mV, device.powered) == (1800, True)
        with pytest.raises(RigError, match=r"cannot supply 5 V\n  hint: it supplies 1\.8 V to 3\.3 V"):
            meter.supply(5.0)
        meter.supply(None)
        assert not device.powered
        meter.supply(2.5)
    device.wait_for_command("hrc")
    assert (device.powered, device.controlled) == (False, False)


def test_another_voltage_than_it_was_told_is_said() -> None:
    with (
        pytest.raises(RigError, match="it was told to supply 3000 mV, and says 2800 mV"),
        opened(Lpm01a(constant(1e-3), set_off_mV=-200)),
    ):
        pass


def test_an_answer_that_comes_late_is_not_taken_for_the_next() -> None:
    """It is told to stop, measures nothing, and says so when it has been told the next."""
    device = Lpm01a(constant(1e-3))
    feed, late = device.feed, []

    def slow(data: bytes) -> bytes:
        said = feed(data)
        if not late:
            late.append(said)
            return b""
        return late[0] + said if len(late) == 1 and not late.append(b"") else said

    device.feed = slow  # type: ignore[method-assign]
    assert average_A(recorded(device, 0.01)).value == pytest.approx(1e-3, rel=0.002)
    assert b"error stop" in late[0]


def test_it_is_opened_while_it_still_measures_for_another() -> None:
    device = Lpm01a(constant(1e-3), measures=True, controlled=True)
    assert average_A(recorded(device, 0.01)).value == pytest.approx(1e-3, rel=0.002)


def test_closing_while_it_measures_stops_it() -> None:
    device = Lpm01a(constant(1e-3))
    with opened(device) as meter:
        meter.start()
    device.wait_for_command("hrc")
    assert device.commands[-3:] == ["stop", "pwr off", "hrc"]
    assert not device.measures


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?freq=3000", r"option 'freq' is 3000\n  hint: write one of: 100000, 50000"),
        ("?format=ascii&freq=10000", "in ASCII it measures for a second at most at that"),
        ("?format=hex", "option 'format' is 'hex'"),
        ("?voltage=5", r"write a number from 1\.8 to 3\.3"),
        ("", "there is no port /dev/none"),
    ],
)
def test_what_an_address_cannot_be(query: str, said: str) -> None:
    with pytest.raises(RigError, match=said):
        open_meter(f"lpm01a:/dev/none{query}")


def test_a_busy_port_is_said() -> None:
    device = Lpm01a(constant(1e-3))
    with (
        StreamingPty(device) as port,
        open_meter(f"lpm01a:{port.path}", clock=device.time),
        pytest.raises(RigError, match="in use by another program"),
    ):
        open_meter(f"lpm01a:{port.path}", clock=device.time)


def test_it_says_what_it_is() -> None:
    with opened(Lpm01a(constant(1e-3))) as meter:
        identity = meter.identify()
    assert (identity.name, identity.firmware) == ("X-NUCLEO-LPM01A", "1.0.6")
    assert identity.serial == "303438-513337-32383638"
    assert identity.accuracy[0].relative == 0.02
    assert "recalled" in identity.stated


@pytest.mark.parametrize("stream", [BinaryStream, AsciiStream])
def test_streams_cut_anywhere_are_the_same(stream: type[BinaryStream | AsciiStream]) -> None:
    device = Lpm01a(pulses(1e-3, 7e-3))
    device.settings.update(format="bin_hexa" if stream is BinaryStream else "ascii_dec", freq="5k")
    device.controlled = True
    device.feed(b"start\r\n")
    data = b"\xf0\xf3" + bytes(5) + b"\xff\xff" if stream is BinaryStream else b""
    data += b"".join(device.stream() or b"" for _ in range(60)) + device.feed(b"stop\r\n")
    whole = stream()
    whole.feed(data)
    for size in (1, 3, 7):
        pieces = stream()
        for start in range(0, len(data), size):
            pieces.feed(data[start : start + size])
        assert pieces.count == whole.count == 600
        assert (pieces.current_A() == whole.current_A()).all()
        assert pieces.stamps == whole.stamps
        assert pieces.ended
        assert not pieces.fault


def test_times_by_hand() -> None:
    binary, text = BinaryStream(), AsciiStream()
    binary.feed(bytes.fromhex("f0f3 00000929 07 ffff f0f3 80000929 64 ffff"))  # the highest bit is no part of the time
    text.feed(b"\0TimeStamp: 002s 345ms, buff 07%\r\n")
    assert text.stamps == [Stamp(0, 2345, 7)]
    assert binary.stamps == [Stamp(0, 2345, 7), Stamp(0, 2345, 100)]


def test_samples_are_placed_by_hand() -> None:
    # 1 kHz: 100 samples, then time says 150 ms, then all is well until 250 ms.
    placed = place(200, [Stamp(0, 0, 0), Stamp(100, 150, 0), Stamp(200, 250, 0)], 1000.0)
    assert placed.gaps == ((0, 150, "about 50 samples were lost"),)
    assert list(placed.numbers[:2]) == [150, 151]
    assert len(placed.numbers) == 100
    assert placed.kept.sum() == 100
    assert place(200, [Stamp(0, 0, 0), Stamp(101, 100, 0), Stamp(199, 200, 0)], 1000.0).gaps == ()
    assert place(200, [Stamp(0, 0, 0), Stamp(100, 50, 0)], 1000.0).gaps[0][2] == "more came than there was time for"
