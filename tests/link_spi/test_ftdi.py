"""pyftdi and the bridge on it, against a chip simulated at the USB boundary."""

from __future__ import annotations

import errno
import re
from random import Random
from typing import TYPE_CHECKING

import pytest
import usb.backend.libusb1

from hil.errors import LinkError, RigError
from hil.link.spi.opening import open_bridge
from tests.instruments.ft232h import FT232R, Ft232h
from tests.instruments.recording_bus import RecordingBus
from tests.link_spi.exchanges import check_hold, exchange_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.link.spi.bridge import Bridge

_ADDRESS = "ftdi://ftdi:232h/1"


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[[Ft232h | None], None]:
    """Makes a chip, or none, the only USB device."""

    def plugged(chip: Ft232h | None) -> None:
        backend = chip or _NoUsb(RecordingBus(0))
        monkeypatch.setattr(usb.backend.libusb1, "get_backend", lambda *_args, **_more: backend)

    return plugged


class _NoUsb(Ft232h):
    def enumerate_devices(self) -> tuple[()]:
        return ()


def _open(query: str = "", *, clock_hz: int = 4_000_000, mode: int = 0) -> Bridge:
    return open_bridge(_ADDRESS + query, clock_hz=clock_hz, mode=mode)


@pytest.mark.parametrize("mode", [0, 2])
def test_blocks_pass(plug: Callable[[Ft232h], None], mode: int) -> None:
    bus = RecordingBus(mode)
    chip = Ft232h(bus)
    plug(chip)
    with _open(mode=mode) as bridge:
        assert bridge.data_ready() is None
        exchange_blocks(bridge, bus, mode=mode, count=100)
    assert chip.engine.impossible == []
    assert chip.open_handles == 0


@pytest.mark.parametrize("mode", [1, 3])
def test_a_mode_that_the_chip_has_not_is_refused(mode: int) -> None:
    with pytest.raises(RigError, match=rf"cannot do SPI mode {mode}.*AN 114(.|\n)*it can do mode 0 and 2"):
        _open(mode=mode)


@pytest.mark.parametrize(
    ("asked", "query", "made"),
    [(8_000_000, "", 7_500_000), (7_499_999, "", 6_000_000), (99_000_000, "", 30_000_000), (10_000, "?hz=1000", 1000)],
)
def test_the_clock_is_the_fastest_allowed(plug: Callable[[Ft232h], None], asked: int, query: str, made: int) -> None:
    bus = RecordingBus(0)
    plug(Ft232h(bus))
    with _open(query, clock_hz=asked) as bridge:
        assert bridge.clock_hz == made
        exchange_blocks(bridge, bus, mode=0, count=1)


def test_no_clock_is_faster_than_was_asked_for(plug: Callable[[Ft232h], None]) -> None:
    random = Random(1)
    for _ in range(50):
        asked = int(458 * (30_000_000 / 458) ** random.random())
        bus = RecordingBus(0)
        plug(Ft232h(bus))
        with _open(clock_hz=asked) as bridge:
            bridge.exchange(b"\0")
            assert bus.clocks == {(bridge.clock_hz, 0)}
            assert bridge.clock_hz <= asked


def test_a_clock_too_slow_is_refused() -> None:
    with pytest.raises(RigError, match=r"cannot clock at 457 Hz or less(.|\n)*clocks at 458 to 30000000 Hz"):
        _open(clock_hz=457)


@pytest.mark.parametrize("pin", [4, 7, 8, 15])
def test_data_ready_is_read(plug: Callable[[Ft232h], None], pin: int) -> None:
    bus = RecordingBus(0)
    plug(Ft232h(bus, ready_pin=pin))
    with _open(f"?data_ready={pin}") as bridge:
        for level in (False, True, False):
            bus.ready = level
            assert bridge.data_ready() is level
            exchange_blocks(bridge, bus, mode=0, count=1)
            bus.heard.clear()
            bus.said.clear()


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("?data_ready=3", "write a whole number from 4 on"),
        ("?data_ready=16", "pins 4 to 15 are free"),
        ("?data_ready=x", "write a whole number from 4 on"),
        ("?speed=1", "it has: hz, data_ready"),
    ],
)
def test_a_bad_query_is_refused(plug: Callable[[Ft232h], None], query: str, hint: str) -> None:
    plug(Ft232h(RecordingBus(0)))
    with pytest.raises(RigError) as caught:
        _open(query)
    assert hint in (caught.value.hint or "")


def test_no_chip(plug: Callable[[None], None]) -> None:
    plug(None)
    with pytest.raises(RigError, match=f"there is no FTDI chip {_ADDRESS}"):
        _open()


def test_no_libusb(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("libusb1", "libusb0"):
        monkeypatch.setattr(f"usb.backend.{name}.get_backend", lambda *_args, **_more: None)
    with pytest.raises(RigError, match="libusb is not installed"):
        _open()


def test_a_chip_without_mpsse_is_refused(plug: Callable[[Ft232h], None]) -> None:
    chip = Ft232h(RecordingBus(0), model=FT232R)
    plug(chip)
    with pytest.raises(RigError, match=r"cannot be used as an SPI bridge(.|\n)*does not support MPSSE"):
        open_bridge("ftdi://ftdi:232/1", clock_hz=1_000_000, mode=0)
    assert chip.open_handles == 0


def test_a_chip_in_use(plug: Callable[[Ft232h], None]) -> None:
    chip = Ft232h(RecordingBus(0), taken=True)
    plug(chip)
    with pytest.raises(RigError, match=f"FTDI chip {_ADDRESS} is in use by another program"):
        _open()
    assert chip.open_handles == 0


def test_no_permission(plug: Callable[[Ft232h], None]) -> None:
    plug(Ft232h(RecordingBus(0), refuses=errno.EACCES))
    with pytest.raises(RigError, match=f"no permission to open FTDI chip {_ADDRESS}"):
        _open()


def test_unplugged_in_mid_transfer(plug: Callable[[Ft232h], None]) -> None:
    chip = Ft232h(RecordingBus(0))
    plug(chip)
    bridge = _open("?data_ready=4")
    bridge.exchange(b"a")
    chip.unplug_after = 100
    with pytest.raises(LinkError, match=r"stopped answering(.|\n)*No such device"):
        bridge.exchange(bytes(252))
    with pytest.raises(LinkError, match=r"stopped answering(.|\n)*No such device"):
        bridge.data_ready()
    bridge.close()
    bridge.close()
    assert chip.open_handles == 0


@pytest.mark.parametrize(
    ("mangle", "cause"), [(lambda _: b"", "0 of 252 bytes"), (lambda packet: packet[:100], "100 of 252 bytes")]
)
def test_too_little_is_an_error(plug: Callable[[Ft232h], None], mangle: Callable[[bytes], bytes], cause: str) -> None:
    chip = Ft232h(RecordingBus(0))
    plug(chip)
    with _open("?data_ready=4") as bridge:
        chip.mangle = mangle
        with pytest.raises(LinkError) as caught:
            bridge.exchange(bytes(252))
    assert re.search(cause, caught.value.cause or "")


@pytest.mark.parametrize("select_us", [0.01, 2.1, 7.1, 1000])
def test_chip_select_is_held(plug: Callable[[Ft232h], None], select_us: float) -> None:
    bus = RecordingBus(0)
    chip = Ft232h(bus)
    plug(chip)
    with open_bridge(_ADDRESS, clock_hz=4_000_000, mode=0, select_s=select_us * 1e-6) as bridge:
        check_hold(bridge, bus, select_us * 1e-6)
    assert None not in bus.holds
    assert chip.engine.impossible == []
