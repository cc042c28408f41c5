"""Which serial port belongs to a debug probe: by the USB device that both are, never by the number in its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from serial.tools import list_ports  # type: ignore[import-untyped]

from hil.find.probes import same_serial

if TYPE_CHECKING:
    from hil.find.probes import Probe


@dataclass(frozen=True)
class SerialPort:
    """A serial port, as pyserial lists it.

    Attributes:
        device: its path, as in ``/dev/ttyACM0``.
        place: of the USB device that brings it, see `hil.find.usb.UsbDevice`; empty for one that is not on USB.
        interface: which of the device's interfaces it is, as in ``1.2``; empty for a device with one alone.
        serial: serial number of that device; empty without.
    """

    device: str
    place: str = ""
    interface: str = ""
    serial: str = ""


@dataclass(frozen=True)
class PortsOfProbe:
    """The ports that are the probe's, and others that may be what somebody means.

    Attributes:
        own: those of the same USB device, by their interfaces.
        beside: those of other devices on the same hub.
    """

    own: tuple[str, ...]
    beside: tuple[str, ...] = ()


def serial_ports() -> list[SerialPort]:
    """The serial ports that are plugged into this computer; none is opened."""
    found = []
    for port in list_ports.comports():
        place, _, interface = (port.location or "").partition(":")
        found.append(SerialPort(port.device, place, interface, port.serial_number or ""))
    return found


def ports_of(probe: Probe, listing: list[SerialPort] | None = None) -> PortsOfProbe:
    """The serial ports of a probe.

    Args:
        probe: the probe.
        listing: the serial ports there are; by default those of this computer.
    """
    ports = sorted(serial_ports() if listing is None else listing, key=lambda port: (port.interface, port.device))
    own = [port for port in ports if port.place == probe.usb.place]
    if not own:  # where pyserial tells no place
        own = [port for port in ports if not port.place and _is_serial_of(port.serial, probe)]
    beside = [port for port in ports if port not in own and _same_hub(port, probe)]
    return PortsOfProbe(tuple(port.device for port in own), tuple(port.device for port in beside))


def _is_serial_of(serial: str, probe: Probe) -> bool:
    return any(same_serial(serial, known) for known in (probe.uid, probe.usb.serial))


def _same_hub(port: SerialPort, probe: Probe) -> bool:
    hub, dot, _ = port.place.rpartition(".")
    return bool(dot) and hub == probe.usb.hub
