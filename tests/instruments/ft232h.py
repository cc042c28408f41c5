"""An FT232H on USB: a backend for pyusb, so that the driver's own code runs down to the USB boundary, without libusb.

Descriptors and vendor requests are those of FTDI's chips as libftdi and pyftdi use them.
"""

from __future__ import annotations

import errno
from array import array
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import usb.core
from usb.backend import IBackend

from tests.instruments.mpsse import Mpsse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.emulator.spi_bus import SpiBus

FT232H, FT232R = 0x0900, 0x0600
"""bcdDevice, by which drivers know the model."""
_PRODUCTS = {FT232H: 0x6014, FT232R: 0x6001}
_STRINGS = ("", "FTDI", "Single RS232-HS", "HIL1")
_PACKET = 512
_STATUS = b"\x32\x60"
_IN, _OUT = 0x81, 0x02

_GET_DESCRIPTOR, _STRING = 0x06, 0x03
_VENDOR_OUT = 0x40
_RESET, _SET_FLOW, _SET_BAUD, _SET_DATA, _EVENT_CHAR, _ERROR_CHAR, _LATENCY, _BITMODE = 0, 2, 3, 4, 6, 7, 9, 0xB
_PURGE_TO_CHIP, _PURGE_TO_HOST = 1, 2
_MODE_RESET, _MODE_MPSSE = 0x00, 0x02


