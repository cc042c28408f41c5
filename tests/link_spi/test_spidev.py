"""python-periphery and the bridge on it, in a process whose /dev/spidev0.0 and /dev/gpiochip0 are simulated."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.errors import LinkError, RigError
from hil.link.spi.opening import open_bridge
from tests.instruments.recording_bus import RecordingBus
from tests.instruments.remote_bridge import RemoteBridge
from tests.instruments.spidev_machine import SpidevMachine, build_shim
from tests.link_spi.exchanges import check_hold, exchange_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

_NODE = "spidev:/dev/spidev0.0"
_READY = "?data_ready=/dev/gpiochip0/25"


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@contextmanager
def _machine(shim: Path, bus: RecordingBus, **faults: Any) -> Iterator[SpidevMachine]:
    with (
        tempfile.TemporaryDirectory(prefix="hil-") as folder,  # pytest's paths may be too long for a socket
        SpidevMachine(shim, Path(folder), bus, **faults) as machine,
    ):
        yield machine


def _open(machine: SpidevMachine, address: str = _NODE, *, clock_hz: int = 8_000_000, mode: int = 0) -> RemoteBridge:
    return RemoteBridge(address, clock_hz=clock_hz, mode=mode, environment=machine.environment)


@pytest.mark.parametrize("mode", range(4))
def test_blocks_pass(shim: Path, mode: int) -> None:
    bus = RecordingBus(mode)
    with _machine(shim, bus) as machine, _open(machine, mode=mode) as bridge:
        assert bridge.clock_hz == 8_000_000
        assert bridge.data_ready() is None
        exchange_blocks(bridge, bus, mode=mode, count=100)


def test_the_clock_can_be_slower(shim: Path) -> None:
    bus = RecordingBus(0)
    with _machine(shim, bus) as machine, _open(machine, f"{_NODE}?hz=123456") as bridge:
        assert bridge.clock_hz == 123_456
        exchange_blocks(bridge, bus, mode=0, count=1)


@pytest.mark.parametrize("pulls", [True, False])
def test_data_ready_is_read(shim: Path, pulls: bool) -> None:
    bus = RecordingBus(0)
    with _machine(shim, bus, pulls=pulls) as machine, _open(machine, _NODE + _READY) as bridge:
        for level in (False, True, False):
            bus.ready = level
            assert bridge.data_ready() is level


def test_a_line_that_is_not_connected_reads_low(shim: Path) -> None:
    with _machine(shim, RecordingBus(0), ready_line=24) as machine, _open(machine, _NODE + _READY) as bridge:
        assert bridge.data_ready() is False


@pytest.mark.parametrize(
    ("address", "faults", "message"),
    [
        ("spidev:/dev/spidev9.9", {}, "there is no /dev/spidev9.9"),
        (f"{_NODE}?data_ready=/dev/gpiochip7/1", {}, "there is no /dev/gpiochip7 line 1"),
        (f"{_NODE}?data_ready=/dev/gpiochip0/99", {}, "/dev/gpiochip0 line 99 cannot be used"),
        (_NODE, {"refuses": {"spidev0.0": errno.EACCES}}, "no permission to open /dev/spidev0.0"),
        (_NODE + _READY, {"refuses": {"gpiochip0": errno.EACCES}}, "no permission to open /dev/gpiochip0 line 25"),
    ],
)
def test_what_does_not_open_is_said(shim: Path, address: str, faults: dict[str, Any], message: str) -> None:
    with _machine(shim, RecordingBus(0), **faults) as machine, pytest.raises(RigError, match=message):
        _open(machine, address)


def test_a_mode_that_the_controller_has_not_is_said(shim: Path) -> None:
    with (
        _machine(shim, RecordingBus(0), modes=(0, 1)) as machine,
        pytest.raises(RigError, match=r"/dev/spidev0\.0 refuses SPI mode 2 at 8000000 Hz, 8 bits a word"),
    ):
        _open(machine, mode=2)


@pytest.mark.parametrize("second", [_NODE, f"spidev:/dev/spidev0.1{_READY}"])
def test_a_device_in_use_is_said(shim: Path, second: str) -> None:
    with _machine(shim, RecordingBus(0)) as machine, _open(machine, _NODE + _READY) as bridge:
        Path(machine.environment["SHIM_DIR"], "spidev0.1").touch()
        with pytest.raises(RigError, match="is in use by another program"):
            _open(machine, second)
        bridge.exchange(b"still there")


def test_a_controller_that_goes_away(shim: Path) -> None:
    with _machine(shim, RecordingBus(0), unplug_after=2) as machine, _open(machine, _NODE + _READY) as bridge:
        bridge.exchange(b"first")
        with pytest.raises(LinkError, match=f"SPI bridge {_NODE}.* went away while it was in use"):
            bridge.exchange(bytes(252))
        with pytest.raises(LinkError, match="went away"):
            bridge.data_ready()


@pytest.mark.parametrize("value", ["25", "/dev/gpiochip0", "/dev/gpiochip0/x"])
def test_a_line_that_cannot_be_read_is_a_bad_query(value: str) -> None:
    with pytest.raises(RigError, match="write chip and line, as in data_ready=/dev/gpiochip0/25"):
        open_bridge(f"{_NODE}?data_ready={value}", clock_hz=1_000_000, mode=0)


_MESSAGE_OF_THREE = """
import ctypes, fcntl, os
from periphery.spi import SPI, _CSpiIocTransfer as Transfer
spi = SPI("/dev/spidev0.0", 0, 1000000)
kept = ctypes.create_string_buffer(b"abcdef", 6)
heard = ctypes.create_string_buffer(6)
parts = (Transfer * 3)()
for index, part in enumerate(parts):
    part.tx_buf = ctypes.addressof(kept) + 2 * index if index != 1 else 0
    part.rx_buf = ctypes.addressof(heard) + 2 * index if index != 1 else 0
    part.len = 2
