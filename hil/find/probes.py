"""Which of the USB devices are debug probes, what pyOCD calls them, and on which board they say that they sit.

pyOCD's own listing asks each probe for its names over USB, and opens probes to learn their boards, those that another
program is at work with too (pyOCD issue 877). What the kernel has read when they were plugged in says enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

# pyOCD has annotations but no py.typed.
from pyocd.board.board_ids import BOARD_ID_TO_INFO  # type: ignore[import-untyped]
from pyocd.probe.pydapaccess.interface.common import (  # type: ignore[import-untyped]
    ARM_DAPLINK_ID,
    KNOWN_CMSIS_DAP_IDS,
    is_known_device_string,
)
from pyocd.probe.stlink.usb import STLinkUSBInterface  # type: ignore[import-untyped]

from hil.find.usb import usb_devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.find.usb import UsbDevice

MOUNTS = Path("/proc/self/mounts")

_SEGGER: Final = 0x1366
_ODD_SERIAL: Final = 12
_BOARD_ID: Final = 4
_STANDALONE: Final = "0000"
_CODE: Final = re.compile(rb"(?:code|auth|target_id)=([0-9A-Za-z]{4})", re.IGNORECASE)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_PAGE_BYTES: Final = 4096


@dataclass(frozen=True)
class Probe:
    """A debug probe that is plugged in.

    Attributes:
        uid: what pyOCD calls it; empty for one without a serial number.
        kind: which of pyOCD's probe plugins serves it: ``stlink``, ``cmsisdap`` or ``jlink``.
        board_id: the four characters by which the maker of its firmware knows the board; empty where it says none.
        usb: the device.
        flaw: why neither pyOCD nor a lock can tell it from another probe, in a sentence; empty where they can.
    """

    uid: str
    kind: str
    board_id: str
    usb: UsbDevice
    flaw: str = ""

    @property
    def description(self) -> str:
        """Its maker's name and its own."""
        return " ".join(each for each in (self.usb.manufacturer, self.usb.product) if each) or self.kind

    @property
    def target(self) -> str | None:
        """The pyOCD target of the board with that id; None where pyOCD does not know it."""
        info = BOARD_ID_TO_INFO.get(self.board_id)
        return None if info is None else info.target

    @property
    def pyocd_uid(self) -> str:
        """As pyOCD takes it, with its kind, so that it does not look through the probes of all others."""
        return f"{self.kind}:{self.uid}"


def attached_probes(sys: Path | None = None, mounts: Path | None = None) -> list[Probe]:
    """The debug probes that are plugged in, by their places; none is opened.

    Args:
        sys: where the kernel's listing is; by default /sys.
        mounts: list of what is mounted; by default the kernel's.
    """
    mounted = _mounted(mounts or MOUNTS)
    found = [
        Probe(probe_uid(device, kind), kind, _board_id(device, kind, mounted), device)
        for device in usb_devices(sys)
        if (kind := _kind(device))
    ]
    return [replace(probe, flaw=_flaw(probe, found)) for probe in found]


def _flaw(probe: Probe, all_of_them: Sequence[Probe]) -> str:
    if not probe.uid:
        return (
            f"the probe at USB {probe.usb.place} ({probe.description}) has no serial number: nothing tells it from "
            "another, nor keeps a second run from it"
        )
    alike = [each.usb.place for each in all_of_them if each.uid.casefold() == probe.uid.casefold()]
    if len(alike) > 1:
        return (
            f"the probes at USB {' and '.join(alike)} have the same serial number {probe.uid}: "
            "pyOCD takes whichever it meets first"
        )
    return ""


def _kind(device: UsbDevice) -> str:
    """Which plugin of pyOCD serves a device; empty for one that is no probe."""
    numbers = (device.vendor, device.product_id)
    if device.vendor == STLinkUSBInterface.USB_VID and device.product_id in STLinkUSBInterface.USB_PID_EP_MAP:
        return "stlink"
    if device.vendor == _SEGGER and "j-link" in device.product.lower():
        return "jlink"
    named = any(is_known_device_string(name) for name in (device.product, *device.interfaces))
    return "cmsisdap" if named or numbers in KNOWN_CMSIS_DAP_IDS else ""


def probe_uid(device: UsbDevice, kind: str) -> str:
    """What pyOCD makes of a serial number.

    Old ST-LINKs have twelve bytes there instead of characters, which pyOCD spells in hexadecimal digits; a J-Link's is
    a number with zeros in front.
    """
    serial = device.serial
    if kind == "stlink" and len(serial) == _ODD_SERIAL:
        return "".join(f"{ord(character) & 0xFF:02X}" for character in serial)
    if kind == "jlink" and serial.isdecimal():
        return str(int(serial))
    return serial


def probes_named(wanted: str, probes: Sequence[Probe]) -> list[Probe]:
    """Those with that uid, as pyOCD spells it too; where there is none, those that have it as a part of theirs."""
    plain = wanted.casefold()
    exact = [probe for probe in probes if plain in {probe.uid.casefold(), probe.pyocd_uid.casefold()}]
    return exact or [probe for probe in probes if plain in probe.uid.casefold()]


def same_serial(one: str, other: str) -> bool:
    """Whether two spellings are those of one serial number: they differ in case, and in zeros in front."""
    plain = [each.casefold().lstrip("0") for each in (one, other)]
    return plain[0] == plain[1] and bool(plain[0])


def _board_id(device: UsbDevice, kind: str, mounted: dict[str, Path]) -> str:
    """The board's id where it can be known without asking the probe."""
    if kind == "cmsisdap":
        is_daplink = (device.vendor, device.product_id) == ARM_DAPLINK_ID
        found = device.serial[:_BOARD_ID].upper() if is_daplink else ""
        return "" if found == _STANDALONE else found
    folders = (mounted[disk] for disk in device.disks if disk in mounted)
    return next((found for folder in folders if (found := _id_on(folder))), "")


def _mounted(mounts: Path) -> dict[str, Path]:
    """Where block devices are mounted, by their names."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        device, _, rest = line.partition(" ")
        place = _OCTAL.sub(lambda match: chr(int(match[1], 8)), rest.partition(" ")[0])
        if device.startswith("/dev/"):
            found[device.removeprefix("/dev/")] = Path(place)
    return found


def _id_on(folder: Path) -> str:
    """The board's id in the page that a probe's mass storage holds; empty where it has none."""
    try:
        page = next((path for path in folder.iterdir() if path.name.lower() == "mbed.htm"), None)
        if page is None:
            return ""
        with page.open("rb") as file:
            found = _CODE.search(file.read(_PAGE_BYTES))
    except OSError:
        return ""
    return found[1].decode("ascii").upper() if found else ""