@dataclass(eq=False)
class Ft232h(IBackend):  # type: ignore[misc]
    """The only device of its USB.

    Args:
        bus: what is connected to ADBUS0 to ADBUS3.
        ready_pin: the pin that data-ready is connected to.
        model: FT232H, or FT232R, which has no MPSSE.
        unplug_after: bytes to its engine after which it is unplugged.
        mangle: what becomes of each packet to the host, without its status bytes.
        refuses: errno of every transfer, e.g. EACCES for missing permission.
        taken: whether another program has claimed it.
    """

    bus: SpiBus
    ready_pin: int | None = None
    model: int = FT232H
    unplug_after: int | None = None
    mangle: Callable[[bytes], bytes] = bytes
    refuses: int | None = None
    taken: bool = False
    engine: Mpsse = field(init=False)
    open_handles: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.engine = Mpsse(self.bus, self.ready_pin)
        self._mode = _MODE_RESET

    # -- descriptors (USB 2.0, chapter 9)

    def enumerate_devices(self) -> Iterator[Ft232h]:
        yield self

    def get_device_descriptor(self, dev: Ft232h) -> SimpleNamespace:
        return SimpleNamespace(
            bLength=18,
            bDescriptorType=1,
            bcdUSB=0x200,
            bDeviceClass=0,
            bDeviceSubClass=0,
            bDeviceProtocol=0,
            bMaxPacketSize0=64,
            idVendor=0x0403,
            idProduct=_PRODUCTS[dev.model],
            bcdDevice=dev.model,
            iManufacturer=1,
            iProduct=2,
            iSerialNumber=3,
            bNumConfigurations=1,
            bus=1,
            address=1 + id(dev) % 100,
            port_number=1,
            port_numbers=(1,),
            speed=3,
        )

    def get_configuration_descriptor(self, dev: Ft232h, config: int) -> SimpleNamespace:
        del dev
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=2,
            wTotalLength=32,
            bNumInterfaces=1,
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=45,
            extra_descriptors=[],
        )

    def get_interface_descriptor(self, dev: Ft232h, intf: int, alt: int, config: int) -> SimpleNamespace:
        del dev
        if intf or alt or config:
            raise IndexError((intf, alt, config))
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=4,
            bInterfaceNumber=0,
            bAlternateSetting=0,
            bNumEndpoints=2,
            bInterfaceClass=255,
            bInterfaceSubClass=255,
            bInterfaceProtocol=255,
            iInterface=2,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(self, dev: Ft232h, ep: int, intf: int, alt: int, config: int) -> SimpleNamespace:
        del dev, intf, alt, config
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=5,
            bEndpointAddress=(_IN, _OUT)[ep],
            bmAttributes=2,
            wMaxPacketSize=_PACKET,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    # -- handles

    def open_device(self, dev: Ft232h) -> Ft232h:
        if self.refuses is not None:
            raise usb.core.USBError("Access denied", None, self.refuses)
        self.open_handles += 1
        return dev

    def close_device(self, dev_handle: Ft232h) -> None:
        del dev_handle
        self.open_handles -= 1

    def set_configuration(self, dev_handle: Ft232h, config_value: int) -> None:
        """It has one."""

    def get_configuration(self, dev_handle: Ft232h) -> int:
        del dev_handle
        return 1

    def claim_interface(self, dev_handle: Ft232h, intf: int) -> None:
        del dev_handle, intf
        if self.taken:
            raise usb.core.USBError("Resource busy", None, errno.EBUSY)

    def release_interface(self, dev_handle: Ft232h, intf: int) -> None:
        """Nothing depends on it."""

    def is_kernel_driver_active(self, dev_handle: Ft232h, intf: int) -> bool:
        del dev_handle, intf
        return False

    def attach_kernel_driver(self, dev_handle: Ft232h, intf: int) -> None:
        """There is none."""

    # -- transfers

    def ctrl_transfer(  # noqa: PLR0917 - pyusb calls it so
        self, dev_handle: Ft232h, kind: int, request: int, value: int, index: int, data: array[int], timeout: int
    ) -> int:
        del dev_handle, index, timeout
        self._check_plugged()
        if request == _GET_DESCRIPTOR and value >> 8 == _STRING:
            return _put(data, _string(value & 0xFF))
        assert kind == _VENDOR_OUT, f"request type {kind:#x}, request {request:#x}"
        if request == _RESET and value == _PURGE_TO_HOST:
            self.engine.answer.clear()
        elif request == _RESET and value != _PURGE_TO_CHIP:
            self._mode = _MODE_RESET
            self.engine.reset()
        elif request == _BITMODE:
            self._mode = value >> 8
            self.engine.reset()
        else:
            assert request in {_RESET, _SET_FLOW, _SET_BAUD, _SET_DATA, _EVENT_CHAR, _ERROR_CHAR, _LATENCY}, request
        return 0

    def bulk_write(self, dev_handle: Ft232h, ep: int, intf: int, data: array[int], timeout: int) -> int:
        del dev_handle, intf, timeout
        assert ep == _OUT
        assert self._mode == _MODE_MPSSE
        self._check_plugged()
        taken = bytes(data) if self.unplug_after is None else bytes(data)[: self.unplug_after]
        self.engine.feed(taken)
        if self.unplug_after is not None:
            self.unplug_after -= len(taken)
            self._check_plugged()
        return len(data)

    def bulk_read(self, dev_handle: Ft232h, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        """Packets of 512 bytes, each behind two status bytes; those alone where nothing waits."""
        del dev_handle, intf, timeout
        assert ep == _IN
        self._check_plugged()
        packets = b""
        room = len(buff)
        while room > len(_STATUS):
            piece = bytes(self.engine.answer[: min(room, _PACKET) - len(_STATUS)])
            del self.engine.answer[: len(piece)]
            packets += _STATUS + self.mangle(piece)
            room = len(buff) - len(packets)
            if len(piece) < _PACKET - len(_STATUS):
                break
        return _put(buff, packets)

    def _check_plugged(self) -> None:
        if self.unplug_after is not None and self.unplug_after <= 0:
            raise usb.core.USBError("No such device (it may have been disconnected)", None, errno.ENODEV)


def _string(index: int) -> bytes:
    text = _STRINGS[index].encode("utf-16-le") if index else b"\x09\x04"  # the only language: English
    return bytes((2 + len(text), _STRING)) + text


def _put(data: Any, content: bytes) -> int:
    count = min(len(content), len(data))
    data[:count] = array("B", content[:count])
    return count