parts[1].cs_change = 1
print(fcntl.ioctl(spi.fd, 0x40006B00 | 96 << 16, parts), heard.raw.hex())
"""


def test_the_simulated_kernel_does_messages_of_several_transfers(shim: Path) -> None:
    bus = RecordingBus(0)
    with _machine(shim, bus) as machine:
        done = subprocess.run(
            [sys.executable, "-c", _MESSAGE_OF_THREE],
            env=machine.environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert bus.heard == [b"ab\0\0", b"ef"]
    first, second = bus.said
    assert done.stdout.split() == ["6", (first[:2] + b"\0\0" + second).hex()]


@pytest.mark.parametrize("select_us", [0.3, 7.1, 1000])
def test_chip_select_is_held(shim: Path, select_us: float) -> None:
    bus = RecordingBus(0)
    with (
        _machine(shim, bus) as machine,
        RemoteBridge(
            _NODE, clock_hz=8_000_000, mode=0, select_s=select_us * 1e-6, environment=machine.environment
        ) as bridge,
    ):
        check_hold(bridge, bus, select_us * 1e-6)
    assert None not in bus.holds


def test_a_driver_that_does_not_hold_chip_select_is_refused(shim: Path) -> None:
    bus = RecordingBus(0)
    with _machine(shim, bus, delays=False) as machine:
        with pytest.raises(RigError, match=r"driver of /dev/spidev0\.0 does not hold chip select for 8 us") as caught:
            RemoteBridge(_NODE, clock_hz=8_000_000, mode=0, select_s=7.1e-6, environment=machine.environment)
        assert "select=unchecked" in (caught.value.hint or "")
        unchecked = f"{_NODE}?select=unchecked"
        with RemoteBridge(
            unchecked, clock_hz=8_000_000, mode=0, select_s=7.1e-6, environment=machine.environment
        ) as bridge:
            bus.heard.clear()
            bus.said.clear()
            exchange_blocks(bridge, bus, mode=0, count=1)


def test_a_word_for_the_hold_that_is_none_is_a_bad_query() -> None:
    with pytest.raises(RigError, match="write select=unchecked"):
        open_bridge(f"{_NODE}?select=ignored", clock_hz=1_000_000, mode=0)
