"""The USB devices of this computer, as the kernel lists them below /sys: no device is opened or even asked."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")
DEV = Path("/dev")
_DEVICE = re.compile(r"\d+-\d+(\.\d+)*")


@dataclass(frozen=True)
class UsbDevice:
    """A USB device.

    Attributes:
        place: where it is plugged in, as the kernel names it: bus, then ports from hub to hub, as in ``1-4.2``.
        vendor: its vendor's number.
        product_id: its product's number.
        serial: its serial number as it says it, odd characters included; empty without.
        manufacturer: its maker, in its own words.
        product: its name, in its own words.
        interfaces: the names that its interfaces give themselves; empty for those without.
        disks: names of the block devices that it brings, as in ``sdb``.
        raw: names of the files through which its HID interfaces are reached, as in ``hidraw0``.
        bus: number of its bus.
        address: its number on the bus; another one each time that it is plugged in.
    """

    place: str
    vendor: int
    product_id: int
    serial: str = ""
    manufacturer: str = ""
    product: str = ""
    interfaces: tuple[str, ...] = ()
    disks: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    bus: int = 0
    address: int = 0

    @property
    def hub(self) -> str:
        """Place of the hub that it is plugged into; for a port of the computer itself its bus, as in ``1``."""
        above, dot, _ = self.place.rpartition(".")
        return above if dot else self.place.partition("-")[0]

    @property
    def port_number(self) -> int:
        """Which port of that hub."""
        return int(re.split(r"[.-]", self.place)[-1])

    @property
    def node(self) -> Path:
        """The file through which programs reach it."""
        return DEV / f"bus/usb/{self.bus:03}/{self.address:03}"

    @property
    def closed(self) -> tuple[Path, ...]:
        """The files of this device that this user may not read and write."""
        files = (self.node, *(DEV / name for name in self.raw))
        return tuple(path for path in files if not os.access(path, os.R_OK | os.W_OK))


def usb_devices(sys: Path | None = None) -> list[UsbDevice]:
    """All USB devices but hubs' own, by their places; empty where the kernel has no USB.

    Args:
        sys: where the kernel's listing is; by default /sys.
    """
    folder = (sys or SYS) / "bus/usb/devices"
    try:
        names = sorted(path.name for path in folder.iterdir() if _DEVICE.fullmatch(path.name))
    except OSError:
        return []
    found = (_device(folder / name, name) for name in names)
    return [device for device in found if device is not None]


def _device(path: Path, place: str) -> UsbDevice | None:
    """The device of a folder; None where it is being unplugged."""
    try:
        vendor, product_id = (int(_text(path / name), 16) for name in ("idVendor", "idProduct"))
        interfaces = sorted(each for each in path.iterdir() if each.name.startswith(f"{place}:"))
        return UsbDevice(
            place,
            vendor,
            product_id,
            _text(path / "serial"),
            _text(path / "manufacturer").strip(),
            _text(path / "product").strip(),
            tuple(_text(each / "interface") for each in interfaces),
            tuple(disk for each in interfaces for disk in _below(each, "host*/target*/*/block/*")),
            tuple(raw for each in interfaces for raw in _below(each, "*/hidraw/*")),
            int(_text(path / "busnum") or 0),
            int(_text(path / "devnum") or 0),
        )
    except (OSError, ValueError):
        return None


def _below(interface: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in interface.glob(pattern))


def _text(path: Path) -> str:
    """What a file of the kernel's says, without the line's end that the kernel adds; empty where there is no such."""
    try:
        return path.read_bytes().removesuffix(b"\n").decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
