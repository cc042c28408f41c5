"""SPIDriver's own library, and the bridge on it, against a simulated one on a pty."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hil.emulator.spidriver import SpiDriver
from hil.errors import LinkError, RigError
from hil.link.spi.opening import open_bridge
from tests.instruments.pty_instrument import PtyInstrument
from tests.instruments.recording_bus import RecordingBus
from tests.link_spi.exchanges import check_hold, exchange_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.link.spi.bridge import Bridge

_ATTACHING_BYTES = 64 + 4 * 2 + 1 + 2 + 1
"""What opening sends: filler, four echoes, a status request, the mode, unselect."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instrument that says nothing is waited for no longer than must be."""
    monkeypatch.setattr("hil.link.spi.spidriver._TIMEOUT_S", 1.0)


def _open(port: PtyInstrument, query: str = "", *, clock_hz: int = 8_000_000, mode: int = 0) -> Bridge:
    return open_bridge(f"spidriver:{port.path}{query}", clock_hz=clock_hz, mode=mode)


def _first_model(said: bytes) -> bytes:
    return said.replace(b"spidriver2", b"spidriver1")


@pytest.mark.parametrize("mode", range(4))
def test_blocks_pass(mode: int) -> None:
    bus = RecordingBus(mode)
    with PtyInstrument(SpiDriver(bus)) as port, _open(port, mode=mode) as bridge:
        assert bridge.clock_hz == 490_000
        assert bridge.data_ready() is None
        exchange_blocks(bridge, bus, mode=mode, count=100)


def test_the_first_model_has_mode_0_alone() -> None:
    bus = RecordingBus(0)
    with PtyInstrument(SpiDriver(bus), mangle=_first_model) as port, _open(port) as bridge:
        exchange_blocks(bridge, bus, mode=0)
    with (
        PtyInstrument(SpiDriver(bus), mangle=_first_model) as port,
        pytest.raises(RigError, match="cannot do SPI mode 3: its model is spidriver1"),
    ):
        _open(port, mode=3)


@pytest.mark.parametrize(("clock_hz", "query"), [(400_000, ""), (8_000_000, "?hz=1000")])
def test_a_clock_that_it_has_not_is_refused(clock_hz: int, query: str) -> None:
    with pytest.raises(RigError, match="or less: an SPIDriver has one clock"):
        open_bridge(f"spidriver:/dev/none{query}", clock_hz=clock_hz, mode=0)


@pytest.mark.parametrize(
    ("mangle", "cause"),
    [
        (lambda _: b"", "no answer (IndexError)"),
        (lambda said: b"\x07" * len(said), "Echo test failed - not attached? Expected 85 but received 7"),
        (lambda said: said.replace(b"spidriver2", b"i2cdriver1"), "it calls itself 'i2cdriver1'"),
        (lambda said: said[:1], "no answer (ValueError)"),
    ],
)
def test_what_is_no_spidriver_is_said(
    mangle: Callable[[bytes], bytes], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        PtyInstrument(SpiDriver(RecordingBus(0)), mangle=mangle) as port,
        pytest.raises(RigError, match=f"no SPIDriver answers on port {port.path}") as caught,
    ):
        _open(port)
    assert caught.value.cause == cause
    assert capsys.readouterr().out == ""


def test_unplugged_in_mid_transfer() -> None:
    with PtyInstrument(SpiDriver(RecordingBus(0)), unplug_after=_ATTACHING_BYTES + 1 + 65 + 30) as port:
        bridge = _open(port)
        with pytest.raises(LinkError, match=f"SPIDriver on port {port.path} stopped answering"):
            bridge.exchange(bytes(252))
        bridge.close()
        bridge.close()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda _: b"", "0 of 100 bytes came back within 1 s"),
        (lambda said: said[:-1], "63 of 100 bytes came back within 1 s"),
        (lambda said: said + b"!", r"\d bytes more came back than were sent"),
    ],
)
def test_nonsense_is_an_error(wrong: Callable[[bytes], bytes], cause: str) -> None:
    mad = False
    with PtyInstrument(SpiDriver(RecordingBus(0)), mangle=lambda said: wrong(said) if mad and said else said) as port:
        bridge = _open(port)
        mad = True
        with pytest.raises(LinkError) as caught:
            bridge.exchange(bytes(100))
        bridge.close()
    assert re.fullmatch(cause, caught.value.cause or "")


def test_a_busy_port_is_said() -> None:
    bus = RecordingBus(0)
    with PtyInstrument(SpiDriver(bus)) as port, _open(port) as bridge:
        with pytest.raises(RigError, match="in use by another program"):
            _open(port)
        exchange_blocks(bridge, bus, mode=0, count=1)


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(RigError, match="there is no port /dev/ttyHIL99"):
        open_bridge("spidriver:/dev/ttyHIL99", clock_hz=1_000_000, mode=0)


@pytest.mark.parametrize("select_us", [7.1, 60, 1000])
def test_chip_select_is_held(select_us: float) -> None:
    bus = RecordingBus(0)
    with (
        PtyInstrument(SpiDriver(bus)) as port,
        open_bridge(f"spidriver:{port.path}", clock_hz=8_000_000, mode=0, select_s=select_us * 1e-6) as bridge,
    ):
        check_hold(bridge, bus, select_us * 1e-6)
    assert None not in bus.holds
