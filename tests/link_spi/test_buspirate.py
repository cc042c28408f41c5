"""The Bus Pirate's driver against a simulated one that speaks its protocol on a pty."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from hil.errors import LinkError, RigError
from hil.link.spi.opening import open_bridge
from tests.instruments.bus_pirate import BusPirate
from tests.instruments.pty_instrument import PtyInstrument
from tests.instruments.recording_bus import RecordingBus
from tests.link_spi.exchanges import check_hold, exchange_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK_HZ = 8_000_000


@pytest.mark.parametrize("mode", range(4))
def test_blocks_pass(mode: int) -> None:
    bus = RecordingBus(mode)
    with (
        PtyInstrument(BusPirate(bus)) as port,
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=mode) as bridge,
    ):
        assert bridge.clock_hz == _CLOCK_HZ
        assert bridge.data_ready() is None
        exchange_blocks(bridge, bus, mode=mode)


@pytest.mark.parametrize(
    ("asked", "query", "made"),
    [(7_999_999, "", 4_000_000), (8_000_000, "?hz=300000", 250_000), (1_000_000, "?hz=2000000", 1_000_000)],
)
def test_the_clock_is_the_fastest_allowed(asked: int, query: str, made: int) -> None:
    bus = RecordingBus(0)
    with (
        PtyInstrument(BusPirate(bus)) as port,
        open_bridge(f"buspirate:{port.path}{query}", clock_hz=asked, mode=0) as bridge,
    ):
        assert bridge.clock_hz == made
        exchange_blocks(bridge, bus, mode=0, count=1)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrument that says nothing is waited for no longer than must be."""
    monkeypatch.setattr("hil.link.spi.buspirate._TIMEOUT_S", 1.0)


def test_it_is_opened_from_wherever_it_was_left() -> None:
    for leftover in (b"", b"\0" * 7, b"\0" * 20, b"\0" * 20 + b"\x01", b"\0" * 20 + b"\x01\x02\x1f\x55"):
        bus = RecordingBus(0)
        machine = BusPirate(bus)
        machine.feed(leftover)
        with PtyInstrument(machine) as port:
            bridge = open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0)
            bus.heard.clear()
            bus.said.clear()
            bus.clocks.clear()
            exchange_blocks(bridge, bus, mode=0, count=1)
            bridge.close()
            bridge.close()


def test_it_is_opened_from_a_menu() -> None:
    bus = RecordingBus(0)
    with (
        PtyInstrument(BusPirate(bus, in_menu=True)) as port,
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0) as bridge,
    ):
        exchange_blocks(bridge, bus, mode=0, count=1)


def test_closing_leaves_it_at_its_prompt() -> None:
    bus = RecordingBus(0)
    machine = BusPirate(bus)
    with PtyInstrument(machine) as port, ExitStack() as stack:
        bridge = stack.enter_context(open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0))
        bridge.exchange(b"abcd")
    assert machine.feed(b"?") == b"?"  # the terminal's echo


def test_a_clock_too_slow_is_refused_before_the_port_is_opened() -> None:
    with pytest.raises(RigError, match="cannot clock at 99999 Hz or less") as caught:
        open_bridge("buspirate:/dev/none", clock_hz=99_999, mode=0)
    assert caught.value.hint is not None
    assert "125000, 250000, 1000000" in caught.value.hint


@pytest.mark.parametrize(
    ("mangle", "cause"),
    [
        (lambda _: b"", "no 'BBIO1' came back"),
        (lambda said: said.replace(b"SPI", b"SPO"), "'SPI1' was expected, and b'SPO1' came back"),
        (lambda said: b"\0" if said == b"\x01" else said, "its clock of 8000000 Hz: it answered 00"),
    ],
)
def test_what_is_no_bus_pirate_is_said(mangle: Callable[[bytes], bytes], cause: str) -> None:
    with (
        PtyInstrument(BusPirate(RecordingBus(0)), mangle=mangle) as port,
        pytest.raises(RigError, match=f"no Bus Pirate answers on port {port.path}(.|\n)*{cause}"),
    ):
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0)


def test_unplugged_in_mid_transfer() -> None:
    # 20 zeros, into SPI mode, two settings; then select, command and half of the bytes.
    with PtyInstrument(BusPirate(RecordingBus(0)), unplug_after=20 + 1 + 2 + 2 + 100) as port:
        bridge = open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0)
        with pytest.raises(LinkError, match=f"port {port.path} went away"):
            bridge.exchange(bytes(252))
        bridge.close()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda _: b"", "0 of 8 bytes came back"),
        (lambda said: said[:-1], "7 of 8 bytes came back"),
        (lambda said: said + b"\x01", "9 bytes came back where 8 were due"),
        (lambda said: b"\x07" + said[1:], "it answered 07 "),
        (lambda said: said[:-1] + b"\0", "it answered .* 00$"),
    ],
)
def test_nonsense_is_an_error(wrong: Callable[[bytes], bytes], cause: str) -> None:
    answers = 0

    def mangle(said: bytes) -> bytes:
        nonlocal answers
        answers += bool(said)
        return wrong(said) if answers > before else said

    before = 1000
    with PtyInstrument(BusPirate(RecordingBus(0)), mangle=mangle) as port:
        bridge = open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0)
        before = answers
        with pytest.raises(LinkError) as caught:
            bridge.exchange(b"hello")
        bridge.close()
    assert re.search(cause, caught.value.cause or "")


def test_a_busy_port_is_said() -> None:
    with (
        PtyInstrument(BusPirate(RecordingBus(0))) as port,
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0),
        pytest.raises(RigError, match="in use by another program"),
    ):
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0)


def test_chip_select_is_held() -> None:
    bus = RecordingBus(0)
    with (
        PtyInstrument(BusPirate(bus)) as port,
        open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0, select_s=7.1e-6) as bridge,
    ):
        check_hold(bridge, bus, 7.1e-6)


def test_an_answer_to_chip_select_that_is_none() -> None:
    mad: list[bytes] = []
    with PtyInstrument(BusPirate(RecordingBus(0)), mangle=lambda said: mad[0] if mad else said) as port:
        bridge = open_bridge(f"buspirate:{port.path}", clock_hz=_CLOCK_HZ, mode=0, select_s=7.1e-6)
        mad.append(b"\0")
        with bridge, pytest.raises(LinkError) as caught:
            bridge.exchange(b"a")
    assert caught.value.cause == "it answered 00 when it was to select"
