"""Addresses of bridges, and the packages that they need."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from hil.errors import InputError, RigError
from hil.link.spi.opening import open_bridge


def _open(address: str, mode: int = 0) -> None:
    open_bridge(address, clock_hz=1_000_000, mode=mode).close()


@pytest.mark.parametrize(
    "address",
    ["", "/dev/spidev0.0", "spidev:", "ftdi://", "spidev:?hz=1", "ftdi://[::/1", "buspirate:/dev/ttyUSB0#1"],
)
def test_what_is_no_address_is_an_input_error(address: str) -> None:
    with pytest.raises(InputError, match="is no address of an SPI bridge") as caught:
        _open(address)
    assert "spidev:/dev/spidev0.0?data_ready=" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("address", "message", "hint"),
    [
        ("spidriv:/dev/x", "'spidriv' is no kind of SPI bridge", "did you mean 'spidriver'? known kinds: buspirate, "),
        ("usb:/dev/x", "'usb' is no kind of SPI bridge", "known kinds: buspirate, ftdi, pins, spidev, spidriver; "),
        ("spidriver:/dev/x?data_ready=1", "option 'data_ready' is none that spidriver has", "it has: hz"),
        ("buspirate:/dev/x?hz=", "option 'hz' has no value", "write hz=…"),
        ("buspirate:/dev/x?hz=0", "option 'hz' is '0'", "write a whole number from 1 on"),
        ("buspirate:/dev/x?hz=1e6", "option 'hz' is '1e6'", "write a whole number from 1 on"),
        ("buspirate:/dev/x?hz=-5", "option 'hz' is '-5'", "write a whole number from 1 on"),
        ("buspirate:/dev/x?hz", "'hz' is not of the form name=value", "bad query field: 'hz'"),
        ("buspirate:/dev/x?hz=1&hz=2", "an option is given twice", "give it once"),
    ],
)
def test_what_an_address_cannot_say(address: str, message: str, hint: str) -> None:
    with pytest.raises(RigError) as caught:
        _open(address)
    assert caught.value.message.startswith(f"bridge address {address}: ")
    assert message in caught.value.message
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize("address", ["buspirate:/dev/ttyHIL99", "ftdi://ftdi:232h/1", "spidev:/dev/spidev99.9"])
def test_a_mode_that_there_is_not(address: str) -> None:
    with pytest.raises(RigError, match=f"bridge {address} cannot do SPI mode 4"):
        _open(address, mode=4)


@pytest.mark.parametrize(
    ("address", "module", "distribution"),
    [
        ("spidriver:/dev/x", "spidriver", "spidriver"),
        ("ftdi://ftdi:232h/1", "pyftdi.spi", "pyftdi"),
        ("spidev:/dev/spidev0.0", "periphery", "python-periphery"),
    ],
)
def test_a_package_that_is_missing_or_another(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, distribution: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # which makes its import fail
    with pytest.raises(RigError, match=f"needs the package {distribution}, which cannot be imported") as caught:
        _open(address)
    assert "hil-ltc[spi]" in (caught.value.hint or "")
    other = ModuleType(module)
    other.__file__ = "/somewhere/else.py"
    monkeypatch.setitem(sys.modules, module, other)
    with pytest.raises(RigError, match=f"'{module}' in /somewhere/else.py is not {distribution}: it has no S"):
        _open(address)


def test_addresses_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("spidriver", "pyftdi", "periphery"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RigError, match="there is no port /dev/ttyHIL99"):
        _open("buspirate:/dev/ttyHIL99")
